"""Ledgers open for reading: one for each thread, opened again when the file was replaced."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from aggregator.config.document import database_in
from aggregator.store.errors import ledger_errors
from aggregator.store.store import LedgerStore, open_for_reading


class Ledgers:
    """Gives each thread a ledger of its own.

    Args:
        state: the state directory of an aggregator on this machine.
        opened: called with each ledger before it is used, which may be another one than before.
    """

    def __init__(
        self, state: Path, opened: Callable[[LedgerStore], object] = lambda _: None
    ) -> None:
        self._opened = opened
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
            store = open_for_reading(self._path)
            with ExitStack() as opening:
                opening.callback(store.close)
                with store.view():
                    self._opened(store)
                opening.pop_all()
            self._of_thread.store = store
        return store


@contextmanager
def one_state(store: LedgerStore) -> Iterator[None]:
    """One state of an open ledger, for all questions of the block.

    It is for what asks another program as well: that waits with no state of the ledger held.

    Raises:
        BrokenLedgerError, BusyLedgerError: it cannot be read now.
    """
    with ledger_errors(), store.view():
        yield
