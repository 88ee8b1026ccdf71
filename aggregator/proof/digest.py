"""The content of a ledger as canonical rows: its digest, and where two ledgers differ.

Rows are keyed by names, never by ids, and contain nothing that depends on how records arrived: no
commits, tiers, incidents or clock. Two databases made from the same git history have the same rows,
whatever the order of the pulls.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from heapq import merge
from itertools import groupby
from typing import Final, NamedTuple

import orjson

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.store.store import LedgerStore

SECTIONS: Final[dict[str, Callable[[LedgerStore], Iterator[list[object]]]]] = {
    "charges": lambda store: store.digests.charges(),
    "money": lambda store: store.digests.money(),
    "balances": lambda store: store.digests.balances(),
    "seen": lambda store: store.digests.seen(),
    "decisions": lambda store: store.digests.decisions(),
    "held": lambda store: store.digests.held(),
    "rejected": lambda store: store.digests.rejected(),
    "rule_book": lambda store: iter([[rule_book_in_force(store).sha256]]),
    "counted": lambda store: store.digests.counted(),
    "drawn": lambda store: store.digests.drawn(),
    "account_nodes": lambda store: store.digests.account_nodes(),
}
"""The sections of a ledger, each as sorted rows of JSON values, in the order of the digest."""

_LATER: Final = frozenset({"counted", "drawn"})
"""Sections that earlier versions did not have: without a row they have no part in the digest."""

BESIDE: Final = frozenset({"account_nodes"})
"""Sections that move no money: `verify` compares them too, but they have no part in the digest."""


class Difference(NamedTuple):
    """A row that only one of two ledgers has.

    Attributes:
        section: the section of the ledger.
        row: the row as JSON.
        is_ours: whether the database has it; otherwise the ledger recomputed from git has.
    """

    section: str
    row: str
    is_ours: bool


def digest(store: LedgerStore) -> str:
    """Return the SHA-256 over all canonical rows, in hex."""
    total = hashlib.sha256()
    for section, rows in SECTIONS.items():
        if section in BESIDE:
            continue
        head = f"{section}\n".encode()
        if section not in _LATER:
            total.update(head)
            head = b""
        for row in rows(store):
            total.update(head + orjson.dumps(row) + b"\n")
            head = b""
    return total.hexdigest()


def differences(
    ours: LedgerStore, recomputed: LedgerStore, sections: Collection[str] = SECTIONS.keys()
) -> Iterator[Difference]:
    """Yield the rows in which two ledgers differ, section by section."""
    for section in sections:
        rows = SECTIONS[section]
        tagged = merge(
            ((text, True) for text in sorted(map(orjson.dumps, rows(ours)))),
            ((text, False) for text in sorted(map(orjson.dumps, rows(recomputed)))),
        )
        for text, same in groupby(tagged, key=lambda item: item[0]):
            sides = [is_ours for _, is_ours in same]
            if len(sides) == 1:
                yield Difference(section, text.decode(), sides[0])
