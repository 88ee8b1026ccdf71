"""The documentation is generated, complete, and what it tells people to type works."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from docs.generate import DOCS, PROGRAMS, commands, documents
from tests.docs.guide import missing

ROOT: Final = DOCS.parent
BIN: Final = Path(sys.executable).parent
HOUR: Final = "2026-11-28T09"
"""In which the use on the README's first screen falls."""

BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def every_command() -> Iterator[tuple[str, click.Command]]:
    for program, group in PROGRAMS.items():
        yield from commands(program, group)


@pytest.mark.parametrize("name", ["cli.md", "schema.md", "openapi.json"])
def test_generated_documents_are_up_to_date(name: str, tmp_path: Path) -> None:
    """Write them again with `python -m docs.generate`."""
    assert (DOCS / name).read_text() == documents(tmp_path)[name]


@pytest.mark.parametrize(("name", "command"), list(every_command()), ids=str)
def test_every_command_and_option_says_what_it_does(name: str, command: click.Command) -> None:
    assert command.help, name
    options = [item for item in command.params if isinstance(item, click.Option)]
    assert [item.name for item in options if not item.help] == []


def test_the_readme_can_be_followed_word_by_word(tmp_path: Path) -> None:
    """Its shell block runs as it stands, and the balance it ends with is the one it should be.

    The session on its first screen, continued there by another user, shows what is shown.
    """
    readme = (ROOT / "README.md").read_text()
    block = "\n".join(BLOCK.findall(readme))
    assert "aggregator" in block
    script = block.replace('export PATH="$PWD/.venv/bin:$PATH"', "")
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "24.98" in done.stdout
    assert "matches git" in done.stdout
    folder = tmp_path / "try"
    run("books pay bob 10.00 && books push", folder)
    hour = HOUR
    for command, shown in session(readme):
        if command.startswith("aggregator"):
            run("aggregator pull", folder)  # as the daemon does
        output = run(command.replace(HOUR, hour), folder).stdout
        if recorded := re.search(r"^vm-01 seq 2 at (\d{4}-\d\d-\d\dT\d\d)", output):
            hour = recorded[1]
        as_shown = output.replace(str(folder / "state"), "/var/lib/gitmeter")
        assert missing(shown, as_shown) == [], output


def session(readme: str) -> list[tuple[str, str]]:
    """The commands of the first screen, each with what is shown below it."""
    (block,) = re.findall(r"^```console\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    found = re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    assert len(found) >= 4
    return found


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A script with the programs, and with the homes that the README makes as their defaults."""
    homes = {"NODE_PUSHER_HOME": "vm-01", "BOOKS_HOME": "books"}
    path = f"{BIN}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **homes, "AGGREGATOR_CONFIG": "aggregator.toml", "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    section = text.partition("## Promises")[2].partition("## Decisions")[0]
    named = re.findall(r"`(tests/[a-z_/]+(?:\.py)?)`", section)
    assert len(named) >= 7
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", ["aggregator", "node_pusher", "portal", "till"])
def test_the_floors_of_the_rooms_are_those_that_import_linter_holds(package: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [c["layers"] for c in contracts["contracts"] if c.get("containers") == [package]]
    text = (ROOT / "ARCHITECTURE.md").read_text().partition(f"### Inside `{package}/`")[2]
    rows = re.findall(r"^\| \d \| (.+) \|$", text.partition("\n##")[0], re.MULTILINE)
    floors = [set(re.findall(r"(?:^|· )`(\w+)`:", row)) for row in rows]
    assert floors == [set(layer.split(" | ")) for layer in layers]
