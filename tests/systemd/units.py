"""Unit files as data, and the programs they start as they are installed here."""

import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from tests.conftest import ROOT

FOLDER: Final = ROOT / "systemd"
README: Final = FOLDER / "README.md"
INSTALLED: Final = "/opt/gitmeter/bin/"
"""Where the units expect the programs."""

PROGRAMS: Final = Path(sys.executable).parent
"""Where the programs are on this machine."""

SERVICES: Final = sorted(path.name for path in FOLDER.glob("*.service"))
SOCKETS: Final = sorted(path.name for path in FOLDER.glob("*.socket"))
TIMERS: Final = sorted(path.name for path in FOLDER.glob("*.timer"))

Unit = dict[str, dict[str, list[str]]]
"""Section to key to values, in the order of the file."""


def read_unit(name: str) -> Unit:
    """A unit of the project; a key may stand in it several times."""
    unit: Unit = {}
    section: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line.startswith("["):
            section = unit.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return unit


def service(name: str) -> dict[str, str]:
    """The `[Service]` section of a unit; several values of a key are joined by spaces."""
    return {key: " ".join(values) for key, values in read_unit(name)["Service"].items()}


def command_line(name: str) -> list[str]:
    """What a service starts; of programs in a pipe, the last one."""
    return command_lines(name)[-1]


def command_lines(name: str) -> list[list[str]]:
    """What a service starts: a program, or the programs of a pipe in a shell."""
    words = shlex.split(service(name)["ExecStart"])
    if words[:2] != ["/bin/sh", "-c"]:
        return [words]
    (script,) = words[2:]
    return [shlex.split(part) for part in script.split("|")]


def with_programs_here(folder: Path) -> list[Path]:
    """Copies of all units that start the programs of this machine, all else unchanged."""
    copies = []
    for name in (*SERVICES, *SOCKETS, *TIMERS):
        copy = folder / name
        text = (FOLDER / name).read_text()
        copy.write_text(text.replace(INSTALLED, f"{PROGRAMS}/"))
        copies.append(copy)
    return copies


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; a non-zero exit is returned."""
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=120
    )


@cache
def help_text(program: str, *commands: str) -> str:
    """What `program commands... --help` prints."""
    result = run(PROGRAMS / program, *commands, "--help")
    if result.returncode:
        raise AssertionError(f"{program} {' '.join(commands)} --help: {result.stderr}")
    return result.stdout


@cache
def subcommands(program: str, *commands: str) -> tuple[str, ...]:
    """The names that a group of commands lists in its help."""
    _, _, listed = help_text(program, *commands).partition("\nCommands:\n")
    return tuple(
        line.split()[0] for line in listed.splitlines() if line[:2] == "  " and line[2:3].strip()
    )


def unknown_words(line: list[str]) -> list[str]:
    """Options and commands of a command line that the program's help does not know.

    Args:
        line: a program of the project and its arguments.
    """
    program, *words = line
    path: list[str] = []
    unknown = []
    for word in words:
        names = subcommands(program, *path)
        if word.startswith("--"):
            if f"{word.partition('=')[0]} " not in help_text(program, *path):
                unknown.append(word)
        elif word in names:
            path.append(word)
    if not path:
        unknown.append(f"{program} without a command")
    return unknown
