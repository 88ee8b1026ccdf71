"""Every command of the page about reports prints what the page shows."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.support.hledger import hledger
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.world import World

PAGE: Final = (ROOT / "docs" / "reports.md").read_text()
_BLOCK: Final = r"^```console\n\$ {} (.+)\n((?:.*\n)*?)```$"
SHOWN: Final = re.findall(_BLOCK.format("aggregator"), PAGE, re.MULTILINE)
BY_HLEDGER: Final = re.findall(_BLOCK.format("hledger -f november.journal"), PAGE, re.MULTILINE)
JOURNAL: Final = next(command for command, _ in SHOWN if command.startswith("export hledger"))
WITHOUT_ANSWER: Final = re.findall(r"^```sh\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
_HASH: Final = re.compile(r"[0-9a-f]{40,64}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return reports_world(tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_a_command_prints_what_the_page_shows(world: World, command: str, shown: str) -> None:
    """But for blank lines, and for the hash, which is that of other commits there."""
    said = world.run(*shlex.split(command)).ok().out
    assert _lines(said) == _lines(shown)


@pytest.mark.parametrize(("command", "shown"), BY_HLEDGER, ids=[words for words, _ in BY_HLEDGER])
def test_hledger_prints_what_the_page_shows(world: World, command: str, shown: str) -> None:
    """Of the journal that the page shows."""
    assert _lines(_by_hledger(world, command)) == _lines(shown)


def test_the_commands_that_are_shown_without_an_answer_work(world: World, tmp_path: Path) -> None:
    """As they stand, one after the other, with the real programs."""
    environment = {
        **os.environ,
        "AGGREGATOR_CONFIG": str(world.write_config()),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    script = "".join(WITHOUT_ANSWER)
    assert script.count("\n") >= 15
    ran = subprocess.run(
        ["bash", "-exuo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_page_shows_commands() -> None:
    """As many as it has blocks."""
    assert len(SHOWN) + len(BY_HLEDGER) == PAGE.count("```console") >= 8


def _lines(text: str) -> list[str]:
    return [_HASH.sub("HASH", line.strip()) for line in text.splitlines() if line.strip()]


def _by_hledger(world: World, command: str) -> str:
    return hledger(world.run(*shlex.split(JOURNAL)).ok().out, *shlex.split(command))


def page_of(folder: Path) -> str:
    """The page with what the commands print now; to write it anew after a change."""
    world = reports_world(folder)

    def shown(program: str, said: Callable[[str], str], page: str) -> str:
        def printed(found: re.Match[str]) -> str:
            lines = said(found[1]).splitlines()
            text = "\n".join(line.rstrip() for line in lines if line.strip() or not line)
            return f"```console\n$ {program} {found[1]}\n{text}\n```"

        return re.sub(_BLOCK.format(program), printed, page, flags=re.MULTILINE)

    page = shown("aggregator", lambda words: world.run(*shlex.split(words)).ok().out, PAGE)
    return shown("hledger -f november.journal", lambda words: _by_hledger(world, words), page)
