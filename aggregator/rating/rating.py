"""What a charge costs: a pure function of its quantity, its price and its user's discount.

A charge is what one user owes for one resource in one category in one clock hour. Its cost is
computed from its whole quantity and rounded once, so the order in which records arrive cannot
change it. Money is whole nano-dollars.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.price_book import NoPrice, PriceBook, PriceInForce
from wire_format.fields import AppliesTo
from wire_format.money import MULTIPLIER_SCALE, NANO, PRICE_SCALE, divide_half_even

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_book import RuleBook

COST_MAX_NANO_DEFAULT: Final = 1_000_000 * NANO


class ChargeState(StrEnum):
    """Whether a charge was rated in full, and if not, why."""

    RATED = "rated"
    UNPRICED = "unpriced"
    """It has no price; the costs are 0."""
    CATEGORY_MISMATCH = "category_mismatch"
    """Its resource has prices, but only for other discount categories; the costs are 0."""
    OVERFLOW = "overflow"
    """Its list cost is beyond the limit and counts as the limit; the exact quantity is kept."""


STATES: Final = tuple(ChargeState)
"""The index of each state is its number, in columns and in the database."""


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


class Rater:
    """Rates charges under one rule book.

    Args:
        rule_book: prices and discount ladders.
        cost_max_nano: the highest list cost of one charge, and of one record with its corrections.

    Attributes:
        rule_book: the rule book that charges are rated under.
        cost_max_nano: the highest list cost of one charge or record.
        prices: the prices of the rule book, indexed.
        ladder: its discount ladders, indexed.
        price_at: `PriceBook.price_at`, cached.
    """

    def __init__(self, rule_book: "RuleBook", cost_max_nano: int = COST_MAX_NANO_DEFAULT) -> None:
        self.rule_book = rule_book
        self.cost_max_nano = cost_max_nano
        self.prices = PriceBook(rule_book.prices, rule_book.imported)
        self.ladder = DiscountLadder(rule_book.ladders)
        self.price_at = lru_cache(_PRICES_CACHED)(self.prices.price_at)

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
        price = self.price_at(resource, applies_to, hour)
        if not isinstance(price, PriceInForce):
            return _WITHOUT_PRICE[price]
        state, denominator = ChargeState.RATED, price.denominator
        amount = quantity * price.numerator
        list_cost_nano = divide_half_even(amount, denominator)
        if list_cost_nano > self.cost_max_nano:
            list_cost_nano = amount = self.cost_max_nano
            state, denominator = ChargeState.OVERFLOW, 1
        if first_paid_us is None:
            return Rating(state, list_cost_nano, list_cost_nano)
        discount = self.ladder.discount_at(first_paid_us, hour, applies_to)
        if discount.multiplier == MULTIPLIER_SCALE:
            return Rating(state, list_cost_nano, list_cost_nano)
        billed_cost_nano = divide_half_even(
            amount * discount.multiplier, denominator * MULTIPLIER_SCALE
        )
        return Rating(state, list_cost_nano, billed_cost_nano)

    def exceeds(self, units: int, resource: str, applies_to: AppliesTo, hour: int) -> bool:
        """Whether units of one record alone have a list cost beyond the limit.

        Without a price there is no cost, and nothing to exceed.
        """
        price = self.price_at(resource, applies_to, hour)
        return (
            isinstance(price, PriceInForce)
            and divide_half_even(units * price.numerator, price.denominator) > self.cost_max_nano
        )

    @cached_property
    def units_within(self) -> Mapping[str, int]:
        """For each resource that can exceed it, units that are within the limit at any price."""
        found: dict[str, int] = {}
        for price in self.rule_book.prices:
            if price.scaled:
                units = self.cost_max_nano * price.per * PRICE_SCALE // (price.scaled * NANO)
                found[price.resource] = min(units, found.get(price.resource, units))
        return found


class Scope(NamedTuple):
    """The charges whose cost a change of the rule book may change.

    Attributes:
        from_hour: the first clock hour.
        resources: the resources; None for all.
    """

    from_hour: int
    resources: frozenset[str] | None


def prices_changed(before: "RuleBook", after: "RuleBook") -> Scope | None:
    """The charges whose list cost may change when one rule book replaces another; None for none."""
    prices = (set(before.prices) ^ set(after.prices)) | (set(before.imported) ^ set(after.imported))
    if not prices:
        return None
    resources = frozenset(price.resource for price in prices)
    return Scope(min(price.from_hour for price in prices), resources)


def scope_of_change(before: "RuleBook", after: "RuleBook") -> Scope | None:
    """The charges to rate again when one rule book replaces another; None for none."""
    ladders = set(before.ladders) ^ set(after.ladders)
    prices = prices_changed(before, after)
    hours = [ladder.from_hour for ladder in ladders] + [s.from_hour for s in (prices,) if s]
    if not hours:
        return None
    return Scope(min(hours), None if ladders or prices is None else prices.resources)
