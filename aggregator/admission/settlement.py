"""Settle which lines count: judge them without and with what is new, and file the difference.

Segments and decisions of the operator are both settled here, so the outcome cannot depend on which
of them came first.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple, Protocol

from aggregator.admission.batch import Batch
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import HeldLine, HeldReason, line_sha256
from gitmeter.counting.lines import Claim
from gitmeter.counting.ranges import RangeSet, SeenSeqs
from gitmeter.counting.verdicts import Verdicts, precedence, verdicts
from wire_format.instants import hour_of, to_us
from wire_format.lines import Account, Decision, Line, Money, Usage

_ADOPTED_AT_ONCE: Final = 50_000
"""Seqs that are judged together when decisions or prices change: bounds memory."""

_TIMES_KEPT: Final = 2
"""Two different times are enough to tell that a seq was reused."""

LinesBySeq = Mapping[int, Mapping[bytes, Claim[Line]]]


class Known(NamedTuple):
    """What is known at the seqs of some lines.

    Attributes:
        repeated: those of the lines that are known.
        times: the different `ts` of the known lines, by seq; of more than two only two.
    """

    repeated: set[bytes]
    times: Mapping[int, set[datetime]]


class KnownLines(Protocol):
    """The lines of a node that were applied before or are in the batch."""

    def at(self, seqs: Collection[int]) -> Iterable[Claim[Line]]:
        """Every line that has one of these seqs and claims its key."""

    def is_corrected(self, first_seq: int, last_seq: int) -> bool:
        """Whether any seq of this range is corrected, both ends included."""

    def corrections_of(self, seqs: Collection[int]) -> Iterable[tuple[int, int]]:
        """For every correction of one of these seqs: the seq that it corrects, and its own."""


class Settlement:
    """Settles which lines of one node count.

    Args:
        grounds: what the lines of this node are judged by, besides each other.
        known: finds the lines that were admitted before.
        batch: receives the changes.

    Attributes:
        grounds: the argument; `adopt` replaces it.
    """

    def __init__(self, grounds: Grounds, known: KnownLines, batch: Batch) -> None:
        self.grounds = grounds
        self._known = known
        self._batch = batch

    def add(self, new: LinesBySeq, known: Known) -> None:
        """Count new lines; contested ones are judged together with the lines tied to them.

        Args:
            new: lines that were never read before, by seq.
            known: what is known at these seqs.
        """
        tied = self._tied_to(self._contested(new, known), new, self._contenders)
        for seq in new.keys() - tied.keys():
            for claim in new[seq].values():
                self._count(claim, 1)
        earlier = list(_claims_in(tied))
        added = [claim for seq in tied for claim in new.get(seq, {}).values()]
        self._change(verdicts(earlier, self.grounds), verdicts([*earlier, *added], self.grounds))

    def adopt(self, grounds: Grounds, changed: RangeSet, seen: SeenSeqs) -> None:
        """Put other decisions or another rule book in force, and judge again what they concern.

        Args:
            grounds: what lines are judged by from now on.
            changed: the seqs whose lines may be judged differently.
            seen: all seqs of the node that were read.
        """
        spilled: set[int] = set()
        numbers = (
            seq
            for span in changed
            for part in seen.within(span)
            for seq in range(part.first, part.last + 1)
        )
        while chunk := set(islice(numbers, _ADOPTED_AT_ONCE)):
            lines = self._tied_to(chunk - spilled, {}, self._lines_at)
            spilled.update(lines.keys() - chunk)
            claims = list(_claims_in(lines))
            self._change(verdicts(claims, self.grounds), verdicts(claims, grounds))
        self.grounds = grounds

    def hold(self, claim: Claim[Line], reason: HeldReason) -> None:
        """File a line as held."""
        record, line, place = claim
        self._batch.hold(HeldLine(line, reason, place, record.seq, to_us(record.ts)))

    def known_of(self, lines: Mapping[int, Container[bytes]]) -> Known:
        """What is known at the seqs of some lines, which are given by seq.

        The known lines are compared one by one and not kept: one seq may have any number of them.
        """
        repeated: set[bytes] = set()
        times: dict[int, set[datetime]] = defaultdict(set)
        for claim in self._known.at(lines.keys()):
            seq = claim.record.seq
            if claim.line in lines[seq]:
                repeated.add(claim.line)
            if len(times[seq]) < _TIMES_KEPT:
                times[seq].add(claim.record.ts)
        return Known(repeated, times)

    def _lines_at(self, seqs: Collection[int]) -> LinesBySeq:
        """The known lines at some seqs, by seq and line; of equal ones the first."""
        found: dict[int, dict[bytes, Claim[Line]]] = defaultdict(dict)
        for claim in self._known.at(seqs):
            found[claim.record.seq].setdefault(claim.line, claim)
        return found

    def _contenders(self, seqs: Collection[int]) -> LinesBySeq:
        """The known lines at some seqs that may count after others were added.

        Of any number of rivals these are the one that counts and the one that the operator chose:
        the others are held, and stay so.
        """
        best: dict[tuple[int, datetime, type[Line]], Claim[Line]] = {}
        found: dict[int, dict[bytes, Claim[Line]]] = defaultdict(dict)
        for claim in self._known.at(seqs):
            record = claim.record
            key = (record.seq, record.ts, type(record))
            known = best.get(key)
            if known is None or precedence(claim) < precedence(known):
                best[key] = claim
            chosen = self.grounds.decisions.chosen(record.seq, record.ts)
            if chosen is not None and line_sha256(claim.line) == chosen:
                found[record.seq].setdefault(claim.line, claim)
        for claim in best.values():
            found[claim.record.seq].setdefault(claim.line, claim)
        return found

    def _contested(self, new: LinesBySeq, known: Known) -> set[int]:
        """The seqs whose new lines must be judged.

        They have a rival, a decision or a correction to be judged with, or may cost too much.
        """
        found = {
            seq
            for seq, lines in new.items()
            if len(lines) > 1 or seq in known.times or self.grounds.decisions.touch(seq, seq)
        }
        found.update(
            claim.record.seq
            for claim in _claims_in(new)
            if isinstance(claim.record, Usage)
            and self.grounds.exceeds(claim.record, claim.record.units)
        )
        found.update(seq for seq, _ in self._known.corrections_of(new.keys()))
        found.update(claim.record.seq for claim in _claims_in(new) if _corrects(claim) is not None)
        return found

    def _tied_to(
        self,
        seqs: Collection[int],
        new: LinesBySeq,
        lines_at: Callable[[Collection[int]], LinesBySeq],
    ) -> LinesBySeq:
        """The known lines at these seqs, and at all others that corrections tie to them."""
        found: dict[int, Mapping[bytes, Claim[Line]]] = {}
        ahead = set(seqs)
        while ahead:
            lines = lines_at(ahead)
            tied = {seq for _, seq in self._known.corrections_of(ahead)}
            for seq in ahead:
                found[seq] = lines.get(seq, {})
                for claim in (*found[seq].values(), *new.get(seq, {}).values()):
                    if (original := _corrects(claim)) is not None:
                        tied.add(original)
            ahead = tied - found.keys()
        return found

    def _change(self, was: Verdicts, now: Verdicts) -> None:
        """Put the difference between two judgements into the batch."""
        for line, (claim, reason) in now.items():
            held_before = was[line][1] if line in was else None
            if line in was and held_before == reason:
                continue
            if held_before is not None:
                self._batch.release(line, held_before)
            elif line in was:
                self._count(claim, -1)
            if reason is None:
                self._count(claim, 1)
            else:
                self.hold(claim, reason)

    def _count(self, claim: Claim[Line], sign: int) -> None:
        """Count a line (`sign` 1), or take it out of what is counted (-1)."""
        record, line, place = claim
        self._batch.admitted += sign
        if isinstance(record, Usage):
            key = (hour_of(record.ts), record.user, record.resource, record.applies_to)
            delta = self._batch.usage.setdefault(key, [0, 0])
            delta[0] += sign * record.units
            delta[1] += sign
        elif isinstance(record, Money | Account):
            self._batch.money[line] = (Claim(record, line, place), sign > 0)
        elif isinstance(record, Decision):
            self._batch.decisions[line] = (Claim(record, line, place), sign > 0)


def _corrects(claim: Claim[Line]) -> int | None:
    return claim.record.corrects if isinstance(claim.record, Usage) else None


def _claims_in(lines: LinesBySeq) -> Iterator[Claim[Line]]:
    for claims in lines.values():
        yield from claims.values()
