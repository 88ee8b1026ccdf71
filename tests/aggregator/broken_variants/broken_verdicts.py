"""Corrections and what becomes of held lines, broken on purpose: one rule in each function."""

from collections.abc import Callable, Collection, Iterable

import pytest

from aggregator.admission import settlement
from aggregator.admission.batch import Batch
from aggregator.admission.settlement import Settlement
from aggregator.ledger.known_lines import NodeLines
from aggregator.store.segment_rows import SegmentRows
from gitmeter.counting import verdicts
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import HeldLine, HeldReason
from gitmeter.counting.lines import Claim
from gitmeter.counting.verdicts import Verdicts
from wire_format.lines import Line, Usage

Patch = pytest.MonkeyPatch


def corrections_judged_one_by_one(patch: Patch) -> None:
    """Each correction is judged by itself, not together with the others."""
    judge = verdicts._judge_corrections

    def broken(original: Usage | None, group: list[Claim[Line]]) -> Verdicts:
        found: Verdicts = {}
        for claim in group:
            found.update(judge(original, [claim]))
        return found

    patch.setattr(verdicts, "_judge_corrections", broken)


def any_sum_counts(patch: Patch) -> None:
    """A record may be corrected to less than nothing."""
    _count_instead(patch, HeldReason.BELOW_ZERO, lambda _correction, _others: True)


def original_of_another_time(patch: Patch) -> None:
    """The seq alone identifies the corrected record, not its time."""

    def is_there(correction: Usage, others: list[Usage]) -> bool:
        return any(o.seq == correction.corrects and o.corrects is None for o in others)

    _count_instead(patch, HeldReason.NO_ORIGINAL, is_there)


def unlike_corrections_count(patch: Patch) -> None:
    """A correction may name another user or resource than its record."""
    patch.setattr(verdicts, "_charged_as", lambda _: ())


def a_correction_is_corrected(patch: Patch) -> None:
    """Corrections have corrections of their own."""

    def is_there(correction: Usage, others: list[Usage]) -> bool:
        return any((o.seq, o.ts) == (correction.corrects, correction.ts) for o in others)

    _count_instead(patch, HeldReason.NO_ORIGINAL, is_there)


def _count_instead(
    patch: Patch, reason: HeldReason, counts: Callable[[Usage, list[Usage]], bool]
) -> None:
    """Let corrections count that are held for a reason."""

    def broken(claims: Iterable[Claim[Line]], grounds: Grounds) -> Verdicts:
        found = verdicts.verdicts(claims, grounds)
        counted = [
            claim.record
            for claim, why in found.values()
            if why is None and isinstance(claim.record, Usage)
        ]
        return {
            line: (claim, None if why is reason and counts(claim.record, counted) else why)  # type: ignore[arg-type]
            for line, (claim, why) in found.items()
        }

    patch.setattr(settlement, "verdicts", broken)


def corrections_not_kept(patch: Patch) -> None:
    """What corrects what does not survive the transaction."""
    patch.setattr(SegmentRows, "insert_corrections", lambda *_: None)


def corrections_of_this_batch_ignored(patch: Patch) -> None:
    """Only corrections in the database are known."""

    def is_corrected_in_database(self: NodeLines, first_seq: int, last_seq: int) -> bool:
        return self._store.segments.is_corrected(self._node_id, first_seq, last_seq)

    def in_database(self: NodeLines, seqs: Iterable[int]) -> list[tuple[int, int]]:
        return self._store.segments.corrections_of(self._node_id, seqs)

    patch.setattr(NodeLines, "is_corrected", is_corrected_in_database)
    patch.setattr(NodeLines, "corrections_of", in_database)


def ties_not_followed(patch: Patch) -> None:
    """A line is judged without the lines that corrections tie to it."""

    def broken(
        self: Settlement,
        seqs: Iterable[int],
        _new: object,
        lines_at: Callable[[Collection[int]], settlement.LinesBySeq],
    ) -> settlement.LinesBySeq:
        lines = lines_at(set(seqs))
        return {seq: lines.get(seq, {}) for seq in seqs}

    patch.setattr(Settlement, "_tied_to", broken)


def released_lines_stay_filed(patch: Patch) -> None:
    """A line is removed from the held lines of the batch, and not from those of the database."""

    def broken(self: Batch, line: bytes, reason: HeldReason) -> None:
        self.held.pop((line, reason), None)

    patch.setattr(Batch, "release", broken)


def held_once_released_for_good(patch: Patch) -> None:
    """A line that was held and released within a batch is not held again in it."""

    def broken(self: Batch, held: HeldLine) -> None:
        self.held.setdefault((held.line, held.reason), held)

    patch.setattr(Batch, "hold", broken)


def what_lost_stays_counted(patch: Patch) -> None:
    """Nothing is ever taken out of a charge again."""
    count = Settlement._count

    def broken(self: Settlement, claim: Claim[Line], sign: int) -> None:
        if sign > 0:
            count(self, claim, sign)

    patch.setattr(Settlement, "_count", broken)
