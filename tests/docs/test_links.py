"""Links between the documents, and the files that their text names, lead to something."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.conftest import ROOT

IGNORED: Final = {
    ".venv",
    ".pytest_cache",
    "build",
    "demo",
    "demo-fleet",
    "demo-money",
    "node_modules",
    "try",
}
DOCUMENTS: Final = sorted(
    path for path in ROOT.rglob("*.md") if not IGNORED & set(path.relative_to(ROOT).parts)
)
SHORT_FOR: Final = (ROOT, ROOT / "aggregator", ROOT / "tests")
"""Where a path in a text may begin: ARCHITECTURE.md leaves out `aggregator/`, the account of
faults `tests/`."""

_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^()\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_MODULE: Final = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|sql))\b")


class Link(NamedTuple):
    """A link of a document to something in this repo.

    Attributes:
        path: what it leads to; the document itself when it names a section alone.
        anchor: the section; empty for none.
        text: as it is written.
    """

    path: Path
    anchor: str
    text: str


def prose(path: Path) -> str:
    """A document without its code blocks."""
    return _FENCE.sub("", path.read_text())


def links(path: Path) -> Iterator[Link]:
    """The links of a document that stay in this repo."""
    for text in _LINK.findall(prose(path)):
        if "://" not in text:
            target, _, anchor = text.partition("#")
            yield Link((path.parent / target).resolve() if target else path, anchor, text)


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of headings."""
    headings = _HEADING.findall(prose(path))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def is_broken(link: Link) -> bool:
    """Whether a link leads nowhere."""
    if not link.path.exists():
        return True
    return bool(link.anchor) and link.anchor not in anchors(link.path)


def reachable(start: Path) -> set[Path]:
    """The documents that a reader gets to by links alone."""
    found, todo = set[Path](), [start]
    while todo:
        path = todo.pop()
        if path not in found and path.suffix == ".md" and path.is_file():
            found.add(path)
            todo += [link.path for link in links(path)]
    return found


def named(path: Path) -> str:
    """What a test of a document is called."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_link_leads_to_a_file_and_a_section(path: Path) -> None:
    assert [link.text for link in links(path) if is_broken(link)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_module_that_a_text_names_exists(path: Path) -> None:
    modules = _MODULE.findall(prose(path))
    assert [name for name in modules if not any((top / name).exists() for top in SHORT_FOR)] == []


def test_every_document_is_reached_from_the_readme() -> None:
    assert set(DOCUMENTS) - reachable(ROOT / "README.md") == set()


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("[x](there.md)", False),
        ("[x](there.md#a-section-of-it)", False),
        ("[x](#here)", False),
        ("[x](folder/)", False),
        ("[x](https://example.org/nowhere#at-all)", False),
        ("```\n[x](gone.md)\n```", False),
        ("[x](gone.md)", True),
        ("[x](there.md#gone)", True),
        ("[x](there.md#in-a-block)", True),
        ("[x](#gone)", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, link: str, *, broken: bool) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.md").write_text("# A section, of it\n\n```sh\n# in a block\n```\n")
    document = tmp_path / "document.md"
    document.write_text(f"# Here\n\n{link}\n")
    assert [is_broken(found) for found in links(document)] in ([], [broken])
    assert any(is_broken(found) for found in links(document)) == broken
