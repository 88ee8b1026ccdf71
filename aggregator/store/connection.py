"""Opening the ledger's SQLite file, and its transactions."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aggregator.store.errors import NoDatabaseError, SchemaVersionError
from aggregator.store.schema import SCHEMA_VERSION, schema, statements
from gitmeter.support.lazy_group import hidden

if TYPE_CHECKING:
    import sqlite_utils

_BUSY_TIMEOUT_S: Final = 30
_ASK_AGAIN_S: Final = 0.02
_PRAGMAS: Final = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -16384",
    "PRAGMA journal_size_limit = 16777216",  # or a log stays as large as its largest transaction
)


def connect_for_writing(path: Path) -> sqlite3.Connection:
    """Open the database for writing, and create it where it does not exist.

    Raises:
        SchemaVersionError: it has another schema version.
    """
    is_new = not path.exists()
    connection = connect(path, "rwc")
    _begin_log_once_free(connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    if is_new or _version(connection) == 0:
        _create(connection)
    return _checked(connection, path)


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open the database for reading only.

    Raises:
        NoDatabaseError: it does not exist yet, or is being created.
        SchemaVersionError: it has another schema version.
    """
    if not path.exists():
        raise NoDatabaseError(
            f"there is no ledger at {path} yet",
            hint="run `aggregator pull` first, or wait for the daemon's first pull",
        )
    mode = "rw" if may_write(path) else "ro"
    connection = connect(path, mode)
    if mode == "rw":
        _begin_log(connection)
    if _version(connection) == 0:  # another process is creating it
        connection.close()
        raise NoDatabaseError(f"there is no ledger at {path} yet", hint="try again in a moment")
    connection.execute("PRAGMA query_only = ON")
    return _checked(connection, path)


def _begin_log_once_free(connection: sqlite3.Connection) -> None:
    """Begin the log of a database, which `leave_readable` may have ended.

    Where another connection is about to do so too, SQLite refuses at once, whatever its timeout.
    """
    ends_at_s = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() >= ends_at_s:
                raise
            time.sleep(_ASK_AGAIN_S)
        else:
            return


def _begin_log(connection: sqlite3.Connection) -> None:
    """Let no writer wait for this reader; where others are reading just now, it has to."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_S * 1000}")


def may_write(path: Path) -> bool:
    """Whether this user may write the database and the files that SQLite keeps beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def leave_readable(connection: sqlite3.Connection) -> None:
    """Before closing: without a log, unless another process has the database open.

    A database with a log can be read only by who may make the files of the log again, which the
    last one to close it removes.
    """
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA query_only = OFF")
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def write_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write everything in the block, or nothing where it raises. All writes are made this way.

    The write lock is taken first, because after a plain BEGIN that reads the cursor a write fails
    with SQLITE_BUSY_SNAPSHOT if another connection has written in between.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back by itself; the caller must see the first error, not this one
        with suppress(sqlite3.Error):
            connection.rollback()
        raise


@contextmanager
def read_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all queries of the block see one state of the database.

    A block inside another one is a part of it.
    """
    is_outermost = not connection.in_transaction
    if is_outermost:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        # a full disk, also that of temporary files, ends it
        if is_outermost and connection.in_transaction:
            connection.execute("ROLLBACK")


def upsert_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set a fact about the database, inside the caller's transaction."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def read_meta(connection: sqlite3.Connection, key: str) -> str | None:
    """A fact about the database, or None."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database file in one of SQLite's modes: `ro`, `rw` or `rwc`."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    return connection


def _create(connection: sqlite3.Connection) -> None:
    with write_transaction(connection):
        for statement in statements(schema()):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    if (found := _version(connection)) != SCHEMA_VERSION:
        connection.close()
        raise SchemaVersionError(
            f"{path} has schema version {found}, this aggregator needs {SCHEMA_VERSION}",
            hint="run `aggregator rebuild`: it makes the database again from git",
        )
    return connection


def as_utils(connection: sqlite3.Connection) -> "sqlite_utils.Database":
    """Wrap a connection for sqlite-utils, which returns rows as dicts; for reports."""
    with hidden("numpy"):  # it would load that too, for 100 ms, and needs it for nothing here
        import sqlite_utils  # 40 ms of CPU, which `charges` and pulls need not spend

    # setting that pragma would end every query of this connection that is still being read
    return sqlite_utils.Database(connection, recursive_triggers=False)
