"""Giving the disk back what retired records took: SQLite keeps a file's size by itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

FREE_BYTES_MIN: Final = 4 * 1024 * 1024
"""Less is soon in use again."""

COPIED_BYTES_MAX: Final = 32 * 1024 * 1024
"""What is kept of a spool of an earlier version is copied, while others wait to record: about a
second."""

_INCREMENTAL: Final = 2
"""SQLite's number for the `auto_vacuum` of a file that can be shortened step by step."""

_STEP_PAGES: Final = 1000
"""Pages that one transaction takes off the end: some ten milliseconds in which others wait."""

_WAIT_MS: Final = 1000


def shrink(connection: sqlite3.Connection) -> None:
    """Make the file smaller where most of it is free.

    Whoever writes or reads just now, or a disk without room, leaves the rest to the next time.
    """
    kept_bytes, free_bytes = _sizes_bytes(connection)
    if free_bytes < max(FREE_BYTES_MIN, kept_bytes):
        return
    with _short_wait(connection), suppress(sqlite3.OperationalError):
        if _number(connection, "auto_vacuum") == _INCREMENTAL:
            while _number(connection, "freelist_count"):
                # `execute` would make one step of the statement, and so free one page
                connection.executescript(f"PRAGMA incremental_vacuum({_STEP_PAGES})")
        elif kept_bytes <= COPIED_BYTES_MAX:
            make_shrinkable(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make_shrinkable(connection: sqlite3.Connection) -> None:
    """Copy the file into one that can be shortened step by step."""
    connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
    connection.execute("VACUUM")


def _sizes_bytes(connection: sqlite3.Connection) -> tuple[int, int]:
    pages, free, page_bytes = (
        _number(connection, name) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * page_bytes, free * page_bytes


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextmanager
def _short_wait(connection: sqlite3.Connection) -> Iterator[None]:
    before_ms = _number(connection, "busy_timeout")
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before_ms}")
