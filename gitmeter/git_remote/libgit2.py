"""Repos of our own as libgit2 and the git program both open them.

libgit2 reads the system's and the user's settings whenever a repo is opened. They could rewrite an
address, and a mistake in a `~/.gitconfig` would make every sound repo unreadable.
"""

from pathlib import Path

import pygit2
from pygit2.enums import ConfigLevel

from gitmeter.support.files import write_durably


def ignore_user_settings() -> None:
    """Make libgit2 open repos with their own settings alone, from now on in this process."""
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
        if pygit2.settings.search_path[level]:
            pygit2.settings.search_path[level] = ""


def mend_head(repo: Path, branch: str) -> None:
    """Write the file HEAD of a repo again where a power cut left it empty or took it.

    Nothing here needs it, but without it the git program takes the folder for no repo at all.
    """
    head = repo / "HEAD"
    if not (repo / "objects").is_dir():
        return
    if not head.exists() or not head.read_bytes().strip(b"\0 \n"):
        write_durably(head, f"ref: refs/heads/{branch}\n".encode(), 0o644)
