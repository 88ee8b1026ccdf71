"""Which lines count: the idempotency key, conflicts, and what is held.

The outcome is a function of the *set* of lines, never of the order in which they come:

- a line that names another node, or lies too far ahead of its commit, is held and claims no key;
- the key is `(node, seq, ts)`. The same bytes again are a duplicate: dropped and counted;
- other bytes under the same key are a conflict: the line with the fewer units, then the smaller
  bytes, counts whichever came first, and the others are held;
- the same seq with another ts is another record: it counts, and the node is flagged.

A segment whose seqs ascend and were never seen is new without a look-up. Anything else is compared
with the lines already admitted around it, which the caller reads from the commits they stand in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import repeat
from operator import attrgetter, lt
from typing import NamedTuple, cast

from aggregator.batch import Batch, HeldLine, HeldReason, MoneyEntry, Place, rejected_line
from aggregator.money import credited_nano
from aggregator.ranges import RangeSet, runs
from wire_format.faults import FaultCode
from wire_format.instants import hour_of, to_us
from wire_format.lines import Line, Money, Usage, encode_lines
from wire_format.segment import Reject, Segment

_seq = attrgetter("seq")
_ts = attrgetter("ts")


class Admitted(NamedTuple):
    """A line that claims its key, and where it stands."""

    record: Line
    line: bytes
    place: Place


class Delivery(NamedTuple):
    """Where a segment was found.

    Attributes:
        commit, path: its place.
        committed_at: the commit's time.
    """

    commit: str
    path: str
    committed_at: datetime


LinesBetween = Callable[[int, int], Iterable[Admitted]]
"""Gives every line of the node that claims its key in segments that overlap a range of seqs."""


def held_reason(record: Line, node: str, latest: datetime) -> HeldReason | None:
    """Why a line claims no key, or None when it does.

    Args:
        record: a well-formed line.
        node: the node whose repo it was found in.
        latest: the highest `ts` allowed: the time of its commit plus the skew.
    """
    if record.node != node:
        return HeldReason.WRONG_NODE
    if record.ts > latest:
        return HeldReason.AHEAD_OF_COMMIT
    if isinstance(record, Usage) and record.corrects is not None:
        return HeldReason.CORRECTION
    return None


class Admission:
    """Admits the segments of one node, one after the other, into a batch.

    Args:
        node: whose records these are.
        skew: how far `ts` may lie ahead of the commit.
        seen: seqs of the node met so far; grows with each segment.
        lines_between: reads what was admitted before.
    """

    def __init__(
        self, node: str, skew: timedelta, seen: RangeSet, lines_between: LinesBetween
    ) -> None:
        self.node = node
        self.batch = Batch()
        self._skew = skew
        self._seen = seen
        self._lines_between = lines_between

    def admit(self, segment: Segment, delivery: Delivery) -> bool:
        """Admit one segment.

        Returns:
            Whether every line was admitted, dropped as a duplicate or held as a conflict, so that
            the same segment in a later commit cannot add anything.
        """
        for reject in segment.rejects:
            self._file_reject(reject, delivery)
        claims, claim_numbers, complete = self._claims(segment, delivery)
        seqs = list(map(_seq, claims))
        if seqs:
            in_order = all(map(lt, seqs, seqs[1:]))
            is_new = in_order and not self._seen.overlaps(seqs[0], seqs[-1])
            if is_new and isinstance(claims[0], Usage):
                self._count_all(cast("Sequence[Usage]", claims))
            else:
                self._count_one_by_one(claims, claim_numbers, delivery)
                seqs.sort()
            self._mark_seen(seqs)
        return complete and not segment.rejects

    def _claims(
        self, segment: Segment, delivery: Delivery
    ) -> tuple[Sequence[Line], Sequence[int], bool]:
        """The lines that claim their key, their numbers, and whether those are all lines."""
        latest = delivery.committed_at + self._skew
        records = segment.records
        if _none_held(records, self.node, latest):
            return records, segment.line_numbers, True
        claims: list[Line] = []
        numbers: list[int] = []
        own_held: list[int] = []
        for record, line_no in zip(records, segment.line_numbers, strict=True):
            reason = held_reason(record, self.node, latest)
            if reason is None:
                claims.append(record)
                numbers.append(line_no)
                continue
            self._hold_unless_admitted(record, reason, Place(*delivery[:2], line_no))
            if reason is not HeldReason.WRONG_NODE:
                own_held.append(record.seq)
        self._mark_seen(sorted(own_held))
        return claims, numbers, False

    def _mark_seen(self, ascending: Sequence[int]) -> None:
        for run in runs(ascending):
            self._seen.add(run)
            self.batch.seen.append(run)

    def _file_reject(self, reject: Reject, delivery: Delivery) -> None:
        place = Place(delivery.commit, delivery.path, reject.line_no)
        if reject.fault.code is FaultCode.UNKNOWN_VERSION:
            held = HeldLine(reject.line, HeldReason.UNKNOWN_VERSION, place, None, None)
            self.batch.held.append(held)
        else:
            self.batch.rejected.append(rejected_line(reject.line, reject.fault, place))

    def _hold_unless_admitted(self, record: Line, reason: HeldReason, place: Place) -> None:
        """A line ahead of this commit may have been admitted from another one already."""
        line = encode_lines([record])
        if reason is HeldReason.AHEAD_OF_COMMIT and self._seen.overlaps(record.seq, record.seq):
            known = self._lines_between(record.seq, record.seq)
            if any(line == admitted.line for admitted in known):
                self.batch.duplicates += 1
                return
        self._hold(Admitted(record, line, place), reason)

    def _hold(self, admitted: Admitted, reason: HeldReason) -> None:
        record, line, place = admitted
        self.batch.held.append(HeldLine(line, reason, place, record.seq, to_us(record.ts)))

    def _count_all(self, claims: Sequence[Usage]) -> None:
        """Count records that are known to be new; the hot path."""
        usage = self.batch.usage
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
        self.batch.admitted += len(claims)

    def _count_one_by_one(
        self, claims: Sequence[Line], numbers: Sequence[int], delivery: Delivery
    ) -> None:
        """Count records some of which may be known."""
        seqs = list(map(_seq, claims))
        known: dict[int, dict[datetime, dict[bytes, Admitted]]]
        known = defaultdict(lambda: defaultdict(dict))
        for admitted in self._lines_between(min(seqs), max(seqs)):
            record = admitted.record
            known[record.seq][record.ts][admitted.line] = admitted
        for record, line_no in zip(claims, numbers, strict=True):
            line = encode_lines([record])
            rivals = known[record.seq][record.ts]
            if line in rivals:
                self.batch.duplicates += 1
                continue
            place = Place(delivery.commit, delivery.path, line_no)
            self._decide(Admitted(record, line, place), rivals.values())
            rivals[line] = Admitted(record, line, place)
            if len(known[record.seq]) > 1:
                self.batch.sequence_reused.add(record.seq)

    def _decide(self, newcomer: Admitted, rivals: Iterable[Admitted]) -> None:
        """Count a new line, unless a rival under its key goes before it."""
        best = min(rivals, key=_precedence, default=None)
        if self._seen.overlaps(newcomer.record.seq, newcomer.record.seq):
            self.batch.released.append(newcomer.line)
        if best is not None and _precedence(best) < _precedence(newcomer):
            self._hold(newcomer, HeldReason.CONFLICT)
            return
        if best is not None:
            self._count(best, -1)
            self._hold(best, HeldReason.CONFLICT)
            self.batch.admitted -= 1
        self._count(newcomer, 1)
        self.batch.admitted += 1

    def _count(self, admitted: Admitted, sign: int) -> None:
        """Add a line to what is counted, or with `sign` -1 take it out again."""
        record, line, place = admitted
        if isinstance(record, Money):
            entries = self.batch.money_added if sign > 0 else self.batch.money_removed
            entries.append(MoneyEntry(record, line, place))
            return
        key = (hour_of(record.ts), record.user, record.resource, record.applies_to)
        delta = self.batch.usage.setdefault(key, [0, 0])
        delta[0] += sign * record.units
        delta[1] += sign


def _none_held(records: Sequence[Line], node: str, latest: datetime) -> bool:
    """Whether every record claims its key, checked over whole columns."""
    return (
        {record.node for record in records} <= {node}
        and max(map(_ts, records), default=latest) <= latest
        and {record.corrects for record in records if isinstance(record, Usage)} <= {None}
    )


def _precedence(admitted: Admitted) -> tuple[int, bytes]:
    """The lowest counts: fewer units (or less credit), then smaller bytes."""
    record = admitted.record
    amount = credited_nano(record) if isinstance(record, Money) else record.units
    return amount, admitted.line
