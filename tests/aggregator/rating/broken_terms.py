"""Rules about plans, grants and desks, each broken on purpose."""

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import pytest

from aggregator.rating import account, drawing, standing
from aggregator.rating.drawing import Billed, Drawn
from gitmeter.money import places
from gitmeter.money.desks import desk
from gitmeter.money.granted import Granted
from gitmeter.money.plans import periods, plan_lines, timeline
from gitmeter.money.plans.money_before import MoneyKnown
from gitmeter.money.plans.periods import PlanInForce, PlanPeriod
from gitmeter.money.rivals import MoneyState
from gitmeter.money.writer import Stated
from wire_format.instants import HOUR_US, to_us
from wire_format.lines import Account
from wire_format.money import parse_nano
from wire_format.plans import Plans
from wire_format.writers import ConsentLimits

Patch = pytest.MonkeyPatch
_DAY_HOURS = 24


def draw_by_arrival(patch: Patch) -> None:
    """Charges draw in the order in which they came, here the last hour first."""
    draw = drawing.draw

    def broken(
        charges: Iterable[Billed], grants: Sequence[Granted], left: MutableMapping[str, int]
    ) -> Iterator[Drawn]:
        return draw(reversed(list(charges)), grants, left)

    patch.setattr(account, "draw", broken)


def expiry_by_wall_clock(patch: Patch) -> None:
    """A grant has ended once its end is past now, for every hour alike."""
    now_hour = to_us(datetime(2026, 11, 2, tzinfo=UTC)) // HOUR_US

    def broken(grant: Granted, _hour: int) -> bool:
        return any(span.first <= now_hour < span.end for span in grant.spans)

    patch.setattr(drawing, "pays_in", broken)


def an_instant_belongs_to_the_next_hour(patch: Patch) -> None:
    """A grant that begins with an instant is in its balance."""
    patch.setattr(standing, "last_hour_before", lambda at_us: at_us // HOUR_US)


def priority_by_end_alone(patch: Patch) -> None:
    """The grant that ends first pays first, whatever its priority."""
    terms = attrgetter("drawing_order")

    def broken(name: str) -> Callable[[Any], Any]:
        return attrgetter(name) if name != "drawing_order" else lambda grant: terms(grant)[1:]

    patch.setattr(drawing, "attrgetter", broken)


def cycle_by_calendar(patch: Patch) -> None:
    """Cycles begin at midnight."""
    cycle_at = periods.cycle_at

    def broken(period: PlanPeriod, hour: int, plans: Plans) -> PlanInForce:
        found = cycle_at(period, hour, plans)
        start = found.cycle_start - found.cycle_start % _DAY_HOURS
        return found._replace(cycle_start=start, cycle_of=periods.cycle_name("any", start))

    patch.setattr(timeline, "cycle_at", broken)


def a_new_line_gives_fresh_units(patch: Patch) -> None:
    """An upgrade has a cycle of its own."""
    cycle_at = periods.cycle_at

    def broken(period: PlanPeriod, hour: int, plans: Plans) -> PlanInForce:
        found = cycle_at(period, hour, plans)
        return found._replace(cycle_of=f"{found.cycle_of} {period.record.node} {period.record.seq}")

    patch.setattr(timeline, "cycle_at", broken)


def a_renewal_told_twice_costs_twice(patch: Patch) -> None:
    """Lines that agree are as many periods as they are lines."""
    judge = plan_lines.judge_plan_lines

    def broken(entries: Iterable[plan_lines.PlanEntry], *rest: Any) -> plan_lines.JudgedPlanLines:  # noqa: ANN401 - as `judge` has them
        found = judge(entries, *rest)
        stand = [line.record for line in found.judged if line.stands is not None]
        return found._replace(counted=tuple(stand))

    patch.setattr("tests.support.charged_case.judge_plan_lines", broken)


def a_fee_is_paid_from_promotional_credit(patch: Patch) -> None:
    """What a desk sells may be paid by grants with terms."""
    before = MoneyKnown.before

    def broken(self: MoneyKnown, committed_us: int) -> int:
        granted = sum(
            parse_nano(each.line.record.amount)
            for each in self._lines
            if each.line.record.kind == "grant"
            and each.line.record.v == 2
            and each.line.record.user == self._user
            and each.line.state is MoneyState.COUNTED
        )
        return before(self, committed_us) + granted

    patch.setattr(MoneyKnown, "before", broken)


def money_of_later_commits_pays(patch: Patch) -> None:
    """A desk may sell for money that is told later with an earlier `ts`."""
    before = MoneyKnown.before
    patch.setattr(MoneyKnown, "before", lambda self, us: before(self, us + 48 * HOUR_US))


def limits_by_ts(patch: Patch) -> None:
    """Sums of a desk are made in the order of `ts`, which a thief chooses."""
    within = desk._within_bounds

    def broken(summed: Sequence[Stated], *rest: Any) -> dict[bytes, Any]:  # noqa: ANN401 - as `within` has them
        ordered = sorted(summed, key=lambda stated: stated.record.ts, reverse=True)
        numbered = [
            stated._replace(record=_with_seq(stated, at)) for at, stated in enumerate(ordered)
        ]
        return within(numbered, *rest)

    patch.setattr(desk, "_within_bounds", broken)


def _with_seq(stated: Stated, seq: int) -> Any:  # noqa: ANN401 - either kind of line
    import msgspec

    return msgspec.structs.replace(stated.record, seq=seq + 1)


def anybody_attempts_to_charge_cards(patch: Patch) -> None:
    """A till that takes payments writes automatic attempts, and one that charges cards none."""
    patch.setattr(places, "is_automatic", lambda _: False)


def consents_have_no_limits(patch: Patch) -> None:
    """A till states whatever it likes."""
    patch.setattr(places, "_may_be_consented", lambda *_: True)


def a_consent_needs_no_month(patch: Patch) -> None:
    """One that states no limit of the month is within every limit."""
    may_be = places._may_be_consented

    def broken(record: Account, limits: ConsentLimits | None) -> bool:
        return record.month_usd is None or may_be(record, limits)

    patch.setattr(places, "_may_be_consented", broken)


VARIANTS = (
    *(draw_by_arrival, expiry_by_wall_clock, an_instant_belongs_to_the_next_hour),
    *(priority_by_end_alone, cycle_by_calendar, a_new_line_gives_fresh_units),
    *(a_renewal_told_twice_costs_twice, a_fee_is_paid_from_promotional_credit),
    *(money_of_later_commits_pays, limits_by_ts, anybody_attempts_to_charge_cards),
    *(consents_have_no_limits, a_consent_needs_no_month),
)
