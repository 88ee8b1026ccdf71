"""The documentation is generated, complete, and what it tells people to type works."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from docs.generate import DOCS, PROGRAMS, commands, documents

ROOT: Final = DOCS.parent
BIN: Final = Path(sys.executable).parent
MARKDOWN: Final = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "demo", ".pytest_cache", "node_modules"} & set(path.relative_to(ROOT).parts)
)
LINK: Final = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def every_command() -> Iterator[tuple[str, click.Command]]:
    for program, group in PROGRAMS.items():
        yield from commands(program, group)


@pytest.mark.parametrize("name", ["cli.md", "schema.md"])
def test_generated_documents_are_up_to_date(name: str, tmp_path: Path) -> None:
    """Write them again with `python -m docs.generate`."""
    assert (DOCS / name).read_text() == documents(tmp_path)[name]


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=str)
def test_every_command_and_option_says_what_it_does(name: str, command: click.Command) -> None:
    assert command.help, name
    options = [item for item in command.params if isinstance(item, click.Option)]
    assert [item.name for item in options if not item.help] == []


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = [match[1] for match in LINK.finditer(path.read_text())]
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_the_readme_can_be_followed_word_by_word(tmp_path: Path) -> None:
    """Its shell block runs as it stands, and the balance it ends with is the one it should be."""
    block = "\n".join(BLOCK.findall((ROOT / "README.md").read_text()))
    assert "aggregator" in block
    script = block.replace('export PATH="$PWD/.venv/bin:$PATH"', "")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "24.98" in done.stdout
    assert "matches git" in done.stdout


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    section = text.partition("## Promises")[2].partition("## Decisions")[0]
    named = re.findall(r"`(tests/[a-z_/]+(?:\.py)?)`", section)
    assert len(named) >= 7
    assert [name for name in named if not (ROOT / name).exists()] == []
