"""The least version of the git program that is used, and what an older one lacks.

The tests run with that of Debian 12. An older one does not sync what it fetched to disk (before
2.36), reads the user's settings nevertheless (before 2.32), or does not know an option.
"""

import re
from typing import Final

from gitmeter.support.errors import GitmeterError

LEAST: Final = (2, 39)


class GitTooOldError(GitmeterError):
    """The git program is older than any that this was tested with."""


def is_too_old(printed: str) -> bool:
    """Whether `git version` printed a version below the least one."""
    numbers = re.search(r"(\d+)\.(\d+)", printed)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < LEAST


def too_old(printed: str) -> GitTooOldError:
    """The error for a git program that printed this version."""
    return GitTooOldError(
        f"{printed.strip()} is too old: {LEAST[0]}.{LEAST[1]} is the least that is used here",
        hint="install a newer git; that of Debian 12 will do",
    )
