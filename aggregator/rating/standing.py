"""What a grant is at an instant: still to come, in force, ended or void. Pure.

An instant belongs to the hour that it ends: what was used before it is counted, and a grant that
begins with it is not yet there. So the closing balance of a month is the opening one of the next.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from aggregator.rating.drawing import pays_for, pays_in
from gitmeter.money.granted import Granted
from gitmeter.money.plans.timeline import PLAN_PROVIDER
from wire_format.instants import HOUR_US


class GrantState(StrEnum):
    """What a grant is at an instant."""

    FUTURE = "future"
    IN_FORCE = "in force"
    ENDED = "ended"
    VOID = "void"


class GrantLeft(NamedTuple):
    """A grant at an instant.

    Attributes:
        grant: the grant.
        left_nano: what is left of it by hours that began before the instant, in nano-dollars.
        state: what it is then.
    """

    grant: Granted
    left_nano: int
    state: GrantState

    @property
    def is_shown(self) -> bool:
        """Whether it is worth a line: of cycles only those in force or drawn from."""
        is_drawn = self.left_nano < self.grant.amount_nano
        is_of_plan = self.grant.provider == PLAN_PROVIDER
        return not is_of_plan or self.state is GrantState.IN_FORCE or is_drawn


class Breakage(NamedTuple):
    """What ended and void grants have left, in nano-dollars."""

    promotional: int
    paid: int
    voided: int


def state_at(grant: Granted, at_us: int) -> GrantState:
    """What a grant is at an instant, microseconds since 1970."""
    hour = last_hour_before(at_us)
    if grant.provider == PLAN_PROVIDER:
        return GrantState.IN_FORCE if pays_in(grant, hour) else GrantState.ENDED
    if grant.void_hour is not None and grant.void_hour <= hour:
        return GrantState.VOID
    if hour < grant.from_hour:
        return GrantState.FUTURE
    if grant.until_hour is not None and grant.until_hour <= hour:
        return GrantState.ENDED
    return GrantState.IN_FORCE


def last_hour_before(at_us: int) -> int:
    """The last clock hour that began before an instant, microseconds since 1970."""
    return (at_us - 1) // HOUR_US


def in_balance_nano(grants: Iterable[GrantLeft], resource: str | None = None) -> int:
    """What is left of grants in force, in nano-dollars; for a resource of those that pay for it."""
    return sum(
        each.left_nano
        for each in grants
        if each.state is GrantState.IN_FORCE
        and (resource is None or pays_for(each.grant, resource))
    )


def breakage_of(grants: Iterable[GrantLeft]) -> Breakage:
    """What ended and void grants have left; of a plan's credit only where something was drawn."""
    sums = {"promotional": 0, "paid": 0, "voided": 0}
    for each in grants:
        if each.state is GrantState.VOID:
            sums["voided"] += each.left_nano
        elif each.state is GrantState.ENDED and each.is_shown:
            sums[each.grant.category] += each.left_nano
    return Breakage(**sums)
