"""Segments of tills and desks: every line is kept with each commit that has it. Pure.

Which of them claim anything depends on the limits in force at each commit and on decisions about
commits, so that is judged over all of them together (`gitmeter.money.writer`), not here.
"""

from aggregator.admission.admission import Source
from aggregator.admission.batch import Batch, StatedLine, WriterCommit
from gitmeter.counting.held import HeldLine, HeldReason
from gitmeter.counting.lines import Place
from gitmeter.counting.ranges import SeenSeqs
from wire_format.instants import to_us
from wire_format.lines import Account, Money, encode_lines
from wire_format.segment import Segment


class WriterAdmission:
    """Collects the lines of one till or desk into a batch.

    Args:
        node: the node that the repo belongs to.
        seen: seqs of the node seen so far; grows with each segment.
        batch: receives the lines.
    """

    def __init__(self, node: str, seen: SeenSeqs, batch: Batch) -> None:
        self._node = node
        self._seen = seen
        self._batch = batch

    def note(self, commit: WriterCommit) -> None:
        """Collect a commit, whether it has lines or not."""
        self._batch.commits.append(commit)

    def admit(self, segment: Segment, source: Source) -> None:
        """Collect the lines of one segment."""
        for reject in segment.rejects:
            self._batch.reject(reject, source.commit, source.path)
        seqs: list[int] = []
        for record, line_no in zip(segment.records, segment.line_numbers, strict=True):
            if not isinstance(record, Money | Account):
                continue
            line = encode_lines([record])
            place = Place(source.commit, source.path, line_no)
            if record.node != self._node:
                held = HeldLine(line, HeldReason.WRONG_NODE, place, record.seq, to_us(record.ts))
                self._batch.hold(held)
                continue
            self._batch.stated.append(StatedLine(record, line, place))
            seqs.append(record.seq)
        self._batch.mark_seen(sorted(seqs), self._seen)
