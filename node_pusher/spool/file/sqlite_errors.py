"""SQLite's errors as errors of the spool: what is wrong, and whether trying again can help."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gitmeter.support.files import why_not_written
from node_pusher.home.layout import OWNER_HINT
from node_pusher.spool.outcomes import SpoolBusyError, SpoolError

_OF_THE_DISK: Final = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}


@contextmanager
def spool_errors(file: Path) -> Iterator[None]:
    """Turn errors of SQLite and of permissions into a SpoolError.

    Args:
        file: the spool.

    Raises:
        SpoolError: SQLite failed, or the system denied access.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise spool_error(error, file) from error
    except PermissionError as error:
        raise SpoolError(f"{error.filename}: {error.strerror}", hint=OWNER_HINT) from error


def spool_error(error: sqlite3.DatabaseError, file: Path) -> SpoolError:
    """The spool's error for an error of SQLite, which knows little of the disk below it."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    says, do = why_not_written(file) if code in _OF_THE_DISK else ("", "")
    if says:
        return SpoolBusyError(f"the spool: {says}; nothing was recorded ({error})", hint=do)
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
