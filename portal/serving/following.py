"""Which lines of a desk the ledger has read, from then on it alone says what they do.

A ledger may also be an earlier one, from a backup: it has not read what it had read before, and a
key that was revoked would open again. So lines are taken over from the spool once more.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import structlog

from aggregator.store.store import LedgerStore
from gitmeter.support.errors import GitmeterError
from portal.desk.desk import Desk
from portal.reading.ledgers import Ledgers

_EVERY_S: Final = 60
_KEPT: Final = timedelta(minutes=1)
"""Longer than any request takes."""
_log = structlog.get_logger()


@contextmanager
def following(desk: Desk, ledgers: Ledgers) -> Iterator[None]:
    """Follow the ledger until the block ends, whether anybody asks or not."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(_EVERY_S):
            try:
                forget_read(desk, ledgers)
            except GitmeterError as error:
                _log.warning("lines that were read are not forgotten", why=str(error))

    thread = threading.Thread(target=run, name="following", daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


def forget_read(desk: Desk, ledgers: Ledgers) -> int:
    """Forget lines of a desk that the ledger has read; returns how many are left."""
    with ledgers.reading() as store:
        recall(desk, store)
        before = desk.clock() - _KEPT
        return desk.unbilled.forget(before, lambda seqs: _read(desk, store, seqs))


def recall(desk: Desk, store: LedgerStore) -> None:
    """Take lines over again where a ledger is earlier than the one that had read them.

    Raises:
        SpoolError, MemoryFileError, HomeError, RemoteError: it cannot be done now.
    """
    latest = desk.unbilled.forgotten()
    if latest and latest not in _read(desk, store, [latest]):
        _log.warning("the ledger is an earlier one: lines are taken over again")
        desk.unbilled.begin_again()
        desk.follow()


def _read(desk: Desk, store: LedgerStore, seqs: list[int]) -> set[int]:
    node = store.repos.find_node(desk.spool.node)
    return set() if node is None else store.lines.seen_among(node, seqs)
