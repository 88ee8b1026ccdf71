"""Every command of the page about reports prints what the page shows."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.world import World

PAGE: Final = (ROOT / "docs" / "reports.md").read_text()
SHOWN: Final = re.findall(r"^```console\n\$ aggregator (.+)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
_HASH: Final = re.compile(r"[0-9a-f]{40,64}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return reports_world(tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_command_prints_what_the_page_shows(world: World, command: str, shown: str) -> None:
    """But for blank lines, and for the hash, which is that of other commits there."""
    said = world.run(*shlex.split(command)).ok().out
    assert _lines(said) == _lines(shown)


def test_the_page_shows_commands() -> None:
    """As many as it has blocks."""
    assert len(SHOWN) == PAGE.count("```console") >= 8


def _lines(text: str) -> list[str]:
    return [_HASH.sub("HASH", line.strip()) for line in text.splitlines() if line.strip()]


def page_of(folder: Path) -> str:
    """The page with what the commands print now; to write it anew after a change."""
    world = reports_world(folder)

    def printed(found: re.Match[str]) -> str:
        lines = world.run(*shlex.split(found[1])).ok().out.splitlines()
        shown = "\n".join(line.rstrip() for line in lines if line.strip())
        return f"```console\n$ aggregator {found[1]}\n{shown}\n```"

    pattern = r"^```console\n\$ aggregator (.+)\n(?:.*\n)*?```$"
    return re.sub(pattern, printed, PAGE, flags=re.MULTILINE)
