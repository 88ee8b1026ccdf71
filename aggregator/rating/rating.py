"""What a charge costs: a pure function of its quantity, its price and its user's discount.

A charge is what one user owes for one resource in one category in one clock hour. Its cost is
computed from its whole quantity and rounded once, so the order in which records arrive cannot
change it. Money is whole nano-dollars; nothing outside this module rounds.
"""

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.price_book import NoPrice, PriceBook, PriceInForce
from wire_format.fields import AppliesTo
from wire_format.money import MULTIPLIER_SCALE, NANO

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_book import RuleBook

QUANTITY_MAX: Final = 2**62
COST_MAX_NANO_DEFAULT: Final = 1_000_000 * NANO


class ChargeState(StrEnum):
    """Whether a charge was rated, and if not, why; the costs are then 0."""

    RATED = "rated"
    UNPRICED = "unpriced"
    CATEGORY_MISMATCH = "category_mismatch"
    OVERFLOW = "overflow"
    """The quantity or the list cost is out of range; the exact quantity is kept."""


class Rating(NamedTuple):
    """The result of rating one charge; costs in nano-dollars."""

    state: ChargeState
    list_cost_nano: int
    billed_cost_nano: int


_PRICES_CACHED: Final = 8192

_WITHOUT_PRICE: Final = {
    NoPrice.UNPRICED: Rating(ChargeState.UNPRICED, 0, 0),
    NoPrice.CATEGORY_MISMATCH: Rating(ChargeState.CATEGORY_MISMATCH, 0, 0),
}
_OVERFLOW: Final = Rating(ChargeState.OVERFLOW, 0, 0)


def divide_half_even(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction, ties to the even one; `denominator` is above zero."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


class Rater:
    """Rates charges under one rule book.

    Args:
        rule_book: prices and discount ladders.
        cost_max_nano: the highest list cost of one charge; a higher one is an overflow.

    Attributes:
        rule_book: the rule book that charges are rated under.
        cost_max_nano: the highest list cost of one charge.
        prices: the prices of the rule book, indexed.
        ladder: its discount ladders, indexed.
    """

    def __init__(self, rule_book: "RuleBook", cost_max_nano: int = COST_MAX_NANO_DEFAULT) -> None:
        self.rule_book = rule_book
        self.cost_max_nano = cost_max_nano
        self.prices = PriceBook(rule_book.prices, rule_book.imported)
        self.ladder = DiscountLadder(rule_book.ladders)
        self._price_at = lru_cache(_PRICES_CACHED)(self.prices.price_at)

    def rate(
        self,
        quantity: int,
        resource: str,
        applies_to: AppliesTo,
        hour: int,
        first_paid_us: int | None,
    ) -> Rating:
        """Rate the whole quantity of one charge.

        Args:
            quantity: the units of all records of the charge, added up.
            resource: the resource that was used.
            applies_to: the discount category of the charge.
            hour: the clock hour that is charged, since 1970.
            first_paid_us: the user's first succeeded payment, microseconds since 1970; None
                without one.
        """
        price = self._price_at(resource, applies_to, hour)
        if not -QUANTITY_MAX <= quantity <= QUANTITY_MAX:
            return _OVERFLOW
        if not isinstance(price, PriceInForce):
            return _WITHOUT_PRICE[price]
        amount = quantity * price.numerator
        list_cost_nano = divide_half_even(amount, price.denominator)
        if abs(list_cost_nano) > self.cost_max_nano:
            return _OVERFLOW
        if first_paid_us is None:
            return Rating(ChargeState.RATED, list_cost_nano, list_cost_nano)
        discount = self.ladder.discount_at(first_paid_us, hour, applies_to)
        if discount.multiplier == MULTIPLIER_SCALE:
            return Rating(ChargeState.RATED, list_cost_nano, list_cost_nano)
        billed_cost_nano = divide_half_even(
            amount * discount.multiplier, price.denominator * MULTIPLIER_SCALE
        )
        return Rating(ChargeState.RATED, list_cost_nano, billed_cost_nano)


class Scope(NamedTuple):
    """The charges whose cost a change of the rule book may change.

    Attributes:
        from_hour: the first clock hour.
        resources: the resources; None for all.
    """

    from_hour: int
    resources: frozenset[str] | None


def scope_of_change(before: "RuleBook", after: "RuleBook") -> Scope | None:
    """The charges to rate again when one rule book replaces another; None for none."""
    prices = (set(before.prices) ^ set(after.prices)) | (set(before.imported) ^ set(after.imported))
    ladders = set(before.ladders) ^ set(after.ladders)
    hours = [price.from_hour for price in prices] + [ladder.from_hour for ladder in ladders]
    if not hours:
        return None
    return Scope(min(hours), None if ladders else frozenset(price.resource for price in prices))
