"""The spool's file: opening it, and bringing one of an earlier version up to date."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from node_pusher.home.errors import HomeError
from node_pusher.spool.file.sqlite_errors import spool_errors
from node_pusher.spool.ids import ID_KEPT_DAYS
from node_pusher.spool.plan import US_PER_S
from wire_format.instants import HOUR_S

SCHEMA_VERSION: Final = 2

_BUSY_TIMEOUT_S: Final = 60
_LOG_BYTES_KEPT: Final = 4 * 1024 * 1024


def is_missing(file: Path) -> bool:
    """Whether there is no spool: no file, or one that was not completely made.

    Raises:
        SpoolError: the file cannot be read.
    """
    with spool_errors(file):
        if not file.exists():
            return True
        with closing(connect(file)) as connection:
            return bool(connection.execute("PRAGMA user_version").fetchone()[0] == 0)


def check(connection: sqlite3.Connection, file: Path, node: str) -> None:
    """Refuse a file that is not a spool of `node`, or of a version that is not known.

    One of an earlier version is brought up to date first.

    Raises:
        HomeError: it is missing, belongs to another node, or was written by another version.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        raise HomeError(f"the spool is missing: {file} is empty", hint="run `init` again")
    if version == 1:
        version = _as_version_2(connection)
    if version != SCHEMA_VERSION:
        raise HomeError(f"{file} is of version {version}; this program knows {SCHEMA_VERSION}")
    owner = connection.execute("SELECT node FROM state").fetchone()[0]
    if owner != node:
        raise HomeError(f"{file}: it is the spool of {owner}, not of {node}")


def _as_version_2(connection: sqlite3.Connection) -> int:
    """Bring a spool of version 1 up to date; returns its version.

    It gets the clock by which ids are kept, which starts when the last id was recorded, by what was
    then the machine's clock; and a table of who entered a line.
    """
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 1:  # no other process was faster
        for column in ("id_seen_us", "id_clock_us"):
            connection.execute(f"ALTER TABLE state ADD COLUMN {column} INTEGER")
        kept_us = ID_KEPT_DAYS * 24 * HOUR_S * US_PER_S
        connection.execute(
            "UPDATE state SET id_clock_us = (SELECT max(expires_us) FROM ids) - ?", (kept_us,)
        )
        connection.execute(
            "CREATE TABLE entered_by (seq INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"
        )
        connection.execute("PRAGMA user_version = 2")
    connection.execute("COMMIT")
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def connect(file: Path) -> sqlite3.Connection:
    """Open a file for reading and writing; it is made where there is none."""
    with ExitStack() as opened:
        connection = sqlite3.connect(
            file, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        opened.callback(connection.close)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # Debian's SQLite overwrites what is deleted; here it is in git by then
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES_KEPT}")
        opened.pop_all()
    return connection
