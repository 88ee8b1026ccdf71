"""What is done as the ledger goes on: forgetting lines that it has read, and credit that is due.

From then on the ledger alone says what such a line does.

A ledger may also be an earlier one, from a backup: it has not read what it had read before, and a
key that was revoked would open again. So lines are taken over from the spool once more.
"""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

import structlog

from aggregator.store.store import LedgerStore
from front.repeating import repeating
from portal.api.opening.sign_up import give_credit_due
from portal.api.request import Portal
from portal.desk.desk import Desk
from portal.reading.ledgers import Ledgers

_EVERY_S: Final = 60
_KEPT: Final = timedelta(minutes=1)
"""Longer than any request takes."""
_log = structlog.get_logger()


def following(portal: Portal, ledgers: Ledgers) -> AbstractContextManager[None]:
    """Follow the ledger until the block ends, whether anybody asks or not."""

    def follow() -> None:
        forget_read(portal.desk, ledgers)
        give_due(portal, ledgers)

    return repeating(follow, _EVERY_S, "the ledger cannot be followed")


def forget_read(desk: Desk, ledgers: Ledgers) -> int:
    """Forget lines of a desk that the ledger has read; returns how many are left."""
    with ledgers.reading() as store:
        recall(desk, store)
        before = desk.clock() - _KEPT
        return desk.unbilled.forget(before, lambda seqs: _read(desk, store, seqs))


def give_due(portal: Portal, ledgers: Ledgers) -> int:
    """Give the credit for signing up that is due; returns to how many accounts."""
    with ledgers.reading() as store:
        given = give_credit_due(portal, store, portal.desk.clock())
    if given:
        portal.wake()
    return given


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
