"""Links between the documents lead to sections that exist."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT

DOCUMENTS: Final = sorted(
    (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "systemd/README.md")
)
_LINK: Final = re.compile(r"\]\(([^)#\s]*)#([^)]+)\)")
_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of headings."""
    headings = _HEADING.findall(_FENCE.sub("", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_sections_lead_to_one(path: Path) -> None:
    links = [link for link in _LINK.findall(path.read_text()) if "://" not in link[0]]
    broken = [
        f"{target}#{anchor}"
        for target, anchor in links
        if anchor not in anchors((path.parent / target) if target else path)
    ]
    assert broken == []
