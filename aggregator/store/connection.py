"""Open the ledger's SQLite file, and its write transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

import sqlite_utils

from cursors.rows import SCHEMA as CURSOR_SCHEMA
from cursors.rows import read_cursors, read_kept_tips
from gitmeter.support.errors import GitmeterError

PULLED_AT: Final = "pulled_at"

SCHEMA_VERSION: Final = 3
"""Grows with the schema and with every change in what is admitted or how it is rated: a database of
another version is rebuilt from git."""

_BUSY_TIMEOUT_S: Final = 30
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -32768",
)


class SchemaVersionError(GitmeterError):
    """The database was written by another version of the aggregator."""


class NoDatabaseError(GitmeterError):
    """There is no database yet."""


def schema() -> str:
    """The whole schema, as it is made in a new database."""
    own = files("aggregator.store").joinpath("schema.sql").read_text()
    return (
        f"{own}\n-- Owned by `cursors`; moves in the transaction of its charges.\n{CURSOR_SCHEMA}"
    )


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the database, making it when it is not there.

    Raises:
        SchemaVersionError: it has another version; rebuild it.
    """
    is_new = not path.exists()
    connection = _connect(path, "rwc")
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    if is_new or _version(connection) == 0:
        _create(connection)
    return _checked(connection, path)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the database for questions only.

    Raises:
        NoDatabaseError: nothing was pulled yet.
        SchemaVersionError: it has another version; rebuild it.
    """
    if not path.exists():
        raise NoDatabaseError(
            f"there is no ledger at {path} yet",
            hint="run `aggregator pull` first, or wait for the daemon's first pull",
        )
    connection = _connect(path, "rw")
    if _version(connection) == 0:  # another process is just making it
        connection.close()
        raise NoDatabaseError(f"there is no ledger at {path} yet", hint="try again in a moment")
    connection.execute("PRAGMA query_only = ON")
    return _checked(connection, path)


@contextmanager
def write_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """The one way to write: take the write lock first, commit at the end, or change nothing.

    A plain BEGIN that reads the cursor and then writes fails with SQLITE_BUSY_SNAPSHOT when another
    connection wrote in between.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back by itself; what happened first is what the caller must see
        with suppress(sqlite3.Error):
            connection.rollback()
        raise


@contextmanager
def read_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One consistent view over several queries."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def tips_of(path: Path) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    """Cursors and kept tips of a database; none where it is gone or cannot be read.

    Another version's database has cursors at least.
    """
    cursors: dict[str, str] = {}
    kept: dict[str, frozenset[str]] = {}
    if path.exists():
        with suppress(sqlite3.Error), closing(_connect(path, "ro")) as connection:
            cursors = read_cursors(connection)
            kept = read_kept_tips(connection)
    return cursors, kept


def copy_database(connection: sqlite3.Connection, path: Path) -> None:
    """Write a consistent copy of a database that may be in use; whatever is at `path` goes."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as copy:
        connection.backup(copy)


def fold_in_log(connection: sqlite3.Connection) -> None:
    """Write everything into the database file itself, so that it can be moved alone."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def upsert_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set a fact about the database."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def read_meta(connection: sqlite3.Connection, key: str) -> str | None:
    """A fact about the database, or None."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    return connection


def _create(connection: sqlite3.Connection) -> None:
    with write_transaction(connection):
        for statement in statements(schema()):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def statements(script: str) -> Iterator[str]:
    """The statements of a script; unlike `executescript` the caller keeps its transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


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


def as_utils(connection: sqlite3.Connection) -> sqlite_utils.Database:
    """The same connection with the conveniences of sqlite-utils, for reports."""
    return sqlite_utils.Database(connection)


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
