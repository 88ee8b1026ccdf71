"""The outbox as everybody else sees it: one object, whose methods say what is asked."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aggregator.store.connection import write_transaction
from aggregator.store.outbox.connection import connect_notices
from aggregator.store.outbox.errors import broken
from aggregator.store.outbox.queue import QueueRows
from aggregator.store.outbox.told import ToldRows

NOTICES_NAME: Final = "notices.db"


class Outbox:
    """An open file of notices. Used by one thread at a time; every write is inside `transaction`.

    Args:
        path: the file; made when it is not there.

    Attributes:
        told: what the receiver was told of.
        queue: the notices, and how the receiver is.

    Raises:
        NoticesError: it is damaged, of another version, or cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect_notices(path)
        self.told = ToldRows(self._connection)
        self.queue = QueueRows(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block, or nothing where it raises."""
        with write_transaction(self._connection):
            yield

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what SQLite raises inside the block into an error about this file.

        Raises:
            NoticesError: the file cannot be used.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise broken(self._path, error) from error
