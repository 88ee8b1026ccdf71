"""From segments to a batch: which lines claim their key, and which of those are new.

A segment whose seqs ascend and were never seen, which no decision or correction concerns, and none
of whose records may cost more than the limit, is new without a look-up, and its sums are enough
(`Admission.count`). Anything else is compared line by line with the earlier lines that it can
touch, and `aggregator.admission.settlement` judges them together (`Admission.admit`).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from aggregator.admission.batch import Batch
from aggregator.admission.claims import LineRules
from aggregator.admission.grouped import GroupedSegment
from aggregator.admission.settlement import KnownLines, Settlement
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.ranges import RangeSet, SeenSeqs
from wire_format.instants import from_us
from wire_format.lines import Line, Usage, encode_lines
from wire_format.segment import Segment

_seq = attrgetter("seq")


class Source(NamedTuple):
    """Where a segment was found.

    Attributes:
        commit, path: its commit and its path there.
        committed_at: the commit's time (UTC).
    """

    commit: str
    path: str
    committed_at: datetime

    @property
    def committed_at_s(self) -> int:
        """The commit's time, seconds since 1970."""
        return int(self.committed_at.timestamp())


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

    def count(self, found: GroupedSegment, source: Source) -> bool:
        """Count a segment by its sums, if no other line, decision or limit can touch any of it.

        Returns:
            Whether it was counted, and so every line of it claims its key. Otherwise nothing has
            changed, and it is to be admitted line by line.
        """
        first, last = found.seqs[0].first, found.seqs[-1].last
        latest, grounds = from_us(found.latest_us), self._settlement.grounds
        if (
            not self._rules.hold_none(found.node, latest, found.units_max, source.committed_at)
            or self._seen.overlaps(first, last)
            or grounds.decisions.touch(first, last)
            or self._known.is_corrected(first, last)
            or grounds.may_exceed(found.units_max)
        ):
            return False
        self._batch.count(found, source.committed_at_s)
        self._seen.update(found.seqs)
        return True

    def admit(self, segment: Segment, source: Source) -> bool:
        """Admit one segment line by line.

        Returns:
            Whether every line of it claims its key. The same segment in a later commit can then
            add nothing.
        """
        for reject in segment.rejects:
            self._batch.reject(reject, source.commit, source.path)
        claims, claim_numbers, complete = self._claims(segment, source)
        seqs = list(map(_seq, claims))
        if seqs:
            users = {record.user for record in claims if isinstance(record, Usage)}
            self._batch.note_users(users, source.committed_at_s)
            self._count_one_by_one(claims, claim_numbers, source)
            self._batch.mark_seen(sorted(seqs), self._seen)
        return complete and not segment.rejects

    def adopt(self, grounds: Grounds, changed: RangeSet) -> None:
        """Put other decisions or another rule book in force, as `Settlement.adopt` does.

        Args:
            grounds: what lines are judged by from now on.
            changed: the seqs whose lines may be judged differently.
        """
        self._settlement.adopt(grounds, changed, self._seen)

    def _claims(
        self, segment: Segment, source: Source
    ) -> tuple[Sequence[Line], Sequence[int], bool]:
        """The lines that claim their key, their line numbers, and whether that is all of them."""
        claims: list[Line] = []
        numbers: list[int] = []
        held: list[tuple[Claim[Line], HeldReason]] = []
        for record, line_no in zip(segment.records, segment.line_numbers, strict=True):
            reason = self._rules.held_reason(record, source.committed_at)
            if reason is None:
                claims.append(record)
                numbers.append(line_no)
            else:
                place = Place(source.commit, source.path, line_no)
                held.append((Claim(record, encode_lines([record]), place), reason))
        if held:
            self._hold_unless_admitted(held)
        return claims, numbers, not held

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
        self._batch.mark_seen(sorted(own), self._seen)

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
