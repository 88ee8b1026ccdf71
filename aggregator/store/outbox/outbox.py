"""The interface to the outbox: one object, with a group of methods for each subject."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aggregator.store.connection import write_transaction
from aggregator.store.outbox.announced import AnnouncedRows
from aggregator.store.outbox.connection import connect_notices
from aggregator.store.outbox.errors import broken
from aggregator.store.outbox.queue import QueueRows

NOTICES_NAME: Final = "notices.db"


class Outbox:
    """An open file of notices, for one thread at a time; every write is inside `transaction`.

    Args:
        path: the file; created where it does not exist.

    Attributes:
        announced: what was announced to the receiver.
        queue: the notices, and the state of the receiver.

    Raises:
        NoticesError: it is damaged or of another version, or cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect_notices(path)
        self.announced = AnnouncedRows(self._connection)
        self.queue = QueueRows(self._connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in the block, or nothing where it raises."""
        with write_transaction(self._connection):
            yield

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn SQLite's errors inside the block into an error about this file.

        Raises:
            NoticesError: the file cannot be used.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise broken(self._path, error) from error
