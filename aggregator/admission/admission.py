"""From segments to a batch: which lines claim their key, and which of those are new.

A segment whose seqs ascend and were never seen, which no decision or correction concerns, and none
of whose records may cost more than the limit, is new without a look-up. Anything else is compared
with the earlier lines that it can touch, and `aggregator.admission.settlement` judges them
together.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import repeat
from operator import attrgetter, lt
from typing import NamedTuple, cast

from aggregator.admission.batch import Batch
from aggregator.admission.claims import LineRules
from aggregator.admission.settlement import KnownLines, Settlement
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import HeldLine, HeldReason, rejected_line
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.ranges import RangeSet, SeenSeqs, runs
from wire_format.faults import FaultCode
from wire_format.instants import hour_of
from wire_format.lines import Line, Usage, encode_lines
from wire_format.segment import Reject, Segment

_seq = attrgetter("seq")
_ts = attrgetter("ts")


class Source(NamedTuple):
    """Where a segment was found.

    Attributes:
        commit, path: its commit and its path there.
        committed_at: the commit's time (UTC).
    """

    commit: str
    path: str
    committed_at: datetime


class Admission:
    """Admits the segments of one node, one after the other, into a batch.

    Args:
        rules: decide which lines claim their key.
        seen: seqs of the node seen so far; grows with each segment.
        grounds: what the lines of this node are judged by, besides each other.
        known: finds the lines that were admitted before.
        batch: receives the changes.
    """

    def __init__(
        self,
        rules: LineRules,
        seen: SeenSeqs,
        grounds: Grounds,
        known: KnownLines,
        batch: Batch,
    ) -> None:
        self._settlement = Settlement(grounds, known, batch)
        self._rules = rules
        self._seen = seen
        self._known = known
        self._batch = batch

    def admit(self, segment: Segment, source: Source) -> bool:
        """Admit one segment.

        Returns:
            Whether every line of it claims its key. The same segment in a later commit can then
            add nothing.
        """
        for reject in segment.rejects:
            self._file_reject(reject, source)
        claims, claim_numbers, complete = self._claims(segment, source)
        seqs = list(map(_seq, claims))
        if seqs:
            if self._is_plain_and_new(claims, seqs):
                self._count_all(cast("Sequence[Usage]", claims))
            else:
                self._count_one_by_one(claims, claim_numbers, source)
                seqs.sort()
            self._mark_seen(seqs)
        return complete and not segment.rejects

    def adopt(self, grounds: Grounds, changed: RangeSet) -> None:
        """Put other decisions or another rule book in force, as `Settlement.adopt` does.

        Args:
            grounds: what lines are judged by from now on.
            changed: the seqs whose lines may be judged differently.
        """
        self._settlement.adopt(grounds, changed, self._seen)

    def _is_plain_and_new(self, claims: Sequence[Line], seqs: Sequence[int]) -> bool:
        """Whether a segment can be counted without reading any other line."""
        first, last = seqs[0], seqs[-1]
        return (
            all(map(lt, seqs, seqs[1:]))
            and isinstance(claims[0], Usage)
            and {record.corrects for record in cast("Sequence[Usage]", claims)} <= {None}
            and not self._seen.overlaps(first, last)
            and not self._settlement.grounds.decisions.touch(first, last)
            and not self._known.is_corrected(first, last)
            and not self._settlement.grounds.may_exceed(cast("Sequence[Usage]", claims))
        )

    def _claims(
        self, segment: Segment, source: Source
    ) -> tuple[Sequence[Line], Sequence[int], bool]:
        """The lines that claim their key, their line numbers, and whether that is all of them."""
        records = segment.records
        if self._rules.hold_none(records, source.committed_at):
            return records, segment.line_numbers, True
        claims: list[Line] = []
        numbers: list[int] = []
        held: list[tuple[Claim[Line], HeldReason]] = []
        for record, line_no in zip(records, segment.line_numbers, strict=True):
            reason = self._rules.held_reason(record, source.committed_at)
            if reason is None:
                claims.append(record)
                numbers.append(line_no)
            else:
                place = Place(source.commit, source.path, line_no)
                held.append((Claim(record, encode_lines([record]), place), reason))
        self._hold_unless_admitted(held)
        return claims, numbers, False

    def _hold_unless_admitted(self, held: Sequence[tuple[Claim[Line], HeldReason]]) -> None:
        """Hold lines that claim no key here, unless they were admitted from another commit."""
        own: dict[int, set[bytes]] = defaultdict(set)
        for claim, reason in held:
            if reason is not HeldReason.WRONG_NODE:
                own[claim.record.seq].add(claim.line)
        seen = self._seen.among(own.keys())
        known = self._settlement.known_of({seq: own[seq] for seq in seen})
        for claim, reason in held:
            if reason is not HeldReason.WRONG_NODE and claim.line in known.repeated:
                self._batch.duplicates += 1
            else:
                self._settlement.hold(claim, reason)
        self._mark_seen(sorted(own))

    def _mark_seen(self, ascending: Sequence[int]) -> None:
        added = list(runs(ascending))
        self._seen.update(added)
        self._batch.seen += added

    def _file_reject(self, reject: Reject, source: Source) -> None:
        place = Place(source.commit, source.path, reject.line_no)
        if reject.fault.code is FaultCode.UNKNOWN_VERSION:
            self._batch.hold(HeldLine(reject.line, HeldReason.UNKNOWN_VERSION, place, None, None))
        else:
            self._batch.rejected.append(rejected_line(reject.line, reject.fault, place))

    def _count_all(self, claims: Sequence[Usage]) -> None:
        """Count records that are known to be new; the hot path, hence the work on whole columns."""
        usage = self._batch.usage
        times = list(map(_ts, claims))
        first, last = hour_of(min(times)), hour_of(max(times))
        hours = repeat(first) if first == last else map(hour_of, times)
        for record, hour in zip(claims, hours, strict=False):
            key = (hour, record.user, record.resource, record.applies_to)
            delta = usage.get(key)
            if delta is None:
                usage[key] = [record.units, 1]
            else:
                delta[0] += record.units
                delta[1] += 1
        self._batch.admitted += len(claims)

    def _count_one_by_one(
        self, claims: Sequence[Line], numbers: Sequence[int], source: Source
    ) -> None:
        """Count records of which some may be known, contested or named by a decision."""
        lines: dict[int, dict[bytes, tuple[Line, int]]] = defaultdict(dict)
        for record, line_no in zip(claims, numbers, strict=True):
            lines[record.seq].setdefault(encode_lines([record]), (record, line_no))
        seen = self._seen.among(lines.keys())
        known = self._settlement.known_of({seq: lines[seq] for seq in seen})
        new: dict[int, dict[bytes, Claim[Line]]] = {}
        for seq, own in lines.items():
            added = {
                line: Claim(record, line, Place(source.commit, source.path, line_no))
                for line, (record, line_no) in own.items()
                if line not in known.repeated
            }
            if not added:
                continue
            new[seq] = added
            times = known.times.get(seq, set()) | {claim.record.ts for claim in added.values()}
            if len(times) > 1:
                self._batch.sequence_reused.add(seq)
            for line, claim in added.items():
                if isinstance(claim.record, Usage) and claim.record.corrects is not None:
                    self._batch.corrections.append((claim.record.corrects, seq))
                if seq in seen:
                    self._batch.release(line, HeldReason.AHEAD_OF_COMMIT)
                    self._batch.release(line, HeldReason.NOT_ALLOWED)
        self._batch.duplicates += len(claims) - sum(map(len, new.values()))
        self._settlement.add(new, known)
