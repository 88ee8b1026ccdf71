"""Which plan lines of one account count. Pure.

They are judged in the order in which they were committed, each against those that count so far; a
`ts` can be dated back, the time of a commit cannot. Of one instant the books' come last: what a
desk may write depends on what was there before its commit.

Of everybody's lines, the books' too:

- the plan has a version at `from`; its line has an `until` if it has a fee, and only then;
- without `instead_of` no line with an `until` is in force at `from`;
- an upgrade replaces the plan in force, at once and until the running cycle's end. Its plan has
  cycles of the same length, a higher fee, and at least as much under each meter: else a few changes
  within a cycle would include more than the dearest of its plans, for less than that one's fee.

Of a desk's also: desks sell the plan, its fee is the plan's (of an upgrade, the difference), it
begins in the hour of its `ts` or at most one cycle later, and lasts one cycle; and the account had
the money before the commit. What happens to that money later moves no closed hour.

Lines that agree are one, with the earliest `ts`. One that did not count when it was judged is not
among them, so a customer without money can try again in the same hour.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gitmeter.money.plans.periods import (
    PeriodsInOrder,
    PlanInForce,
    PlanTerms,
    cycle_at,
    period_of,
    terms_of,
)
from gitmeter.money.plans.plan_faults import PlanFault
from wire_format.instants import hour_of
from wire_format.lines import Account
from wire_format.plans import PlanMeter, Plans, PlanVersion

_DESK = "desk"

MoneyBefore = Callable[[int], int]
"""From the time of a commit, in microseconds since 1970, to nano-dollars: payments, version 1
grants and adjustments less what was taken back, of lines whose `ts` and commit are before it. Fees
are left out."""


class PlanEntry(NamedTuple):
    """A plan line that may count: allowed by its place, and not waiting for anything.

    Attributes:
        record: the line.
        role: of its repo.
        committed_us: the time of the commit by which it is judged, microseconds since 1970.
    """

    record: Account
    role: Literal["books", "desk"]
    committed_us: int


class JudgedPlanLine(NamedTuple):
    """A plan line, and whether it counts.

    Attributes:
        record: the line.
        stands: the line that counts for it: itself, or the earliest that agrees with it; None where
            it does not count.
        fault: why it does not count; None where `stands` is a line.
    """

    record: Account
    stands: Account | None
    fault: PlanFault | None


class JudgedPlanLines(NamedTuple):
    """The plan lines of one account.

    Attributes:
        judged: all of them, in the order in which they were judged.
        counted: those that count, in that order: of lines that agree the earliest, in the place of
            the one that was judged.
    """

    judged: tuple[JudgedPlanLine, ...]
    counted: tuple[Account, ...]


def judge_plan_lines(
    entries: Iterable[PlanEntry], plans: Plans, money_before: MoneyBefore
) -> JudgedPlanLines:
    """Decide which plan lines of one account count.

    Args:
        entries: its plan lines, each once, in any order.
        plans: the plans of the rule book.
        money_before: what the account had before the commit of a desk's line.
    """
    ordered = sorted(entries, key=_judging_order)
    judging = _Judging(plans, money_before)
    faults = [judging.fault_of(entry) for entry in ordered]
    judged = tuple(
        JudgedPlanLine(entry.record, judging.standing(entry.record) if not fault else None, fault)
        for entry, fault in zip(ordered, faults, strict=True)
    )
    return JudgedPlanLines(judged, tuple(judging.counted.values()))


def _judging_order(entry: PlanEntry) -> tuple[object, ...]:
    return entry.committed_us, entry.role != _DESK, *_written(entry.record)


def _written(record: Account) -> tuple[object, ...]:
    return record.ts, record.node, record.seq


@dataclass
class _Judging:
    """What counts so far.

    Attributes:
        plans, money_before: as of `judge_plan_lines`.
        counted: for what lines that count state, the earliest that states it.
    """

    plans: Plans
    money_before: MoneyBefore
    counted: dict[PlanTerms, Account] = field(default_factory=dict)
    _so_far: PeriodsInOrder = field(default_factory=PeriodsInOrder)

    def standing(self, record: Account) -> Account:
        """The line that counts for one that counts or repeats."""
        return self.counted[terms_of(record)]

    def fault_of(self, entry: PlanEntry) -> PlanFault | None:
        """Judge the next line; None where it counts or repeats one that does."""
        terms = terms_of(entry.record)
        twin = self.counted.get(terms)
        if twin is not None:
            self.counted[terms] = min(twin, entry.record, key=_written)
            return None
        version = self.plans.version_at(terms.plan, terms.from_hour)
        if version is None:
            return PlanFault.NO_VERSION
        fault = next(self._faults(entry, terms, version), None)
        if fault is None:
            self.counted[terms] = entry.record
            self._so_far.add(period_of(entry.record, version, self._so_far))
        return fault

    def _faults(
        self, entry: PlanEntry, terms: PlanTerms, version: PlanVersion
    ) -> Iterator[PlanFault]:
        if version.fee_nano is None and terms.until_hour is not None:
            yield PlanFault.UNTIL_WITHOUT_FEE
        if version.fee_nano is not None and terms.until_hour is None:
            yield PlanFault.FEE_WITHOUT_UNTIL
        running = self._running(terms.from_hour)
        if terms.instead_of is None:
            if running is not None:
                yield PlanFault.PERIOD_RUNS
        elif running is None or running.version.name != terms.instead_of:
            yield PlanFault.NOT_IN_FORCE
            return
        else:
            yield from _upgrade_faults(entry.record, terms, version, running)
        if entry.role == _DESK:
            replaced = running if terms.instead_of is not None else None
            yield from self._desk_faults(entry, terms, version, replaced)

    def _running(self, hour: int) -> PlanInForce | None:
        """The line with an `until` in force in a clock hour, in its cycle."""
        period = self._so_far.in_force(hour)
        if period is None or period.terms.until_hour is None:
            return None
        return cycle_at(period, hour, self.plans)

    def _desk_faults(
        self,
        entry: PlanEntry,
        terms: PlanTerms,
        version: PlanVersion,
        replaced: PlanInForce | None,
    ) -> Iterator[PlanFault]:
        if _DESK not in version.sold_by:
            yield PlanFault.NOT_SOLD
        fee_nano = (version.fee_nano or 0) - (_fee_nano(replaced) if replaced else 0)
        if terms.fee_nano != fee_nano:
            yield PlanFault.WRONG_FEE
        ahead_hours = terms.from_hour - hour_of(entry.record.ts)
        if ahead_hours < 0:
            yield PlanFault.BEFORE_ITS_HOUR
        if ahead_hours > version.cycle_hours:
            yield PlanFault.TOO_FAR_AHEAD
        cycle_end = terms.from_hour + version.cycle_hours
        if version.fee_nano is not None and not replaced and terms.until_hour != cycle_end:
            yield PlanFault.NOT_ONE_CYCLE
        if fee_nano and self._left_nano(entry.committed_us) < fee_nano:
            yield PlanFault.NO_MONEY

    def _left_nano(self, committed_us: int) -> int:
        """What the account had before a commit, less the fees of all that counts so far."""
        return self.money_before(committed_us) - sum(terms.fee_nano for terms in self.counted)


def _upgrade_faults(
    record: Account, terms: PlanTerms, version: PlanVersion, replaced: PlanInForce
) -> Iterator[PlanFault]:
    if terms.from_hour != hour_of(record.ts):
        yield PlanFault.NOT_AT_ONCE
    if version.cycle_hours != replaced.version.cycle_hours:
        yield PlanFault.OTHER_CYCLE
    if (version.fee_nano or 0) <= _fee_nano(replaced):
        yield PlanFault.FEE_NOT_HIGHER
    if not _includes(version.meters, replaced.meters):
        yield PlanFault.LESS_INCLUDED
    if terms.until_hour != replaced.cycle_end:
        yield PlanFault.NOT_TO_CYCLE_END


def _fee_nano(running: PlanInForce) -> int:
    """The fee of the version that a cycle has, whatever its line cost."""
    return running.version.fee_nano or 0


def _includes(meters: Iterable[PlanMeter], others: Iterable[PlanMeter]) -> bool:
    """Whether some meters include at least as much as others, under each name of those."""
    included = {meter.name: meter.included for meter in meters}
    return all(
        other.name in included and _at_least(included[other.name], other.included)
        for other in others
    )


def _at_least(included: int | None, other: int | None) -> bool:
    """Whether units that are included are as many as others; None is unlimited."""
    return included is None or (other is not None and included >= other)
