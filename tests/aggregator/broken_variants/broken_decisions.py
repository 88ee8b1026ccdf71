"""Decisions of the operator, broken on purpose: one rule in each function."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pytest

from aggregator.admission import settlement
from aggregator.admission.admission import Admission, Source
from aggregator.admission.grouped import GroupedSegment
from aggregator.admission.settlement import Settlement
from aggregator.ledger import pending
from aggregator.ledger.rejudge import JudgedAgain
from aggregator.store.decision_rows import DecisionRows
from gitmeter.counting import decisions, verdicts
from gitmeter.counting.decisions import Decisions, NodeDecisions
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.held import HeldReason, line_sha256
from gitmeter.counting.lines import Claim
from gitmeter.counting.ranges import Range
from gitmeter.counting.verdicts import Verdicts
from wire_format.lines import Decision, Line, Usage

Patch = pytest.MonkeyPatch


def only_later_lines(patch: Patch) -> None:
    """A decision does not touch what was judged before it came."""

    def broken(self: Settlement, grounds: Grounds, *_: object) -> None:
        self.grounds = grounds

    patch.setattr(Settlement, "adopt", broken)


def only_earlier_lines(patch: Patch) -> None:
    """A decision does not wait for the lines that it is about."""
    count = Admission.count

    def broken(self: Admission, found: GroupedSegment, source: Source) -> bool:
        with pytest.MonkeyPatch.context() as blind:
            blind.setattr(NodeDecisions, "touch", lambda *_: False)
            return count(self, found, source)

    patch.setattr(Admission, "count", broken)


def other_nodes_skipped(patch: Patch) -> None:
    """Only lines of the books are judged again."""
    patch.setattr(pending, "judged_again", lambda *_, **__: JudgedAgain({}, {}))


def own_node_skipped(patch: Patch) -> None:
    """Lines of the books are not judged again."""
    patch.setattr(Admission, "adopt", lambda *_: None)


def end_of_range_left_out(patch: Patch) -> None:
    """A range is its first number."""

    def broken(record: Decision) -> Range:
        return Range(record.of_seq or 0, record.of_seq or 0)

    patch.setattr(decisions, "span_of", broken)


def time_of_the_key_ignored(patch: Patch) -> None:
    """Excluding one record takes all records of its number out."""

    def broken(self: NodeDecisions, seq: int, _ts: datetime) -> Decision | None:
        narrow = self._excludes.get(seq, [])
        wide = [r for _, span, r in self._wide_excludes if span.first <= seq <= span.last]
        return next(iter([*(record for _, record in narrow), *wide]), None)

    patch.setattr(NodeDecisions, "excluding", broken)


def withdrawal_ignored(patch: Patch) -> None:
    """A decision stays in force although it was withdrawn."""
    start = Decisions.__init__

    def broken(self: Decisions, records: Iterable[Decision] = (), *waiting: Any) -> None:  # noqa: ANN401
        start(self, [record for record in records if record.kind != "withdraw"], *waiting)

    patch.setattr(Decisions, "__init__", broken)


def first_choice_holds(patch: Patch) -> None:
    """Of two choices the earlier one is in force."""
    start = NodeDecisions.__init__

    def broken(self: NodeDecisions, records: Iterable[Decision] = ()) -> None:
        start(self, list(records)[::-1])

    patch.setattr(NodeDecisions, "__init__", broken)


def order_of_arrival(patch: Patch) -> None:
    """The choice that arrived last is in force, whatever its number."""
    read = DecisionRows.all
    arrived: list[Decision] = []

    def by_arrival(
        self: DecisionRows, changes: Mapping[bytes, tuple[Claim[Decision], bool]] | None = None
    ) -> list[Decision]:
        found = read(self, changes)
        arrived.extend(record for record in found if record not in arrived)
        return found

    start = NodeDecisions.__init__

    def broken(self: NodeDecisions, records: Iterable[Decision] = ()) -> None:
        start(self, sorted(records, key=arrived.index))

    patch.setattr(DecisionRows, "all", by_arrival)
    patch.setattr(NodeDecisions, "__init__", broken)


def no_choice_holds(patch: Patch) -> None:
    """The smaller line counts whatever the operator chose."""
    patch.setattr(NodeDecisions, "chosen", lambda *_: None)


def a_chosen_line_must_be_there(patch: Patch) -> None:
    """Where the chosen line is not among the rivals, the last of them counts."""
    winner = verdicts._winner

    def broken(lines: dict[bytes, Claim[Line]], chosen: str | None) -> Claim[Line]:
        if chosen is not None and chosen not in map(line_sha256, lines):
            return max(lines.values(), key=verdicts.precedence)
        return winner(lines, chosen)

    patch.setattr(verdicts, "_winner", broken)


def decisions_not_kept(patch: Patch) -> None:
    """Decisions are in force only in the process that read them."""
    patch.setattr(DecisionRows, "change", lambda *_: None)


def exclusion_ends_a_conflict(patch: Patch) -> None:
    """Of excluded rivals those that lost before stay held as lost."""
    _held_instead(patch, HeldReason.CONFLICT)


def _held_instead(patch: Patch, reason: HeldReason) -> None:
    def broken(claims: Iterable[Claim[Line]], grounds: Grounds) -> Verdicts:
        listed = list(claims)
        undecided = verdicts.verdicts(listed, grounds._replace(decisions=NodeDecisions()))
        found = verdicts.verdicts(listed, grounds)
        return {
            line: (claim, reason if undecided[line][1] is reason else why)
            for line, (claim, why) in found.items()
        }

    patch.setattr(settlement, "verdicts", broken)


def corrections_outlive_it(patch: Patch) -> None:
    """The corrections of an excluded record still count."""

    def broken(claims: Iterable[Claim[Line]], grounds: Grounds) -> Verdicts:
        found = verdicts.verdicts(claims, grounds)
        return {
            line: (claim, None if _is_orphan(claim, why, grounds.decisions) else why)
            for line, (claim, why) in found.items()
        }

    patch.setattr(settlement, "verdicts", broken)


def _is_orphan(claim: Claim[Line], why: HeldReason | None, decided: NodeDecisions) -> bool:
    record = claim.record
    return (
        why is HeldReason.NO_ORIGINAL
        and isinstance(record, Usage)
        and decided.excluding(record.corrects or 0, record.ts) is not None
    )
