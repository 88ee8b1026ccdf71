"""Whose a folder is, and who acts: root works on another user's folder only as that user.

What root makes there is root's, and the services that run as the owner cannot read or replace it.
"""

import getpass
import os
import pwd
import shlex
import sys
from pathlib import Path
from typing import Final

from gitmeter.support.errors import GitmeterError

_NAMELESS: Final = "user "
"""Before the number of a user without a name."""


class WrongUserError(GitmeterError):
    """A program runs as another user than the one whose files it would change."""


def check_owner(folder: Path) -> None:
    """Refuse to work as root in a folder of another user.

    Raises:
        WrongUserError: this is root, and the folder is not root's; the hint is the line to run.
    """
    if os.geteuid() == 0 and folder.exists() and folder.stat().st_uid != 0:
        raise wrong_user(folder)


def wrong_user(path: Path) -> WrongUserError:
    """The error for a file or folder that belongs to another user than the running one."""
    found = path.stat()
    owner = _name(found.st_uid)
    says = f"{path} belongs to {owner}, and this runs as {_name(os.geteuid())}"
    if os.geteuid() != 0:
        return WrongUserError(says, hint=f"run it as {owner}")
    become = f"runuser -u {owner} --"
    if owner.startswith(_NAMELESS):
        become = f"setpriv --reuid={found.st_uid} --regid={found.st_gid} --clear-groups"
    line = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return WrongUserError(says, hint=f"{become} {line}")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{_NAMELESS}{uid}"


def default_operator() -> str:
    """The name of the person at the terminal; empty if it cannot be told.

    `SUDO_USER` before the login name: commands run as the service's user, for whom a person
    called sudo.
    """
    if caller := os.environ.get("SUDO_USER"):
        return caller
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # which one depends on the version of Python
        return ""
