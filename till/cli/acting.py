"""Who runs a command."""

import getpass
import os


def acting_user() -> str:
    """The person, as far as this machine knows: who called sudo, else the user of the process."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
