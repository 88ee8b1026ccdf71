"""Credits of cycles, what grants pay of each charge, and balances at an instant (section 6)."""

from collections.abc import Callable

from tests.support.naive.basics import (
    HOUR,
    last_hour_before,
    nano,
    rounded,
    written,
)
from tests.support.naive.grants import NaiveGrant
from tests.support.naive.plans import NaivePeriod, NaivePlans
from tests.support.naive.rating import NaiveRating, NaiveUnits


class NaiveDrawing:
    """Grants of all accounts, and who paid what.

    Attributes:
        grants: Grants of lines and of cycles.
        drawn: Nano-dollars by (units, grant), all above 0.
    """

    def __init__(self, rating: NaiveRating, plans: NaivePlans, lines: list[NaiveGrant]) -> None:
        self.rating = rating
        self.plans = plans
        self.grants = lines + cycle_credits(plans)
        self.drawn: list[tuple[NaiveUnits, NaiveGrant, int]] = []
        self.uncovered_of: dict[int, int] = {}
        left = {id(grant): grant.amount_nano for grant in self.grants}
        for units in rating.units:
            rest = units.billed_nano or 0
            mine = [grant for grant in self.grants if grant.user == units.user]
            for grant in sorted(mine, key=lambda grant: grant.order):
                if grant.in_force(units.hour) and grant.pays_for(units.resource):
                    paid = min(left[id(grant)], rest)
                    left[id(grant)] -= paid
                    rest -= paid
                    if paid > 0:
                        self.drawn.append((units, grant, paid))
            self.uncovered_of[id(units)] = rest

    def drawn_before(self, grant: NaiveGrant, asked: int) -> int:
        """Nano-dollars drawn of a grant by hours that began before an instant."""
        return sum(n for units, one, n in self.drawn if one is grant and units.hour < asked)

    def left(self, grant: NaiveGrant, asked: int) -> int:
        """What hours before an instant left of a grant."""
        return grant.amount_nano - self.drawn_before(grant, asked)

    def uncovered(self, user: str, asked: int) -> int:
        """What no grant paid of the charges of hours that began before an instant."""
        return sum(self.uncovered_of[id(u)] for u in self.rating.of(user) if u.hour < asked)

    def state(self, grant: NaiveGrant, asked: int) -> str:
        """`future`, `in force`, `ended` or `void` at an instant."""
        if grant.of_plan:
            return "in force" if grant.in_force(last_hour_before(asked)) else "ended"
        ended = grant.until is not None and grant.until < asked
        if grant.void_before(asked):
            return "void"
        if asked <= grant.start:
            return "future"
        return "ended" if ended else "in force"

    def shown(self, user: str, asked: int) -> list[NaiveGrant]:
        """The grants that an answer names: of lines all, of cycles those in force or drawn from."""
        mine = sorted((g for g in self.grants if g.user == user), key=lambda g: g.name)
        return [
            grant
            for grant in mine
            if not grant.of_plan
            or self.state(grant, asked) == "in force"
            or self.drawn_before(grant, asked) > 0
        ]

    def in_balance(self, user: str, asked: int) -> int:
        """What is left of the grants that are in the balance of an instant."""
        shown = self.shown(user, asked)
        return sum(self.left(g, asked) for g in shown if self.state(g, asked) == "in force")

    def breakage(self, user: str, asked: int) -> dict[str, int]:
        """What ended and void grants have left."""
        sums = {"promotional": 0, "paid": 0, "voided": 0}
        for grant in self.shown(user, asked):
            state = self.state(grant, asked)
            if state == "void":
                sums["voided"] += self.left(grant, asked)
            if state == "ended":
                sums[grant.category] += self.left(grant, asked)
        return sums


def cycle_credits(plans: NaivePlans) -> list[NaiveGrant]:
    """The credits of all cycles of all periods, those of cycles that never came among them."""
    found = []
    for period in plans.periods:
        if period.until is None:
            continue
        start = period.start
        while start < period.until:
            version = plans.version(period.plan, start)
            if version is None:
                break
            end = min(start + version["cycle_hours"] * HOUR, period.until)
            credit = _credit_nano(plans, period.plan, start)
            if period.upgrades is not None:
                credit -= _largest_given(plans, period)
            if credit > 0:
                found.append(_credit(plans, period, start, end, credit))
            start = end
    return found


def _largest_given(plans: NaivePlans, upgrade: NaivePeriod) -> int:
    """The largest credit of the plans that the cycle of an upgrade had before it began."""
    root = upgrade.root
    length = (plans.version(root.plan, root.start) or {})["cycle_hours"] * HOUR
    begun = upgrade.start - (upgrade.start - root.start) % length

    def order(period: NaivePeriod) -> tuple[int, int]:
        return period.start, plans.periods.index(period)

    earlier = [
        (period.plan, period.start)
        for period in plans.periods
        if period.root is root and period is not root
        if begun <= period.start and order(period) < order(upgrade)
    ]
    return max(_credit_nano(plans, plan, at) for plan, at in [(root.plan, begun), *earlier])


def _credit_nano(plans: NaivePlans, plan: str, at: int) -> int:
    return rounded(nano((plans.version(plan, at) or {}).get("credit_usd", "0")))


def _credit(
    plans: NaivePlans, period: NaivePeriod, start: int, end: int, amount_nano: int
) -> NaiveGrant:
    version = plans.version(period.plan, start) or {}
    return NaiveGrant(
        provider="plan",
        reference=f"{period.plan}@{written(start)}",
        user=period.user,
        amount_nano=amount_nano,
        category="promotional",
        priority=version.get("credit_priority", 50),
        start=start,
        until=end,
        scope=None,
        void_from=None,
        held_up=_while_in_force(plans, period),
    )


def _while_in_force(plans: NaivePlans, period: NaivePeriod) -> Callable[[int], bool]:
    def held_up(hour: int) -> bool:
        running = plans.in_force(period.user, hour)
        return running is not None and running.root is period.root

    return held_up
