"""The price in force: a look-up by resource, account, category and clock hour. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wire_format.fields import AppliesTo

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_files.prices_file import Price, Window


class NoPrice(StrEnum):
    """Why a charge has no price."""

    UNPRICED = "unpriced"
    """The rule book has no price for the resource in force at that hour."""
    CATEGORY_MISMATCH = "category_mismatch"
    """It has prices for the resource, but only for other discount categories."""


class _Timeline:
    """The prices of one class in the order in which they come into force."""

    def __init__(self, prices: "list[Price]") -> None:
        self._prices = sorted(prices, key=lambda price: price.from_hour)
        self._from_hours = [price.from_hour for price in self._prices]
        self._until_hours = [price.until_hour for price in self._prices]

    def at(self, hour: int) -> "Price | None":
        """The one of those begun and not ended that began last."""
        index = bisect_right(self._from_hours, hour) - 1
        while index >= 0:
            until_hour = self._until_hours[index]
            if until_hour is None or hour < until_hour:
                return self._prices[index]
            index -= 1
        return None


_Class = tuple[str, AppliesTo | None]
"""Whom a price binds: the account, empty for all, and the category, None for all."""
_Timelines = dict[str, dict[_Class, _Timeline]]
_NO_TIMELINES: Final[dict[_Class, _Timeline]] = {}


class PriceBook:
    """All prices of a rule book, by resource, whom they bind, and the hours in which they hold.

    Args:
        prices: the operator's own.
        imported: imported ones, which apply where none of the operator's own does.

    Attributes:
        personal: the resources that have a price for a single account.
        windowed: the resources of which units are counted on beyond their hour.
        by_total: the resources that have a price by the total of a window.
    """

    def __init__(self, prices: "Iterable[Price]", imported: "Iterable[Price]" = ()) -> None:
        own, others = tuple(prices), tuple(imported)
        self._by_precedence = _timelines(own), _timelines(others)
        every = own + others
        windows: dict[str, set[Window]] = defaultdict(set)
        for price in every:
            windows[price.resource].add(price.window)
        self._windows = {resource: frozenset(found) for resource, found in windows.items()}
        self.windowed = frozenset(r for r, found in windows.items() if found != {"hour"})
        self.personal = frozenset(price.resource for price in every if price.user)
        self.by_total = frozenset(price.resource for price in every if price.mode == "volume")

    def windows_of(self, resource: str) -> "frozenset[Window]":
        """For how long units of a resource are counted on, by any of its prices."""
        return self._windows.get(resource, frozenset())

    def price_at(
        self, resource: str, applies_to: AppliesTo, hour: int, user: str = ""
    ) -> "Price | NoPrice":
        """The price in force at the start of `hour`.

        A price of the operator's own takes precedence over an imported one, then one of the account
        over one for all, then one that states the category over one that states none; among
        several, the one that came into force last applies.

        Args:
            resource: of the charge.
            applies_to: its category.
            hour: its clock hour, since 1970.
            user: whose charge it is; only a resource in `personal` looks at it.
        """
        users = (user, "") if user else ("",)
        found = [timelines.get(resource, _NO_TIMELINES) for timelines in self._by_precedence]
        for timelines in found:
            for bound in users:
                for category in (applies_to, None):
                    timeline = timelines.get((bound, category))
                    if timeline is not None and (price := timeline.at(hour)) is not None:
                        return price
        others = (
            timeline.at(hour)
            for timelines in found
            for (bound, _), timeline in timelines.items()
            if bound in users
        )
        if any(price is not None for price in others):
            return NoPrice.CATEGORY_MISMATCH
        return NoPrice.UNPRICED


def _timelines(prices: "Iterable[Price]") -> _Timelines:
    grouped: dict[str, dict[_Class, list[Price]]] = defaultdict(lambda: defaultdict(list))
    for price in prices:
        grouped[price.resource][price.user or "", price.applies_to].append(price)
    return {
        resource: {bound: _Timeline(rules) for bound, rules in by_class.items()}
        for resource, by_class in grouped.items()
    }
