"""SQLite's errors about the file of notices, as errors with a hint."""

import sqlite3
from pathlib import Path

from gitmeter.support.errors import GitmeterError


class NoticesError(GitmeterError):
    """The file of notices cannot be used.

    Attributes:
        is_damaged: whether the file is damaged, so that trying again cannot help.
    """

    is_damaged = False


def broken(path: Path, error: sqlite3.Error) -> NoticesError:
    """The error to raise for an error of SQLite about this file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    found = NoticesError(
        f"{path} cannot be used: {error}",
        hint="check the disk under it; the daemon sets a damaged file aside and starts a new one",
    )
    found.is_damaged = code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
    return found
