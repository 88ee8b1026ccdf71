"""Whose a folder is: root works on another user's folder only as that user.

What root makes there is root's, and the services that run as the owner cannot read or replace it.
"""

import os
import pwd
import shlex
import sys
from pathlib import Path

from gitmeter.support.errors import GitmeterError


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
    owner, own = _name(path.stat().st_uid), _name(os.geteuid())
    line = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    hint = f"runuser -u {owner} -- {line}" if os.geteuid() == 0 else f"run it as {owner}"
    return WrongUserError(f"{path} belongs to {owner}, and this runs as {own}", hint=hint)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
