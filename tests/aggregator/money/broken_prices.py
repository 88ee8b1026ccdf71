"""Rules about windows, tiers and prices of one account, broken on purpose: one in each function."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from aggregator.ledger.charges import following
from aggregator.ledger.charges import series as ledger_series
from aggregator.ledger.charges.series import ChangedCharge
from aggregator.rating import rating, series, windows
from aggregator.rating.rating import Rater, Rating
from aggregator.rating.series import Payer, SeriesRater
from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import NOTHING_BEFORE, CountedBefore, InWindow, WindowHours
from aggregator.store.charges.charge_rows import ChargeRow
from aggregator.store.charges.series_rows import CountedCharge, Series
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Hours
from gitmeter.pricing.price_book import NoPrice
from wire_format.money import divide_half_even
from wire_format.rule_files.prices_file import Price

Patch = pytest.MonkeyPatch

_EAST_OF_UTC_H: Final = 3
_BLOCK_HOURS: Final = 30 * 24


def tiers_by_batch(patch: Patch) -> None:
    """A batch does not look at what was counted before it."""

    def broken(
        store: LedgerStore, rates: SeriesRater, series: Series, hours: Hours
    ) -> tuple[Sequence[CountedCharge], CountedBefore]:
        return store.series.charges(series, hours), NOTHING_BEFORE

    patch.setattr(ledger_series, "_load", broken)


def a_price_begins_a_window(patch: Patch) -> None:
    """A change of price begins to count anew."""
    right = SeriesRater.window_at

    def broken(self: SeriesRater, hour: int) -> WindowHours:
        price = self._rater.price_at(*self._kind, hour, self._payer.user)
        hours = right(self, hour).hours
        if isinstance(price, NoPrice):
            return WindowHours(hours)
        return WindowHours(Hours(max(hours.first, price.rule.from_hour), hours.end))

    patch.setattr(SeriesRater, "window_at", broken)


def tiers_by_arrival(patch: Patch) -> None:
    """Before a charge is what was counted when its record came."""

    def broken(
        store: LedgerStore, rater: Rater, series: Series, payer: Payer, hours: Hours
    ) -> list[ChangedCharge]:
        changed: list[ChangedCharge] = []
        month = Hours(windows.window_at("month", hours.first).hours.first, hours.end + _BLOCK_HOURS)
        of_month = store.series.charges(series, month)
        for row in (each.row for each in of_month if hours.first <= each.row.hour < hours.end):
            others = sum(each.row.quantity for each in of_month if each.row.hour != row.hour)
            found = rater.rate(
                *(row.quantity, series.resource, series.applies_to, row.hour, None, payer.user),
                InWindow(0, others, others + row.quantity),
            )
            changed.append(ChangedCharge(row, ChargeRow(*row[:-3], *found)))
            store.series.save(series, [(row.hour, 0, others)])
        return changed

    patch.setattr(following, "rate_series", broken)


def later_hours_stay(patch: Patch) -> None:
    """A late record moves its own hour alone."""
    patch.setattr(SeriesRater, "reach", lambda _, hour: Hours(hour, hour + 1))


def volume_as_known_at_arrival(patch: Patch) -> None:
    """The rate of a unit is that of the total when it came."""
    right = SeriesRater.__init__

    def broken(self: SeriesRater, *arguments: Any) -> None:  # noqa: ANN401 - passed on
        right(self, *arguments)
        self.is_by_total = False

    patch.setattr(SeriesRater, "__init__", broken)


def each_record_is_rounded(patch: Patch) -> None:
    """The cost of every unit is rounded; in the case each unit is a record."""
    right = Rater.rate

    def broken(self: Rater, quantity: int, *rest: Any) -> Rating:  # noqa: ANN401 - passed on
        each = [right(self, 1, *rest[:-1]) for _ in range(quantity)]
        list_cost_nano = sum(one.list_cost_nano for one in each)
        return Rating(each[0].state, list_cost_nano, sum(one.billed_cost_nano for one in each))

    patch.setattr(Rater, "rate", broken)


def the_difference_is_rounded(patch: Patch) -> None:
    """Costs of a window no longer add up to the rounded cost of all of it."""

    def broken(after: int, before: int, denominator: int) -> int:
        return divide_half_even(after - before, denominator)

    patch.setattr(rating, "_difference", broken)


def months_of_thirty_days(patch: Patch) -> None:
    """All months have one length."""

    def broken(day: int) -> Hours:
        first = day * 24 - day * 24 % _BLOCK_HOURS
        return Hours(first, first + _BLOCK_HOURS)

    patch.setattr(windows, "month_of", broken)


def _local(patch: Patch, kind: str) -> None:
    right = windows.window_at

    def broken(window: Any, hour: int, cycle: Any = None) -> WindowHours:  # noqa: ANN401 - passed on
        if window != kind:
            return right(window, hour, cycle)
        there = right(window, hour + _EAST_OF_UTC_H).hours
        return WindowHours(Hours(there.first - _EAST_OF_UTC_H, there.end - _EAST_OF_UTC_H))

    patch.setattr(series, "window_at", broken)


def months_of_a_local_calendar(patch: Patch) -> None:
    """Months begin at midnight of a place, three hours before UTC's."""
    _local(patch, "month")


def days_of_a_local_calendar(patch: Patch) -> None:
    """So do days."""
    _local(patch, "day")


def own_prices_do_not_end(patch: Patch) -> None:
    """A price of one account outlives its `until`."""
    patch.setattr(Price, "until_hour", property(lambda _: None))


def own_prices_are_for_all(patch: Patch) -> None:
    """What one account pays is what the others pay."""
    patch.setattr(Rater, "price_at", lambda self, *asked: self._look_up(*asked[:3], "alice"))


def all_units_at_the_rate_of_the_last(patch: Patch) -> None:
    """Graduated tiers apply as those by volume do."""
    right = Tariff.__init__

    def broken(self: Tariff, price: Price) -> None:
        right(self, price)
        self.is_volume = price.tiers is not None

    patch.setattr(Tariff, "__init__", broken)
