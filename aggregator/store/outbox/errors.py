"""What SQLite says of the file of notices."""

import sqlite3
from pathlib import Path

from gitmeter.support.errors import GitmeterError


class NoticesError(GitmeterError):
    """The file of notices cannot be used.

    Attributes:
        is_damaged: whether no aggregator can.
    """

    is_damaged = False


def broken(path: Path, error: sqlite3.Error) -> NoticesError:
    """What an error of SQLite means for the file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    found = NoticesError(
        f"{path} cannot be used: {error}",
        hint="look at the disk under it; the daemon sets a damaged file aside and begins anew",
    )
    found.is_damaged = code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
    return found
