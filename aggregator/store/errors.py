"""SQLite's errors about the ledger's file, as errors with a hint."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gitmeter.support.errors import GitmeterError

DAMAGED: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
DISK: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_HINTS: Final = {
    **dict.fromkeys(DAMAGED, "`aggregator rebuild` makes it again from git"),
    **dict.fromkeys(
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
        "run this as the user who owns the state directory",
    ),
    **dict.fromkeys(
        DISK, "check the disks of the state directory and of temporary files, then run this again"
    ),
}
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class BrokenLedgerError(GitmeterError):
    """SQLite cannot use the ledger's file. Nothing is lost: git has everything."""


class BusyLedgerError(GitmeterError):
    """Another process has kept the ledger's file locked for longer than the timeout."""

    retry = True


@contextmanager
def ledger_errors() -> Iterator[None]:
    """Turn SQLite's errors inside the block into errors with a hint.

    Raises:
        BrokenLedgerError: the file is damaged, or cannot be opened or written.
        BusyLedgerError: another process keeps it locked.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = error_code(error)
        message = f"the ledger cannot be used: {error}"
        if code in _BUSY:
            raise BusyLedgerError(message, hint="another process works on it") from error
        if code not in _HINTS:
            raise
        raise BrokenLedgerError(message, hint=_HINTS[code]) from error


def error_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of Python's own module."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class SchemaVersionError(GitmeterError):
    """The database was written by another version of the aggregator."""


class NoDatabaseError(GitmeterError):
    """There is no database yet."""
