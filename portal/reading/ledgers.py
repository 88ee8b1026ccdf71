"""Ledgers open for reading: one for each thread, opened again when the file was replaced."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.config.document import database_in
from aggregator.store.errors import ledger_errors
from aggregator.store.store import LedgerStore, open_for_reading


class Ledgers:
    """Gives each thread a ledger of its own.

    Args:
        state: the state directory of an aggregator on this machine.
    """

    def __init__(self, state: Path) -> None:
        self._path = database_in(state)
        self._of_thread = threading.local()

    @contextmanager
    def reading(self) -> Iterator[LedgerStore]:
        """One state of the ledger, for all questions of the block.

        Raises:
            NoDatabaseError: there is none yet.
            SchemaVersionError: it is of another version of the aggregator.
            BrokenLedgerError, BusyLedgerError: it cannot be read now.
        """
        with ledger_errors():
            store = self._open()
            with store.view():
                yield store

    def _open(self) -> LedgerStore:
        store: LedgerStore | None = getattr(self._of_thread, "store", None)
        if store is not None and not store.is_in_place():  # a rebuild has put another in its place
            store.close()
            store = None
        if store is None:
            store = self._of_thread.store = open_for_reading(self._path)
        return store
