"""libgit2 without the system's and the user's settings, as the git program runs here.

libgit2 reads them whenever a repo is opened. They could rewrite an address, and a mistake in a
`~/.gitconfig` would make every sound repo unreadable.
"""

import pygit2
from pygit2.enums import ConfigLevel


def ignore_user_settings() -> None:
    """Make libgit2 open repos with their own settings alone, from now on in this process."""
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
        if pygit2.settings.search_path[level]:
            pygit2.settings.search_path[level] = ""
