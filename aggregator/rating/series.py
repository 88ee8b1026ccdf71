"""What the charges of one series cost: of one account, resource and category. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aggregator.rating.rating import HAS_PRICE, Rater, Rating
from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import (
    NOTHING_BEFORE,
    CountedBefore,
    Use,
    WindowHours,
    in_windows,
    window_at,
)
from gitmeter.money.granted import Hours
from gitmeter.money.plans.timeline import PlanTimeline
from gitmeter.money.tenure import Tenure, first_paid_at
from gitmeter.pricing.price_book import NoPrice
from wire_format.fields import AppliesTo


class RatedUse(NamedTuple):
    """What one charge of a series costs.

    Attributes:
        use: its units.
        before: units that the window of its price counted before it; 0 without a price.
        rating: its cost.
    """

    use: Use
    before: int
    rating: Rating


class Payer(NamedTuple):
    """What the cost of a charge depends on of its account.

    Attributes:
        user: its name.
        tenure: from which payment tenure counts, by hour.
        plans: what it has in each hour.
    """

    user: str
    tenure: Tenure
    plans: PlanTimeline


class SeriesRater:
    """Rates the charges of one series.

    Args:
        rater: rates under one rule book.
        payer: the account.
        resource: what it used.
        applies_to: the discount category.
    """

    def __init__(self, rater: Rater, payer: Payer, resource: str, applies_to: AppliesTo) -> None:
        self._rater = rater
        self._payer = payer
        self._kind = resource, applies_to
        self._windows = rater.prices.windows_of(resource)
        self.is_by_total = resource in rater.prices.by_total
        self._last: tuple[Tariff | None, WindowHours] = None, WindowHours(Hours(0, 0))

    def window_at(self, hour: int) -> WindowHours:
        """The window of the price in force in a clock hour; without a price the hour alone."""
        price = self._rater.price_at(*self._kind, hour, self._payer.user)
        if isinstance(price, NoPrice):
            return WindowHours(Hours(hour, hour + 1))
        last_price, last = self._last
        if price is last_price and last.hours.first <= hour < last.hours.end:
            return last
        window = price.rule.window
        found = window_at(window, hour, self._cycle_at(hour) if window == "cycle" else None)
        if window != "cycle":  # hours of another plan lie within the hours of a cycle
            self._last = price, found
        return found

    def reach(self, hour: int) -> Hours:
        """The hours of the widest windows that an hour can lie in."""
        cycle = self._cycle_at(hour)
        found = [window_at(window, hour, cycle).hours for window in self._windows]
        first = min((hours.first for hours in found), default=hour)
        return Hours(first, max((hours.end for hours in found), default=hour + 1))

    def rate(
        self, uses: Sequence[Use], before: CountedBefore = NOTHING_BEFORE
    ) -> Iterator[RatedUse]:
        """Rate charges.

        Args:
            uses: ascending by hour, as `in_windows` needs them.
            before: what the window of the first one counted before it.
        """
        cycle_of = self._payer.plans.cycle_of if "cycle" in self._windows else None
        places = in_windows(uses, self.window_at, cycle_of, before)
        (resource, applies_to), (user, tenure, _) = self._kind, self._payer
        rate = self._rater.rate
        for use, place in zip(uses, places, strict=True):
            first_paid_us = first_paid_at(tenure, use.hour)
            rating = rate(use.quantity, resource, applies_to, use.hour, first_paid_us, user, place)
            yield RatedUse(use, place.before if rating.state in HAS_PRICE else 0, rating)

    def _cycle_at(self, hour: int) -> tuple[Hours, str] | None:
        plan = self._payer.plans.at(hour)
        return None if plan is None else (Hours(plan.cycle_start, plan.cycle_end), plan.cycle_of)
