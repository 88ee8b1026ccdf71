"""What an account has by its plan lines: in each hour, what it cost, and which credit it gives.

A line may last for years, so nothing goes through all its cycles unless these hours are asked for.
Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Final, NamedTuple

from gitmeter.money.granted import EVER_HOUR, Granted, Hours
from gitmeter.money.plans.periods import (
    PeriodsInOrder,
    PlanInForce,
    PlanPeriod,
    cycle_at,
    cycle_name,
    default_at,
    period_of,
    terms_of,
)
from wire_format.instants import to_us
from wire_format.lines import Account
from wire_format.plans import Plans, PlanVersion

PLAN_PROVIDER: Final = "plan"
"""The provider of the credit of a cycle; no line can name it, since grants are `manual`."""


class _Family(NamedTuple):
    """A line of a plan with a fee, and its upgrades.

    Attributes:
        root: the line.
        upgrades: in the order in which they begin.
        spans: the hours in which one of them is in force, ascending and apart.
    """

    root: PlanPeriod
    upgrades: tuple[PlanPeriod, ...]
    spans: tuple[Hours, ...]


class PlanTimeline:
    """The plans of one account. Accounts without lines may share one.

    Args:
        lines: its plan lines that count, in the order in which they were judged.
        plans: those by which they were judged.
    """

    def __init__(self, lines: Iterable[Account], plans: Plans) -> None:
        self.plans = plans
        self._order = PeriodsInOrder()
        for record in lines:
            terms = terms_of(record)
            version = plans.version_at(terms.plan, terms.from_hour)
            if version is None:
                raise ValueError(f"line {record.seq} of {record.node} does not count")
            self._order.add(period_of(record, version, self._order))
        self._families = _families(self.periods)
        fees = sorted((to_us(p.record.ts), p.terms.fee_nano) for p in self.periods)
        self._paid_us = [paid_us for paid_us, _ in fees]
        self._fees_nano = list(accumulate((nano for _, nano in fees), initial=0))
        self._last: tuple[Hours, PlanInForce | None] = (Hours(0, 0), None)

    @property
    def periods(self) -> Sequence[PlanPeriod]:
        """Its lines, in the order in which they begin."""
        return self._order.periods

    def at(self, hour: int) -> PlanInForce | None:
        """What the account has in a clock hour since 1970; None where it has no plan.

        The last answer is kept with the hours for which it holds, since usage is rated hour by
        hour.
        """
        span, found = self._last
        if not span.first <= hour < span.end:
            span, found = self._last = self._look_up(hour)
        return found

    def cycle_of(self, hour: int) -> str | None:
        """The name of the cycle that a clock hour belongs to; None where it has no plan."""
        plan = self.at(hour)
        return None if plan is None else plan.cycle_of

    def spans(self, hours: Hours) -> Iterator[tuple[Hours, PlanInForce | None]]:
        """What the account has in some hours, as long as it stays the same at a time."""
        hour = hours.first
        while hour < hours.end:
            span, found = self._look_up(hour)
            yield Hours(hour, min(span.end, hours.end)), found
            hour = span.end

    def fees_nano(self, before_us: int) -> int:
        """What lines with a `ts` before an instant cost, in nano-dollars."""
        return self._fees_nano[bisect_left(self._paid_us, before_us)]

    def credits(self, first_hour: int, end_hour: int) -> list[Granted]:
        """The credit of each cycle that begins before `end_hour` and ends after `first_hour`.

        Cycles in which the line was never in force give none. An upgrade adds what its plan's
        credit is above the largest that the cycle was given before.
        """
        return [
            granted
            for family in self._families
            for start in self._cycle_starts(family, first_hour, end_hour)
            for granted in self._credits_of(family, start)
        ]

    def _look_up(self, hour: int) -> tuple[Hours, PlanInForce | None]:
        """What the account has in a clock hour, and in which hours around it that is so."""
        begun = self._order.begun_by(hour)
        end = self.periods[begun].from_hour if begun < len(self.periods) else EVER_HOUR
        period = self.periods[begun - 1] if begun else None
        if period is not None and hour < period.end_hour:
            found: PlanInForce | None = cycle_at(period, hour, self.plans)
            first = period.from_hour
        else:
            found = default_at(hour, self.plans)
            first = period.end_hour if period is not None else 0
        if found is None:
            return Hours(hour, hour + 1), None
        # A cycle counted from 1970 may have begun before there was a plan.
        first = max(first, found.cycle_start, found.version.from_hour)
        return Hours(first, min(end, found.cycle_end)), found

    def _cycle_starts(self, family: _Family, first_hour: int, end_hour: int) -> Iterator[int]:
        """The cycles of a family, in force in some hour, that lie in some hours at least partly."""
        terms, cycle_hours = family.root.terms, family.root.version.cycle_hours
        for span in family.spans:
            first = terms.from_hour + _whole(span.first - terms.from_hour, cycle_hours)
            asked = terms.from_hour + _whole(first_hour - terms.from_hour, cycle_hours)
            for start in range(max(first, asked), min(span.end, end_hour), cycle_hours):
                if self._cycle_end(family, start) > first_hour:
                    yield start

    def _cycle_end(self, family: _Family, start: int) -> int:
        return min(start + family.root.version.cycle_hours, family.root.end_hour)

    def _credits_of(self, family: _Family, start: int) -> Iterator[Granted]:
        """What a line and its upgrades give in the cycle that begins in a clock hour."""
        end = self._cycle_end(family, start)
        root = family.root
        version = self.plans.version_in_cycle(root.terms.plan, start) or root.version
        most_nano = 0
        own = (each for each in family.upgrades if start <= each.from_hour < end)
        upgraded = ((each.version, each.from_hour) for each in own)
        for given, from_hour in chain([(version, start)], upgraded):
            added_nano = given.credit_nano - most_nano
            if added_nano > 0:
                most_nano = given.credit_nano
                yield _granted(given, added_nano, Hours(from_hour, end), family.spans)


def first_difference(before: PlanTimeline, after: PlanTimeline) -> int | None:
    """A clock hour before which two timelines agree in plan, cycle, meters and credit.

    None where they agree for ever. Hours from it on may agree too. What lines cost, and which of
    several that agree is the one that counts, makes no difference.
    """
    differing = [*_differing_lines(before, after), *_differing_versions(before, after)]
    return min(differing, default=None)


def _differing_lines(before: PlanTimeline, after: PlanTimeline) -> Iterator[int]:
    """Where the lines are no longer the same: each line changes only hours from its own on."""
    one, other = map(_meanings, (before, after))
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    yield from (each.from_hour for each in (*before.periods[same:], *after.periods[same:]))


def _meanings(timeline: PlanTimeline) -> list[tuple[object, ...]]:
    """What each line means for hours, and nothing else."""
    return [
        (each.from_hour, each.end_hour, each.terms.plan, each.root.plan, each.root.from_hour)
        for each in timeline.periods
    ]


def _differing_versions(before: PlanTimeline, after: PlanTimeline) -> Iterator[int]:
    """Where the plans are no longer the same, of those that the account has or may come to have."""
    if before.plans == after.plans:
        return
    names = {before.plans.default, after.plans.default} - {None}
    names |= {period.terms.plan for each in (before, after) for period in each.periods}
    for name in names:
        one, other = (each.plans.versions_of(name or "") for each in (before, after))
        yield from (version.from_hour for version in {*one} ^ {*other})


def _families(periods: Sequence[PlanPeriod]) -> list[_Family]:
    """The lines of plans with a fee, each with its upgrades and the hours of all of them."""
    found: dict[tuple[object, ...], tuple[list[PlanPeriod], list[Hours]]] = {}
    ends = [*(period.from_hour for period in periods[1:]), EVER_HOUR]
    for period, next_from in zip(periods, ends, strict=False):
        if period.version.fee_nano is not None:
            members, spans = found.setdefault(period.root, ([], []))
            members.append(period)
            _append(spans, Hours(period.from_hour, min(period.end_hour, next_from)))
    return [
        _Family(members[0], tuple(members[1:]), tuple(spans)) for members, spans in found.values()
    ]


def _append(spans: list[Hours], span: Hours) -> None:
    """Add hours that do not begin before the last, joining those that touch."""
    if span.first >= span.end:
        return
    if spans and spans[-1].end == span.first:
        span = Hours(spans.pop().first, span.end)
    spans.append(span)


def _granted(
    version: PlanVersion, amount_nano: int, terms: Hours, in_force: Iterable[Hours]
) -> Granted:
    """The credit of a cycle, or of an upgrade: it pays while one of its family is in force."""
    spans = (Hours(max(terms.first, s.first), min(terms.end, s.end)) for s in in_force)
    return Granted(
        provider=PLAN_PROVIDER,
        reference=cycle_name(version.name, terms.first),
        amount_nano=amount_nano,
        category="promotional",
        priority=version.credit_priority,
        from_hour=terms.first,
        until_hour=terms.end,
        scope=None,
        spans=tuple(span for span in spans if span.first < span.end),
    )


def _whole(hours: int, cycle_hours: int) -> int:
    """The hours of the whole cycles within some hours; below zero before the first."""
    return hours - hours % cycle_hours
