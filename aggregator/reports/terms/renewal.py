"""Which line renews a plan: the plan, its period and its fee. Pure.

A plan that is replaced (`plan_map`) is renewed as its successor, for a while at the old price.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gitmeter.money.plans.periods import PlanPeriod, cycle_at
from wire_format.plans import NO_NEXT_PLAN, PlanMapEntry, Plans


class Renewal(NamedTuple):
    """The line that follows on a period.

    Attributes:
        plan: its plan; None where no line is to follow.
        from_hour: its first clock hour, since 1970.
        until_hour: the hour after its last; None of a plan without a fee.
        fee_nano: what it costs, in nano-dollars.
        fault: why there is no such line; empty where it can be written.
    """

    plan: str | None
    from_hour: int
    until_hour: int | None = None
    fee_nano: int = 0
    fault: str = ""


def renewal_of(periods: Sequence[PlanPeriod], next_plan: str | None, plans: Plans) -> Renewal:
    """The line that follows on the last period of an account.

    Args:
        periods: its lines that count, in the order in which they begin; the last has an end.
        next_plan: what the account asks for; None for the same again.
        plans: the plans in force.
    """
    last = periods[-1]
    from_hour = last.end_hour
    wanted = last.terms.plan if next_plan is None else next_plan
    if wanted == NO_NEXT_PLAN:
        return Renewal(None, from_hour, fault="the account asks for no further period")
    entry = _entry_of(plans, wanted, from_hour)
    name = wanted if entry is None else entry.new
    version = plans.version_at(name, from_hour)
    if version is None:
        return Renewal(None, from_hour, fault=f"there is no plan {name!r} at that time")
    if version.is_default:
        return Renewal(None, from_hour, fault=f"the default plan {name!r} follows without a line")
    if version.fee_nano is None:
        return Renewal(name, from_hour)
    fee_nano = version.fee_nano
    kept_nano = _kept_fee_nano(periods, name, plans)
    if kept_nano is not None:
        fee_nano = kept_nano
    return Renewal(name, from_hour, from_hour + version.cycle_hours, fee_nano)


def may_ask_for(name: str, last: PlanPeriod, plans: Plans) -> bool:
    """Whether an account may ask at a desk for a plan to follow: none, the same, or one sold there.

    Args:
        name: the plan.
        last: the last period of the account.
        plans: the plans in force.
    """
    version = plans.version_at(name, last.end_hour)
    is_sold = version is not None and "desk" in version.sold_by
    return is_sold or name in {NO_NEXT_PLAN, last.terms.plan}


def _entry_of(plans: Plans, old: str, hour: int) -> PlanMapEntry | None:
    """Which plan replaces another at a renewal in an hour: what began to hold last."""
    begun = [entry for entry in plans.plan_map if entry.old == old and entry.from_hour <= hour]
    return max(begun, key=lambda entry: entry.from_hour, default=None)


def _kept_fee_nano(periods: Sequence[PlanPeriod], new: str, plans: Plans) -> int | None:
    """The fee that an account keeps for a while after its plan was replaced; None for none.

    It is that of the replaced plan, in the version that its last cycle had. It is kept as long as
    each period follows on the one before it.
    """
    from_hour = periods[-1].end_hour
    at = len(periods) - 1
    while at >= 0 and periods[at].terms.plan == new:
        if not at or periods[at].is_upgrade or periods[at].from_hour != periods[at - 1].end_hour:
            return None
        at -= 1
    old = periods[at]
    entry = _entry_of(plans, old.terms.plan, old.end_hour)
    if entry is None or entry.new != new or entry.prices_until_hour is None:
        return None
    if from_hour >= entry.prices_until_hour or old.version.fee_nano is None:
        return None
    return cycle_at(old, old.end_hour - 1, plans).version.fee_nano
