"""The price of a charge: a look-up by resource, category and clock hour."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from math import gcd
from typing import TYPE_CHECKING, Final, NamedTuple

from wire_format.fields import AppliesTo
from wire_format.money import NANO, PRICE_SCALE

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_book import Price


class NoPrice(StrEnum):
    """Why a charge has no price."""

    UNPRICED = "unpriced"
    """The rule book has no price for the resource in force at that hour."""
    CATEGORY_MISMATCH = "category_mismatch"
    """It has prices for the resource, but only for other discount categories."""


class PriceInForce(NamedTuple):
    """A price as a fraction, ready to be multiplied.

    Attributes:
        numerator, denominator: nano-dollars for one unit, in lowest terms.
        rule: the price in the rule book.
    """

    numerator: int
    denominator: int
    rule: "Price"


class _Timeline:
    """The prices of one resource and category in the order in which they come into force."""

    def __init__(self, prices: "list[Price]") -> None:
        ordered = sorted(prices, key=lambda price: price.from_hour)
        self._from_hours = [price.from_hour for price in ordered]
        self._prices = [_fraction(price) for price in ordered]

    def at(self, hour: int) -> PriceInForce | None:
        index = bisect_right(self._from_hours, hour)
        return self._prices[index - 1] if index else None


def _fraction(price: "Price") -> PriceInForce:
    numerator = price.scaled * NANO
    denominator = price.per * PRICE_SCALE
    divisor = gcd(numerator, denominator)
    return PriceInForce(numerator // divisor, denominator // divisor, price)


_Category = AppliesTo | None
_NO_TIMELINES: Final[dict[_Category, _Timeline]] = {}


_Timelines = dict[str, dict[_Category, _Timeline]]


class PriceBook:
    """All prices of a rule book, by resource, category and the hour from which each is in force.

    Args:
        prices: the operator's own.
        imported: imported ones, which apply where none of the operator's own does.
    """

    def __init__(self, prices: "Iterable[Price]", imported: "Iterable[Price]" = ()) -> None:
        self._by_precedence = (_timelines(prices), _timelines(imported))

    def price_at(self, resource: str, applies_to: AppliesTo, hour: int) -> PriceInForce | NoPrice:
        """The price in force at the start of `hour`.

        A price of the operator's own takes precedence over an imported one, then one that states
        the category over one that states none; among several, the one that came into force last
        applies.
        """
        found = [timelines.get(resource, _NO_TIMELINES) for timelines in self._by_precedence]
        for timelines in found:
            for category in (applies_to, None):
                timeline = timelines.get(category)
                if timeline is not None and (price := timeline.at(hour)) is not None:
                    return price
        others = (timeline.at(hour) for timelines in found for timeline in timelines.values())
        if any(price is not None for price in others):
            return NoPrice.CATEGORY_MISMATCH
        return NoPrice.UNPRICED


def _timelines(prices: "Iterable[Price]") -> _Timelines:
    grouped: dict[str, dict[_Category, list[Price]]] = defaultdict(lambda: defaultdict(list))
    for price in prices:
        grouped[price.resource][price.applies_to].append(price)
    return {
        resource: {category: _Timeline(rules) for category, rules in by_category.items()}
        for resource, by_category in grouped.items()
    }
