"""The seqs of a node that were read: those in the database, asked as needed, and the batch's."""

from collections.abc import Collection, Iterator, Sequence
from heapq import merge

from aggregator.store.store import LedgerStore
from gitmeter.counting.ranges import Range, RangeSet, joined


class NodeSeqs:
    """The seqs of one node that were read.

    The database is asked for what is needed: a node may have millions of ranges, and loading them
    for each batch would cost more than the batch.

    Args:
        store: the ledger; nothing is written to it.
        node_id: the node's row.
    """

    def __init__(self, store: LedgerStore, node_id: int) -> None:
        self._lines = store.lines
        self._node_id = node_id
        self._added = RangeSet()

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any seq from `first` to `last` was seen."""
        return self._added.overlaps(first, last) or self._lines.has_seen(self._node_id, first, last)

    def among(self, seqs: Collection[int]) -> set[int]:
        """Those of `seqs` that were seen."""
        return self._added.among(seqs) | self._lines.seen_among(self._node_id, seqs)

    def within(self, span: Range) -> Iterator[Range]:
        """The parts of a range that were seen: disjoint, in ascending order."""
        stored = self._lines.seen_within(self._node_id, span)
        return joined(merge(stored, self._added.within(span)))

    def update(self, added: Sequence[Range]) -> None:
        """Add seqs that were read."""
        self._added.update(added)
