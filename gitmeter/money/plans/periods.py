"""What one plan line states, which line is in force in an hour, and the cycle of that hour. Pure.

- One line is one period. In force is the line that began last (of several, the one that was written
  last); when it has ended there is the default plan, and no earlier line comes back.
- Cycles of a plan with a fee are counted from the line's `from`, and an upgrade keeps them; those
  of a plan without one from 1970, so that a further line of it gives no second cycle.
- A cycle keeps the version of the plan that it began with.
"""

from bisect import bisect_right
from typing import NamedTuple

from gitmeter.money.granted import EVER_HOUR
from wire_format.instants import format_hour, hour_of
from wire_format.lines import Account
from wire_format.money import parse_nano
from wire_format.plans import PlanMeter, Plans, PlanVersion


class PlanTerms(NamedTuple):
    """What a plan line states; lines of one account that agree in all of it are one.

    Attributes:
        plan: the plan of the period.
        instead_of: of an upgrade, the plan that it replaces; None of any other line.
        from_hour, until_hour: the period, clock hours since 1970; None for no end.
        fee_nano: what it costs, in nano-dollars; 0 where nothing is stated.
    """

    plan: str
    instead_of: str | None
    from_hour: int
    until_hour: int | None
    fee_nano: int


def terms_of(record: Account) -> PlanTerms:
    """What a plan line states.

    Raises:
        ValueError: for a line of another kind.
    """
    if record.plan is None or record.from_ is None:
        raise ValueError(f"line {record.seq} of {record.node} is of no plan")
    until_hour = None if record.until is None else hour_of(record.until)
    fee_nano = parse_nano(record.fee_usd or "0")
    return PlanTerms(record.plan, record.instead_of, hour_of(record.from_), until_hour, fee_nano)


class PlanPeriod(NamedTuple):
    """A plan line that counts.

    Attributes:
        record: the line.
        terms: what it states.
        version: what its plan is at its `from`; an upgrade has it until its cycle ends.
        root: the terms of the line that it upgrades, directly or through others; its own where it
            is no upgrade.
    """

    record: Account
    terms: PlanTerms
    version: PlanVersion
    root: PlanTerms

    @property
    def from_hour(self) -> int:
        """The first clock hour in which it may be in force."""
        return self.terms.from_hour

    @property
    def end_hour(self) -> int:
        """The first clock hour after it."""
        return EVER_HOUR if self.terms.until_hour is None else self.terms.until_hour

    @property
    def is_upgrade(self) -> bool:
        """Whether it goes on with the cycle of another line."""
        return self.terms.instead_of is not None


class PlanInForce(NamedTuple):
    """What an account has in an hour.

    Attributes:
        version: of its plan, as the cycle has it.
        line: the line that settles it; None where that is the default plan without a line.
        cycle_start, cycle_end: the cycle, clock hours since 1970; `cycle_end` is not in it.
        cycle_of: names the cycle within the account. Units are counted under it: it is the same for
            a line and its upgrades, and for all lines of a plan without a fee.
    """

    version: PlanVersion
    line: Account | None
    cycle_start: int
    cycle_end: int
    cycle_of: str

    @property
    def meters(self) -> tuple[PlanMeter, ...]:
        """What the plan includes in this hour."""
        return self.version.meters


class PeriodsInOrder:
    """The lines of an account that count so far, by the hour in which each began.

    Attributes:
        periods: ascending by `from`; of one `from` in the order in which they were added.
    """

    def __init__(self) -> None:
        self.periods: list[PlanPeriod] = []
        self._from_hours: list[int] = []

    def add(self, period: PlanPeriod) -> None:
        """Add a line that was written after all that are in."""
        at = self.begun_by(period.from_hour)
        self.periods.insert(at, period)
        self._from_hours.insert(at, period.from_hour)

    def begun_by(self, hour: int) -> int:
        """How many of `periods` have begun in a clock hour or before."""
        return bisect_right(self._from_hours, hour)

    def in_force(self, hour: int) -> PlanPeriod | None:
        """The line in force in a clock hour; None where there is none, or it has ended."""
        begun = self.begun_by(hour)
        if not begun or self.periods[begun - 1].end_hour <= hour:
            return None
        return self.periods[begun - 1]


def period_of(record: Account, version: PlanVersion, so_far: PeriodsInOrder) -> PlanPeriod:
    """A line that counts, among those that count so far."""
    terms = terms_of(record)
    base = so_far.in_force(terms.from_hour) if terms.instead_of is not None else None
    return PlanPeriod(record, terms, version, terms if base is None else base.root)


def cycle_at(period: PlanPeriod, hour: int, plans: Plans) -> PlanInForce:
    """What an account has in a clock hour in which a line is in force."""
    if period.version.fee_nano is None:
        return _counted_from_1970(period.version, period.record, hour, plans)
    cycle_hours = period.version.cycle_hours
    root = period.root
    start = hour - (hour - root.from_hour) % cycle_hours
    if period.is_upgrade:
        version = period.version
    else:
        version = plans.version_in_cycle(root.plan, start) or period.version
    end = min(start + cycle_hours, period.end_hour)
    return PlanInForce(version, period.record, start, end, cycle_name(root.plan, start))


def default_at(hour: int, plans: Plans) -> PlanInForce | None:
    """What an account has in a clock hour in which no line is in force."""
    version = plans.default_at(hour)
    return None if version is None else _counted_from_1970(version, None, hour, plans)


def cycle_name(plan: str, from_hour: int) -> str:
    """The name of a cycle, or of a credit: `pro@2026-11-10T00:00:00Z`."""
    return f"{plan}@{format_hour(from_hour)}"


def _counted_from_1970(
    version: PlanVersion, line: Account | None, hour: int, plans: Plans
) -> PlanInForce:
    start = hour - hour % version.cycle_hours
    in_cycle = plans.version_in_cycle(version.name, start) or version
    end = start + version.cycle_hours
    return PlanInForce(in_cycle, line, start, end, cycle_name(version.name, start))
