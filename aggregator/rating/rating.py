"""What a charge costs: a pure function of its quantity, its price and its user's discount.

A charge is what one user owes for one resource in one category in one clock hour. Its cost is
computed from its whole quantity and rounded once, so the order in which records arrive cannot
change it. Money is whole nano-dollars.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import InWindow
from gitmeter.money.plans.timeline import PlanTimeline
from gitmeter.pricing.price_book import NoPrice, PriceBook
from wire_format.fields import AppliesTo
from wire_format.lines import Account
from wire_format.money import MULTIPLIER_SCALE, NANO, divide_half_even

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

HAS_PRICE: Final = frozenset({ChargeState.RATED, ChargeState.OVERFLOW})
"""The states of a charge that has a price."""


class Rating(NamedTuple):
    """The result of rating one charge; costs in nano-dollars."""

    state: ChargeState
    list_cost_nano: int
    billed_cost_nano: int


_PRICES_CACHED: Final = 8192
_RESOURCES_CACHED: Final = 8192

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
        no_plans: what an account without plan lines has in each hour.
    """

    def __init__(self, rule_book: "RuleBook", cost_max_nano: int = COST_MAX_NANO_DEFAULT) -> None:
        self.rule_book = rule_book
        self.cost_max_nano = cost_max_nano
        self.prices = PriceBook(rule_book.prices, rule_book.imported)
        self.ladder = DiscountLadder(rule_book.ladders)
        self.no_plans = PlanTimeline((), rule_book.plans)
        self._tariffs: dict[int, Tariff] = {}
        self._price_at = lru_cache(_PRICES_CACHED)(self._look_up)

    def price_at(
        self, resource: str, applies_to: AppliesTo, hour: int, user: str
    ) -> Tariff | NoPrice:
        """What units cost in a clock hour, under the price that `PriceBook.price_at` finds."""
        # most resources cost the same for everybody: one look-up serves all of them
        bound = user if resource in self.prices.personal else ""
        return self._price_at(resource, applies_to, hour, bound)

    def _look_up(
        self, resource: str, applies_to: AppliesTo, hour: int, user: str
    ) -> Tariff | NoPrice:
        price = self.prices.price_at(resource, applies_to, hour, user)
        if isinstance(price, NoPrice):
            return price
        # by its identity: to hash a price with many tiers costs more than to rate by it
        tariff = self._tariffs.get(id(price))
        if tariff is None:
            tariff = self._tariffs[id(price)] = Tariff(price)
        return tariff

    @cached_property
    def is_counted(self) -> Callable[[str], bool]:
        """Whether units of a resource are counted on beyond their hour, by a price or a plan."""
        plans, windowed = self.rule_book.plans, self.prices.windowed

        @lru_cache(_RESOURCES_CACHED)
        def found(resource: str) -> bool:
            return resource in windowed or any(
                plans.meter_of(version, resource) is not None for version in plans.versions
            )

        return found

    def is_following(self, resource: str, lines: Sequence[Account]) -> bool:
        """Whether what an account pays for a resource follows from what it used besides.

        Plans alone make it so only for accounts with plan lines, unless there is a default plan.

        Args:
            resource: what it uses.
            lines: its plan lines.
        """
        if lines or self.rule_book.plans.default is not None:
            return self.is_counted(resource)
        return resource in self.prices.windowed

    def is_apart(self, resource: str) -> bool:
        """Whether a charge cannot be rated by resource, category and hour alone."""
        return resource in self.prices.personal or self.is_counted(resource)

    def plans_of(self, lines: Sequence[Account]) -> PlanTimeline:
        """What an account with some plan lines has in each hour."""
        return PlanTimeline(lines, self.rule_book.plans) if lines else self.no_plans

    def rate(
        self,
        quantity: int,
        resource: str,
        applies_to: AppliesTo,
        hour: int,
        first_paid_us: int | None,
        user: str = "",
        in_window: InWindow | None = None,
    ) -> Rating:
        """Rate the whole quantity of one charge.

        The cost of the units that are counted is that of the window with them less that of the
        window without them, each rounded, so that the costs of a window add up to the rounded cost
        of all of it while one price and one discount hold.

        Args:
            quantity: the units of all records of the charge, added up.
            resource: the resource that was used.
            applies_to: the discount category of the charge.
            hour: the clock hour that is charged, since 1970.
            first_paid_us: the user's first succeeded payment, microseconds since 1970; None
                without one.
            user: whose charge it is.
            in_window: where in the window of its price it lies; None if it is alone there.
        """
        price = self.price_at(resource, applies_to, hour, user)
        if isinstance(price, NoPrice):
            return _WITHOUT_PRICE[price]
        state, denominator = ChargeState.RATED, price.denominator
        before, counted, total = 0, quantity, quantity
        if in_window is not None:
            before, total = in_window.before, in_window.total
            counted = before + quantity - in_window.included
        amount, amount_before = price.cost(counted, total), price.cost(before, total)
        list_cost_nano = _difference(amount, amount_before, denominator)
        if list_cost_nano > self.cost_max_nano:
            list_cost_nano = amount = self.cost_max_nano
            state, denominator, amount_before = ChargeState.OVERFLOW, 1, 0
        if first_paid_us is None:
            return Rating(state, list_cost_nano, list_cost_nano)
        multiplier = self.ladder.discount_at(first_paid_us, hour, applies_to).multiplier
        if multiplier == MULTIPLIER_SCALE:
            return Rating(state, list_cost_nano, list_cost_nano)
        billed_cost_nano = _difference(
            amount * multiplier, amount_before * multiplier, denominator * MULTIPLIER_SCALE
        )
        return Rating(state, list_cost_nano, billed_cost_nano)

    def exceeds(
        self, units: int, resource: str, applies_to: AppliesTo, hour: int, user: str
    ) -> bool:
        """Whether units of one record alone have a list cost beyond the limit.

        Without a price there is no cost, and nothing to exceed. What other records of its window
        there are is not looked at, so that this depends on the record and the rule book alone.
        """
        price = self.price_at(resource, applies_to, hour, user)
        if isinstance(price, NoPrice):
            return False
        return divide_half_even(price.cost(units, units), price.denominator) > self.cost_max_nano

    @cached_property
    def units_within(self) -> Mapping[str, int]:
        """For each resource that can exceed it, units that are within the limit at any price."""
        found: dict[str, int] = {}
        for price in (*self.rule_book.prices, *self.rule_book.imported):
            units = Tariff(price).units_within(self.cost_max_nano)
            if units is not None:
                found[price.resource] = min(units, found.get(price.resource, units))
        return found


def _difference(after: int, before: int, denominator: int) -> int:
    """A cost less an earlier one, each rounded to nano-dollars."""
    if not before:
        return divide_half_even(after, denominator)
    return divide_half_even(after, denominator) - divide_half_even(before, denominator)


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
    prices = prices_changed(before, after)
    hours = [ladder.from_hour for ladder in {*before.ladders} ^ {*after.ladders}]
    plans = {*before.plans.versions} ^ {*after.plans.versions}
    hours += [version.from_hour for version in plans]
    if not hours:
        return prices
    return Scope(min(hours + [s.from_hour for s in (prices,) if s]), None)
