"""Finds the earlier lines of a node again, by reading their segments from git."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Final

from aggregator.admission.batch import Batch, SegmentEntry
from aggregator.ledger.segments import SegmentReader
from aggregator.store.segment_rows import SegmentPlace
from aggregator.store.store import LedgerStore
from gitmeter.counting.lines import Claim
from wire_format.fields import SEGMENT_RECORDS_MAX
from wire_format.lines import Line

LINES_READ_AGAIN_MAX: Final = 2_000_000
"""Most earlier lines that are read again to judge the lines of one commit.

A commit of eight full segments that repeats earlier lines of its node in other segments needs at
most 1,600,000."""

_FAR: Final = SEGMENT_RECORDS_MAX
"""Seqs further apart than this are looked up separately: no honest segment spans both."""


class TangledError(Exception):
    """New lines overlap more earlier ones than may be read again for one commit."""


class NodeLines:
    """The earlier lines of one node, in the database and in the batch that is being collected.

    Args:
        store: the ledger.
        node_id: the node's row.
        reader: reads segments.
        repo, node: the repo and the node of the batch's own segments.
        batch: the batch being collected; its segments and corrections count as known.
    """

    def __init__(
        self,
        store: LedgerStore,
        node_id: int,
        reader: SegmentReader,
        repo: str,
        node: str,
        batch: Batch,
    ) -> None:
        self._store = store
        self._node_id = node_id
        self._reader = reader
        self._repo = repo
        self._node = node
        self._batch = batch
        self._lines_left: int | None = None

    def limit(self, lines_max: int | None) -> None:
        """Set how many more lines may be read again; None for any number."""
        self._lines_left = lines_max

    def at(self, seqs: Collection[int]) -> Iterator[Claim[Line]]:
        """Every line that has one of these seqs and claims its key.

        Raises:
            TangledError: too many lines would have to be read.
        """
        wanted = seqs if isinstance(seqs, set) else set(seqs)
        read: set[tuple[str, str, str]] = set()  # a wide segment may overlap several stretches
        for stretch in _stretches(sorted(wanted)):
            for place in self._places(stretch):
                if (place.repo, place.commit, place.path) in read:
                    continue
                read.add((place.repo, place.commit, place.path))
                if self._lines_left is not None:
                    self._lines_left -= place.records
                    if self._lines_left < 0:
                        raise TangledError
                yield from self._reader.claims(place, wanted)

    def is_corrected(self, first_seq: int, last_seq: int) -> bool:
        """Whether any seq of this range is corrected, both ends included."""
        return any(
            first_seq <= corrects <= last_seq for corrects, _ in self._batch.corrections
        ) or self._store.segments.is_corrected(self._node_id, first_seq, last_seq)

    def corrections_of(self, seqs: Collection[int]) -> list[tuple[int, int]]:
        """For every correction of one of these seqs: the seq that it corrects, and its own."""
        pending = [pair for pair in self._batch.corrections if pair[0] in seqs]
        return pending + self._store.segments.corrections_of(self._node_id, seqs)

    def _places(self, ascending: Sequence[int]) -> Iterator[SegmentPlace]:
        """The segments that may have one of these seqs: applied ones first, then the batch's."""
        first, last = ascending[0], ascending[-1]
        applied = self._store.segments.between(self._node_id, first, last)
        pending = [
            self._place(entry)
            for entry in self._batch.segments
            if entry.first_seq <= last and entry.last_seq >= first
        ]
        for place in (*applied, *pending):
            at = bisect_left(ascending, place.first_seq)
            if at < len(ascending) and ascending[at] <= place.last_seq:
                yield place

    def _place(self, entry: SegmentEntry) -> SegmentPlace:
        return SegmentPlace(
            repo=self._repo,
            node=self._node,
            folder=entry.folder,
            commit=entry.commit,
            path=entry.path,
            blob=entry.blob,
            committed_at_s=entry.committed_at_s,
            first_seq=entry.first_seq,
            last_seq=entry.last_seq,
            records=entry.records,
        )


def _stretches(ascending: list[int]) -> Iterator[list[int]]:
    """Ascending seqs, split where two are far apart."""
    start = 0
    for at, (before, after) in enumerate(pairwise(ascending), 1):
        if after - before > _FAR:
            yield ascending[start:at]
            start = at
    if ascending:
        yield ascending[start:]
