"""Which lines of one till or desk stand. Pure.

Its key may be stolen one day. What bounds the thief is judged here, over the set of the writer's
lines and in the order of its own numbers, never of a time that he chooses:

- a line is judged by its earliest commit in which its place allows it and which the operator has
  not cut off;
- of different lines under one number a reconciled one stands, else the one that leaves the account
  with less, then the one with smaller bytes;
- of several lines about one movement the one with the smallest number stands, but a reconciled line
  before one that is not;
- what no reconciliation covers is summed up by number; a line with which the sum passes the limit
  waits. Payments and reversals are one sum, refunds and disputes another.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from gitmeter.counting.decisions import NodeDecisions
from gitmeter.counting.effects import (
    TAKES,
    CreditPerUnit,
    Movement,
    confirmed_nano,
    effect_nano,
    movement,
)
from gitmeter.counting.held import HeldReason, line_sha256
from gitmeter.counting.lines import Place
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.lineage import Spot
from gitmeter.money.places import MoneyLimits, PlaceFault, place_fault
from gitmeter.money.prefix_sums import PrefixSums
from wire_format.lines import Account, Money

_NEVER: Final = 2**63
"""After every instant."""


class Copy(NamedTuple):
    """A commit that has a line.

    Attributes:
        spot: where the commit is among the writer's.
        place: where the line is in it.
    """

    spot: Spot
    place: Place


class Stated(NamedTuple):
    """A line of a till or desk.

    Attributes:
        record: the decoded line.
        line: its bytes, newline included.
        copies: every commit that has it, at least one.
    """

    record: Money | Account
    line: bytes
    copies: Sequence[Copy]


class Worth(NamedTuple):
    """What a line is worth within its writer.

    Attributes:
        reason: why it does not stand, or waits (`HeldReason.UNCONFIRMED`); None when it stands.
        copy: the commit by which it is judged.
        covered_us: when it was reconciled first, microseconds since 1970; None if it never was.
        is_weak: whether it waited at the time of its own commit and is not reconciled itself; then
            it gives way to any other writer's line about its movement.
        moved_nano: its part in its writer's sums, in nano-dollars.
    """

    reason: HeldReason | None
    copy: Copy
    covered_us: int | None = None
    is_weak: bool = False
    moved_nano: int = 0


class Before(Protocol):
    """The lines of a writer with smaller numbers that are not judged again."""

    def uncovered_nano(self, at_us: int | None = None, *, takes: bool) -> int:
        """The sum of those that no reconciliation covers, or covered by an instant.

        Args:
            at_us: the instant, microseconds since 1970; None for now.
            takes: which sum: of refunds and disputes, or of payments and reversals.
        """


class NothingBefore:
    """There are none: all lines are judged."""

    def uncovered_nano(self, _at_us: int | None = None, *, takes: bool) -> int:  # noqa: ARG002
        """The sum of nothing."""
        return 0


class WriterGrounds(NamedTuple):
    """What the lines of one writer are judged by, besides each other.

    Attributes:
        role: `till` or `desk`.
        limits: of all writers.
        decisions: those about single lines of this writer.
        confirmed: those about its commits and numbers.
        per_unit: the credit for a unit of a payment's currency.
        before: the lines with smaller numbers that are not judged with them.
        fault: why a line may not be in a commit of the writer.
    """

    role: str
    limits: MoneyLimits
    decisions: NodeDecisions
    confirmed: Confirmed
    per_unit: CreditPerUnit
    before: Before = NothingBefore()
    fault: PlaceFault = place_fault


class _Claiming(NamedTuple):
    """A line that its place allows."""

    stated: Stated
    copy: Copy
    covered_us: int | None

    @property
    def order(self) -> tuple[bool, int]:
        """Reconciled lines first, then by number."""
        return self.covered_us is None, self.stated.record.seq


def worth_of(lines: Iterable[Stated], grounds: WriterGrounds) -> dict[bytes, Worth]:
    """Judge the lines of one writer.

    Those with the highest numbers may be judged alone, given the sums of those `before` them, if no
    other line has their numbers or is about their movements.

    Args:
        lines: each distinct line once.
        grounds: what they are judged by, besides each other.

    Returns:
        for each line what it is worth within its writer.
    """
    found, standing = _standing(lines, grounds)
    first_of: dict[Movement, _Claiming] = {}
    summed: list[_Claiming] = []
    for each in sorted(standing, key=lambda each: each.order):
        key = movement(each.stated.record) if isinstance(each.stated.record, Money) else None
        if key is not None and first_of.setdefault(key, each) is not each:
            found[each.stated.line] = Worth(HeldReason.SAME_MOVEMENT, each.copy, each.covered_us)
        else:
            summed.append(each)
    summed.sort(key=lambda each: each.stated.record.seq)
    if grounds.role == "till":
        for takes in (False, True):
            side = [each for each in summed if (each.stated.record.kind in TAKES) is takes]
            found.update(_within_limit(side, grounds, takes=takes))
    return found


def numbered(lines: Iterable[Stated], grounds: WriterGrounds) -> dict[bytes, Worth]:
    """Judge the lines of one writer by their places and numbers alone.

    Args:
        lines: each distinct line once.
        grounds: what they are judged by, besides each other.

    Returns:
        for each line what it is worth; without a reason for those that stand under their number.
    """
    return _standing(lines, grounds)[0]


def _standing(
    lines: Iterable[Stated], grounds: WriterGrounds
) -> tuple[dict[bytes, Worth], list[_Claiming]]:
    """What `numbered` returns, and the lines that stand under their number."""
    found: dict[bytes, Worth] = {}
    claiming: dict[int, list[_Claiming]] = defaultdict(list)
    for stated in lines:
        reason, copy = _claim(stated, grounds)
        covered_us = None
        if reason is None:
            spots = [each.spot for each in stated.copies]
            covered_us = grounds.confirmed.covered_us(stated.record.seq, spots)
            claiming[stated.record.seq].append(_Claiming(stated, copy, covered_us))
        found[stated.line] = Worth(reason, copy, covered_us)
    standing: list[_Claiming] = []
    for seq in sorted(claiming):
        first, *others = sorted(claiming[seq], key=lambda each: _under_number(each, grounds))
        standing.append(first)
        for each in others:
            found[each.stated.line] = Worth(HeldReason.NUMBER_REUSED, each.copy, each.covered_us)
    return found, standing


def _claim(stated: Stated, grounds: WriterGrounds) -> tuple[HeldReason | None, Copy]:
    """Why a line claims nothing, or None, and the commit by which that is so."""
    record = stated.record
    ordered = sorted(stated.copies, key=lambda copy: (copy.spot.at_us, copy))
    if grounds.decisions.excluding(record.seq, record.ts) is not None:
        return HeldReason.EXCLUDED, ordered[0]
    reasons: list[HeldReason] = []
    for copy in ordered:
        if grounds.confirmed.is_cut_off(copy.spot):
            reasons.append(HeldReason.CUT_OFF)
        elif grounds.confirmed.is_back_dated(copy.spot):
            reasons.append(HeldReason.BACK_DATED)
        else:
            fault = grounds.fault(record, grounds.role, copy.spot.at_us, grounds.limits)
            if fault is None:
                return None, copy
            reasons.append(fault)
    return reasons[0], ordered[0]


def _under_number(each: _Claiming, grounds: WriterGrounds) -> tuple[bool, bool, int, bytes]:
    """Sorts the line first that stands under its number."""
    record, line = each.stated.record, each.stated.line
    chosen = grounds.decisions.chosen(record.seq, record.ts)
    is_chosen = chosen is not None and line_sha256(line) == chosen
    effect = effect_nano(record, grounds.per_unit)
    return not is_chosen, each.covered_us is None, effect, line


def _within_limit(
    side: Sequence[_Claiming], grounds: WriterGrounds, *, takes: bool
) -> Iterator[tuple[bytes, Worth]]:
    """What each line of one sum is worth, given those with smaller numbers."""
    moved = [confirmed_nano(each.stated.record, grounds.per_unit) for each in side]
    waited = _waited_at_commit(side, moved, grounds, takes=takes)
    total_nano = grounds.before.uncovered_nano(takes=takes)
    for each, moved_nano, has_waited in zip(side, moved, waited, strict=True):
        reason = None
        if each.covered_us is None:
            total_nano += moved_nano
            limit_nano = _limit_nano(each, grounds)
            reason = HeldReason.UNCONFIRMED if moved_nano and total_nano > limit_nano else None
        is_weak = has_waited and each.covered_us is None
        yield each.stated.line, Worth(reason, each.copy, each.covered_us, is_weak, moved_nano)


def _waited_at_commit(
    side: Sequence[_Claiming], moved: Sequence[int], grounds: WriterGrounds, *, takes: bool
) -> list[bool]:
    """Whether each line that is not reconciled waited when it was committed.

    Its sum was then that of all lines up to it which had not been reconciled by that time.
    """
    waited = [False] * len(side)
    asked = [at for at, each in enumerate(side) if each.covered_us is None and moved[at]]
    asked.sort(key=lambda at: side[at].copy.spot.at_us, reverse=True)
    covered = sorted(
        (
            (_NEVER if each.covered_us is None else each.covered_us, at)
            for at, each in enumerate(side)
        ),
        reverse=True,
    )
    sums, added = PrefixSums(len(side)), 0
    for at in asked:
        committed_us = side[at].copy.spot.at_us
        while added < len(covered) and covered[added][0] > committed_us:
            sums.add(covered[added][1], moved[covered[added][1]])
            added += 1
        before_nano = grounds.before.uncovered_nano(committed_us, takes=takes)
        waited[at] = before_nano + sums.up_to(at) > _limit_nano(side[at], grounds)
    return waited


def _limit_nano(each: _Claiming, grounds: WriterGrounds) -> int:
    rules = grounds.limits.writers.till_at(each.stated.record.node, each.copy.spot.at_us)
    return 0 if rules is None else rules.unconfirmed_max_nano
