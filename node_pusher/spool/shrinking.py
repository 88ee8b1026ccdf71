"""Giving the disk back what retired records took: SQLite keeps a file's size by itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

FREE_BYTES_MIN: Final = 4 * 1024 * 1024
"""Less is soon in use again."""

KEPT_BYTES_MAX: Final = 32 * 1024 * 1024
"""What is copied at most, while others wait to record: about a second."""

_WAIT_MS: Final = 1000


def shrink(connection: sqlite3.Connection) -> None:
    """Make the file smaller where most of it is free.

    What is kept is copied, so a spool that is still full stays as it is until it is not. Whoever
    writes or reads just now, or a disk without room for the copy, leaves it to the next time.
    """
    kept_bytes, free_bytes = _sizes_bytes(connection)
    if free_bytes < max(FREE_BYTES_MIN, kept_bytes) or kept_bytes > KEPT_BYTES_MAX:
        return
    with _short_wait(connection), suppress(sqlite3.OperationalError):
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sizes_bytes(connection: sqlite3.Connection) -> tuple[int, int]:
    pages, free, page_bytes = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * page_bytes, free * page_bytes


@contextmanager
def _short_wait(connection: sqlite3.Connection) -> Iterator[None]:
    before_ms = int(connection.execute("PRAGMA busy_timeout").fetchone()[0])
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before_ms}")
