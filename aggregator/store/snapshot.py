"""A copy of the ledger's file, taken while others read and write it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from aggregator.store.connection import open_for_reading


def snapshot(database: Path, copy: Path) -> None:
    """Write one consistent state of a database into a file of its own.

    SQLite's own backup, in one step, so that a writer can neither spoil it nor make it start again;
    in WAL mode it keeps no writer waiting.

    Raises:
        NoDatabaseError: nothing was pulled yet.
        SchemaVersionError: it has another version.
        sqlite3.Error: the database cannot be read, or the copy cannot be written.
    """
    with (
        closing(open_for_reading(database)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
