"""SQLite's errors as errors of the spool: what is wrong, and whether trying again can help."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from node_pusher.home.layout import OWNER_HINT
from node_pusher.spool.outcomes import SpoolBusyError, SpoolError


@contextmanager
def spool_errors() -> Iterator[None]:
    """Turn errors of SQLite and of permissions into a SpoolError.

    Raises:
        SpoolError: SQLite failed, or the system denied access.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise spool_error(error) from error
    except PermissionError as error:
        raise SpoolError(f"{error.filename}: {error.strerror}", hint=OWNER_HINT) from error


def spool_error(error: sqlite3.DatabaseError) -> SpoolError:
    """The spool's error for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}:
        return SpoolBusyError(
            f"the spool: {error}", hint="what was to be recorded is not; try again"
        )
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return SpoolError(f"the spool: {error}; nothing was recorded", hint=OWNER_HINT)
    return SpoolError(
        f"the spool: {error}; nothing was recorded",
        hint="if spool.db is damaged: keep a copy, take it away with its -wal and -shm, and run"
        " `init` again: it goes on in a new epoch",
    )
