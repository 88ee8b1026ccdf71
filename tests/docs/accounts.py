"""The system users of the guide on this machine, as accounts that every Debian has.

Where the tests run as root, the users of `systemd/gitmeter.sysusers` are played by accounts that
own nothing here, so that no user has to be made and none is left behind. Owners and modes are
real: each step runs as its user. Where that is not possible, one user does everything, and the
test's name says why.
"""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.conftest import ROOT
from tests.support.memory import MEMORY

USERS: Final = ("gitmeter", "gitmeter-books", "node-pusher", "portal", "till", "till-charge")
"""Those of `systemd/gitmeter.sysusers`."""

PROGRAMS: Final = {
    "aggregator": "aggregator",
    "books": "books",
    "node-pusher": "node_pusher",
    "portal": "portal",
    "till": "till",
}
"""Each with its package."""

_PLAYERS: Final = ("news", "uucp", "list", "irc", "games", "proxy")
_PYTHONS: Final = (
    Path(sys.executable),
    Path(f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"),
)
"""The second one is of the same minor version, so it can load what is installed for the first."""

_TOOLS: Final = ("runuser", "systemd-tmpfiles")
_SITE: Final = sysconfig.get_path("purelib")


class Accounts(NamedTuple):
    """Who the users of the guide are here.

    Attributes:
        played_by: user of the guide to the entry of an account of this machine; empty where one
            user does everything.
        python: that all of them can run, and the packages with it.
        why_not: why there are none; empty where there are.
    """

    played_by: dict[str, pwd.struct_passwd]
    python: Path
    why_not: str

    def __str__(self) -> str:
        """What was done, as the test's name says it."""
        return f"one user, as {self.why_not}" if self.why_not else "real users"

    def name(self, user: str) -> str:
        """The account that plays a user of the guide."""
        return self.played_by[user].pw_name

    def write_programs(self, folder: Path) -> None:
        """Install the programs for all users."""
        for program, package in PROGRAMS.items():
            script = folder / program
            script.write_text(
                f"#!{self.python}\nimport sys\nsys.path[:0] = {[str(ROOT), _SITE]}\n"
                f"from {package}.cli import main\nmain()\n"
            )
            script.chmod(0o755)

    def make_folders(self, machine: Path) -> None:
        """Make the folders of a machine as the installed file of `systemd-tmpfiles` says."""
        (machine / "etc").mkdir(parents=True, exist_ok=True)
        for name, root in (("passwd", "root:x:0:0::/root:/bin/sh"), ("group", "root:x:0:")):
            lines = [root]
            for user, entry in self.played_by.items():
                ids = f"{entry.pw_uid}:" if name == "passwd" else ""
                end = "::/:/bin/sh" if name == "passwd" else ":"
                lines.append(f"{user}:x:{ids}{entry.pw_gid}{end}")
            (machine / "etc" / name).write_text("\n".join(lines) + "\n")
        file = ROOT / "systemd" / "gitmeter.tmpfiles"
        subprocess.run(["systemd-tmpfiles", f"--root={machine}", "--create", file], check=True)


@cache
def accounts() -> Accounts:
    """The accounts of this machine, or why there are none."""
    lacking = [tool for tool in _TOOLS if shutil.which(tool) is None]
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entries = [known[name] for name in _PLAYERS if name in known]
    if os.geteuid() != 0:
        why_not = "the tests do not run as root"
    elif lacking:
        why_not = f"{lacking[0]} is missing"
    elif len(entries) < len(USERS):
        why_not = "accounts of Debian are missing"
    else:
        played_by = dict(zip(USERS, entries, strict=False))
        for python in _PYTHONS:
            if _can_run(python, played_by.values()):
                return Accounts(played_by, python, "")
        why_not = "other users cannot run the programs from here"
    return Accounts({}, Path(sys.executable), why_not)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike those of tests."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _can_run(python: Path, entries: Iterable[pwd.struct_passwd]) -> bool:
    """Whether these accounts can run the programs with this Python."""
    script = f"import sys; sys.path[:0] = {[str(ROOT), _SITE]}; import click, gitmeter"
    return all(
        subprocess.run(
            ["runuser", "-u", entry.pw_name, "--", python, "-c", script],
            cwd="/",
            capture_output=True,
            check=False,
        ).returncode
        == 0
        for entry in entries
    )
