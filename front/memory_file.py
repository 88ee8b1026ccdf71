"""The file in which a program remembers what its lines do not say: opening it, and transactions."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import why_not_written

_BUSY_TIMEOUT_S: Final = 60
_AGAIN: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})


class MemoryFileError(GitmeterError):
    """The file could not be read or written."""


class MemoryFileBusyError(MemoryFileError):
    """It cannot be written for now: the disk is full, or others wrote for too long."""

    retry = True


class MemoryForm(NamedTuple):
    """Which file a program has.

    Attributes:
        name: its name in a home.
        version: of its schema.
        schema: the statements that make it, each ended by a semicolon and a line break.
        if_damaged: what a person does who has lost it.
        grown_from: the oldest version whose files only lack tables; the schema is run on these, and
            each of its statements must change nothing where it was run before. None if no earlier
            file can be used.
    """

    name: str
    version: int
    schema: Path
    if_damaged: str
    grown_from: int | None = None


class MemoryFile:
    """An open file; safe with several threads and processes.

    Its transactions are on disk when they end. Where both are written, the spool's transaction is
    begun first.

    Attributes:
        path: the file.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, memory: MemoryForm) -> None:
        self.path = path
        self._memory = memory
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, home: Path, memory: MemoryForm) -> Self:
        """Open the file in a home; it is made where there is none.

        Raises:
            MemoryFileError: it cannot be opened, or another version of this program wrote it.
        """
        path = home / memory.name
        with _file_errors(path, memory), ExitStack() as opened:
            is_new = not path.exists()
            connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            opened.callback(connection.close)
            if is_new:
                path.chmod(0o600)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _make(connection, path, memory)
            opened.pop_all()
        return cls(connection, path, memory)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock from its start; inside another one, a part."""
        with self.reading() as connection:
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with _file_errors(self.path, self._memory), self._lock:
            yield self._connection

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _make(connection: sqlite3.Connection, path: Path, memory: MemoryForm) -> None:
    """Make the tables of a new file, and those that an earlier one lacks.

    Raises:
        MemoryFileError: another version of this program wrote it.
    """
    if _lacks_tables(connection, memory):
        connection.execute("BEGIN IMMEDIATE")
        if _lacks_tables(connection, memory):  # no other was faster
            for statement in memory.schema.read_text().split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {memory.version}")
        connection.execute("COMMIT")
    version = _version(connection)
    if version != memory.version:
        raise MemoryFileError(
            f"{path} is of version {version}; this program knows {memory.version}"
        )


def _lacks_tables(connection: sqlite3.Connection, memory: MemoryForm) -> bool:
    version = _version(connection)
    if version == 0:
        return True
    return memory.grown_from is not None and memory.grown_from <= version < memory.version


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


@contextmanager
def _file_errors(path: Path, memory: MemoryForm) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _typed(error, path, memory) from error


def _typed(error: sqlite3.DatabaseError, path: Path, memory: MemoryForm) -> MemoryFileError:
    says, do = why_not_written(path)
    if says:
        return MemoryFileBusyError(f"{path}: {says} ({error})", hint=do)
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _AGAIN:
        return MemoryFileBusyError(f"{path}: {error}", hint="try again")
    return MemoryFileError(f"{path}: {error}", hint=f"if it is damaged: {memory.if_damaged}")
