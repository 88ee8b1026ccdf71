"""Finds the earlier lines of a node again, by reading their segments from git."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Final

from aggregator.admission.batch import Batch, SegmentEntry
from aggregator.ledger.segments import SegmentReader
from aggregator.store.segment_rows import SegmentPlace
from aggregator.store.store import LedgerStore
from gitmeter.counting.lines import Claim
from gitmeter.counting.ranges import Range, SeenSeqs
from wire_format.fields import SEGMENT_RECORDS_MAX
from wire_format.lines import Line

LINES_READ_AGAIN_MAX: Final = 2_000_000
"""Most work, in lines, that is spent on reading earlier lines to judge the lines of one commit.

A commit of eight full segments that repeats earlier lines of its node in other segments needs at
most 1,700,000."""

_LINE_BYTES: Final = 160
"""A segment costs its lines, but at least one line for each of these bytes: what is not valid, or
of other nodes, is decoded as well."""

_SEGMENT_COST: Final = 8
"""What finding a segment costs, in lines, whether it is read or not."""

_LOOK_UP_COST: Final = 32
"""What asking for segments costs, in lines."""

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
        seen: the seqs of the node that were read; only these are looked for.
    """

    def __init__(
        self,
        store: LedgerStore,
        node_id: int,
        reader: SegmentReader,
        repo: str,
        node: str,
        batch: Batch,
        seen: SeenSeqs,
    ) -> None:
        self._store = store
        self._node_id = node_id
        self._reader = reader
        self._repo = repo
        self._node = node
        self._batch = batch
        self._seen = seen
        self._lines_left: int | None = None
        self._indexed = 0
        self._corrected: list[int] = []
        self._corrections: defaultdict[int, list[int]] = defaultdict(list)

    def limit(self, lines_max: int | None) -> None:
        """Set how much more work, in lines, may be spent; None for any amount."""
        self._lines_left = lines_max

    def at(self, seqs: Collection[int]) -> Iterator[Claim[Line]]:
        """Every line that has one of these seqs and claims its key.

        Raises:
            TangledError: it would cost more than was allowed.
        """
        self._spend(_LOOK_UP_COST)
        wanted = self._seen.among(seqs)
        for place in self._places(sorted(wanted)):
            size_bytes = self._reader.size_bytes(place)
            self._spend(max(place.records, size_bytes // _LINE_BYTES))
            yield from self._reader.claims(place, wanted)

    def _spend(self, lines: int) -> None:
        if self._lines_left is not None:
            self._lines_left -= lines
            if self._lines_left < 0:
                raise TangledError

    def is_corrected(self, first_seq: int, last_seq: int) -> bool:
        """Whether any seq of this range is corrected, both ends included."""
        self._index_corrections()
        at = bisect_left(self._corrected, first_seq)
        if at < len(self._corrected) and self._corrected[at] <= last_seq:
            return True
        return self._store.segments.is_corrected(self._node_id, first_seq, last_seq)

    def corrections_of(self, seqs: Collection[int]) -> list[tuple[int, int]]:
        """For every correction of one of these seqs: the seq that it corrects, and its own."""
        self._index_corrections()
        pending = [
            (corrects, seq)
            for corrects in self._corrections.keys() & seqs
            for seq in self._corrections[corrects]
        ]
        return pending + self._store.segments.corrections_of(self._node_id, seqs)

    def _index_corrections(self) -> None:
        """Index the corrections that came into the batch since the last call."""
        for corrects, seq in islice(self._batch.corrections, self._indexed, None):
            if corrects not in self._corrections:
                insort(self._corrected, corrects)
            self._corrections[corrects].append(seq)
        self._indexed = len(self._batch.corrections)

    def _places(self, ascending: Sequence[int]) -> Iterator[SegmentPlace]:
        """The segments that may have one of these seqs: applied ones first, then the batch's."""
        if not ascending:
            return
        first, last = ascending[0], ascending[-1]
        stretches = [Range(part[0], part[-1]) for part in _stretches(ascending)]
        applied = self._store.segments.among(self._node_id, stretches)
        pending = (
            self._place(entry)
            for entry in self._batch.segments
            if entry.first_seq <= last and entry.last_seq >= first
        )
        for place in chain(applied, pending):
            self._spend(_SEGMENT_COST)
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


def _stretches(ascending: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ascending seqs, split where two are far apart."""
    start = 0
    for at, (before, after) in enumerate(pairwise(ascending), 1):
        if after - before > _FAR:
            yield ascending[start:at]
            start = at
    if ascending:
        yield ascending[start:]
