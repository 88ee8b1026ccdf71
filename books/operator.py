"""Who acts: the default of `--by`."""

import getpass
import os


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
