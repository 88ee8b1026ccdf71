"""Opening the file `notices.db`.

It is synced at every commit: a notice that was sent and then lost would be sent again under
another id.
"""

import sqlite3
from pathlib import Path
from typing import Final

from aggregator.store.connection import write_transaction
from aggregator.store.outbox.errors import NoticesError, broken
from aggregator.store.schema import statements

SCHEMA_VERSION: Final = 2
_LACKS: Final = {0: ("outbox.sql", "attempts.sql"), 1: ("attempts.sql",)}
"""By its version the scripts that a file lacks."""

_BUSY_TIMEOUT_S: Final = 30
_PRAGMAS: Final = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")


def connect_notices(path: Path) -> sqlite3.Connection:
    """Open the file, and create it where it does not exist.

    Raises:
        NoticesError: it is damaged or of another version, or cannot be opened or written.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        _bring_up_to_date(connection)
        found = _version(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise broken(path, error) from error
    if found != SCHEMA_VERSION:
        connection.close()
        raise NoticesError(
            f"{path} has schema version {found}, this aggregator needs {SCHEMA_VERSION}",
            hint="use the aggregator that wrote it; or move it away: present incidents and balances"
            " then count as announced",
        )
    return connection


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Create what a new file lacks, or one of an earlier version: what was announced is kept."""
    if _version(connection) not in _LACKS:
        return
    with write_transaction(connection):
        # another process may have done so meanwhile
        for name in _LACKS.get(_version(connection), ()):
            for statement in statements(Path(__file__).with_name(name).read_text()):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
