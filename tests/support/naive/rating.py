"""Units, included units and charges of every account, hour by hour (sections 4 and 5)."""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from tests.support.naive.basics import DAY, day_of, hour_of, matches, month_of, nano, rounded
from tests.support.naive.facts import NaiveLine, Table
from tests.support.naive.plans import NaiveCycle, NaivePlans
from tests.support.naive.pool import NaivePool, dated_before
from tests.support.naive.prices import cost, price_of

LADDER = ((30, Fraction(1, 4)), (7, Fraction(1, 2)))
CATEGORIES_OF_THE_LADDER = ("hero_os_hourly", "llm")


@dataclass(eq=False)
class NaiveUnits:
    """The units of one series in one hour, and what they cost.

    Attributes:
        meter: The name of the plan's meter that they fall under, None where none matches.
        included: The first units of the meter's cycle, which cost nothing.
        before: Units of the price's window before this hour that were not included.
        billed_nano: None where there is no price.
    """

    user: str
    hour: int
    resource: str
    category: str
    quantity: int
    cycle: NaiveCycle | None
    meter: str | None
    included: int = 0
    before: int = 0
    list_nano: int | None = None
    billed_nano: int | None = None

    @property
    def order(self) -> tuple[str, int, str, str]:
        """Account, hour, resource, category."""
        return self.user, self.hour, self.resource, self.category

    @property
    def beyond(self) -> int:
        """Units that were not included."""
        return self.quantity - self.included


class NaiveRating:
    """All units, in the order (account, hour, resource, category), rated."""

    def __init__(self, pool: NaivePool, plans: NaivePlans) -> None:
        self.pool = pool
        self.plans = plans
        self.facts = pool.standing.facts
        self.units = self._units()
        self._include()
        for units in self.units:
            self.rate(units)

    def of(self, user: str) -> list[NaiveUnits]:
        """The units of an account, in the order in which they draw."""
        return [units for units in self.units if units.user == user]

    def _units(self) -> list[NaiveUnits]:
        quantities: dict[tuple[str, int, str, str], int] = defaultdict(int)
        usage = [line for line in self.pool.standing.lines if line.type == "usage"]
        for line in usage:
            told = _corrected(line, usage)
            if told is not None:
                series = told.fields["user"], hour_of(told.ts), told.fields["resource"]
                quantities[*series, told.fields["applies_to"]] += line.fields["quantity"]
        found = []
        for user, hour, resource, category in sorted(quantities):
            quantity = quantities[user, hour, resource, category]
            cycle = self.plans.cycle(user, hour)
            meter = None if cycle is None else meter_of(cycle.version, resource)
            name = None if meter is None else meter["name"]
            found.append(NaiveUnits(user, hour, resource, category, quantity, cycle, name))
        return found

    def _include(self) -> None:
        given: dict[tuple[object, ...], int] = defaultdict(int)
        for units in self.units:
            if units.cycle is None or units.meter is None:
                continue
            most = included_of(units.cycle.version, units.meter)
            counter = units.user, units.cycle.key, units.meter
            units.included = units.quantity
            if most is not None:
                units.included = max(0, min(units.quantity, most - given[counter]))
            given[counter] += units.included

    def rate(self, units: NaiveUnits) -> None:
        """Reckon what units cost, where they have a price."""
        price = price_of(
            self.facts.rules["prices"], units.user, units.resource, units.category, units.hour
        )
        if price is None:
            return
        window = [
            other
            for other in self.of(units.user)
            if (other.resource, other.category) == (units.resource, units.category)
            and _window(price, other) == _window(price, units)
        ]
        units.before = sum(other.beyond for other in window if other.hour < units.hour)
        after = units.before + units.beyond
        total = sum(other.beyond for other in window)
        low, high = cost(price, units.before, total), cost(price, after, total)
        share = self.multiplier(units)
        units.list_nano = rounded(high) - rounded(low)
        units.billed_nano = rounded(share * high) - rounded(share * low)

    def multiplier(self, units: NaiveUnits) -> Fraction:
        """The share of the list cost that is billed."""
        if units.category not in CATEGORIES_OF_THE_LADDER:
            return Fraction(1)
        least = nano(self.facts.rules.get("tenure_min_usd", "0"))
        known = dated_before(units.hour)
        for payment in self.pool.payments.of(units.user):
            left = payment.left(known)
            if left > 0 and left >= least:
                tenure = units.hour - payment.line.ts
                return next((m for days, m in LADDER if tenure >= days * DAY), Fraction(1))
        return Fraction(1)


def meter_of(version: Table, resource: str) -> Table | None:
    """The first meter of a plan's version that matches a resource."""
    meters: list[Table] = version.get("meters", [])
    for meter in meters:
        if any(matches(glob, resource) for glob in meter["match"]):
            return meter
    return None


def included_of(version: Table, meter: str) -> int | None:
    """The included units of a version's meter by name, None where they have no limit."""
    found = next(one for one in version["meters"] if one["name"] == meter)
    return None if found["included"] == "unlimited" else int(found["included"])


def _corrected(line: NaiveLine, usage: list[NaiveLine]) -> NaiveLine | None:
    """The line whose series a usage line adds to: itself, or for a correction the one it names."""
    number = line.get("corrects")
    if number is None:
        return line
    return next((x for x in usage if (x.node, x.seq) == (line.node, number)), None)


def _window(price: Table, units: NaiveUnits) -> object:
    """What the hours of one window of a price have in common."""
    kind = price.get("window", "hour")
    if kind == "day":
        return day_of(units.hour)
    if kind == "month":
        return month_of(units.hour)
    if kind == "cycle" and units.cycle is not None:
        return units.cycle.key
    return units.hour
