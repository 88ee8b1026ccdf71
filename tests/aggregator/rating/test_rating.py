"""What a charge costs, against exact fractions; which price applies; what a new book changes."""

import itertools
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rating.discounts import NO_DISCOUNT, DiscountLadder
from aggregator.rating.rating import (
    COST_MAX_NANO_DEFAULT,
    ChargeState,
    Rater,
    Rating,
    scope_of_change,
)
from gitmeter.pricing.price_book import NoPrice, PriceBook
from tests.support.strategies import (
    CATEGORIES,
    DEFAULT_LADDER,
    HOURS,
    PAID_AT,
    RESOURCES,
    Rules,
    discounts_toml,
    prices_toml,
    rules,
)
from wire_format.fields import APPLIES_TO, AppliesTo
from wire_format.instants import hour_of, to_us
from wire_format.money import MULTIPLIER_SCALE, divide_half_even
from wire_format.rule_book import RuleBook, parse_rule_book

HOUR = hour_of(PAID_AT)
FROM = datetime(2025, 1, 1, tzinfo=UTC)
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)


def price(**values: object) -> dict[str, Any]:
    return {"resource": "r", "usd": "1", "per": 1, "from": FROM} | values


def book(*prices: dict[str, Any], ladders: list[dict[str, Any]] | None = None) -> RuleBook:
    discounts = None if ladders is None else discounts_toml(ladders)
    return parse_rule_book(prices_toml(prices), discounts)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    """As `round` does with an exact fraction."""
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_a_tie_goes_to_the_even_number(whole: int, half: int) -> None:
    rounded = divide_half_even((2 * whole + 1) * half, 2 * half)
    assert rounded % 2 == 0
    assert abs(2 * rounded - (2 * whole + 1)) == 1


@given(
    units=st.integers(0, 10**13),
    usd=st.builds("{}.{:015d}".format, st.integers(0, 9), st.integers(0, 10**15 - 1)),
    per=st.integers(1, 10**7),
    paid_days_before=st.one_of(st.none(), st.integers(-5, 60)),
    applies_to=st.sampled_from(APPLIES_TO),
)
def test_each_cost_is_the_exact_one_rounded_once(
    units: int, usd: str, per: int, paid_days_before: int | None, applies_to: AppliesTo
) -> None:
    """List cost and billed cost alike, and the billed cost is never above the list cost."""
    days = -1 if paid_days_before is None else paid_days_before
    paid_us = None if paid_days_before is None else to_us(PAID_AT - days * DAY)
    rating = Rater(book(price(usd=usd, per=per))).rate(units, "r", applies_to, HOUR, paid_us)
    exact = Fraction(usd) * units / per * 10**9
    share = Fraction(1)
    if applies_to != "vm" and days >= 7:
        share = Fraction(1, 4) if days >= 30 else Fraction(1, 2)
    limit = COST_MAX_NANO_DEFAULT
    if round(exact) > limit:
        assert rating == Rating(ChargeState.OVERFLOW, limit, round(limit * share))
    else:
        assert rating == Rating(ChargeState.RATED, round(exact), round(exact * share))
        assert 0 <= rating.billed_cost_nano <= rating.list_cost_nano


def test_beyond_the_limit_a_charge_costs_the_limit() -> None:
    """At the limit it is rated, one further it is an overflow, whatever the quantity."""
    dollars = Rater(book(price(usd="1")))
    limit = COST_MAX_NANO_DEFAULT
    for quantity, state in (
        (1_000_000, ChargeState.RATED),
        (1_000_001, ChargeState.OVERFLOW),
        (10**40, ChargeState.OVERFLOW),
    ):
        assert dollars.rate(quantity, "r", "llm", HOUR, None) == Rating(state, limit, limit)


def test_a_quantity_has_no_limit_of_its_own() -> None:
    """Beyond 64 bits it is rated like any other, and without a price it stays unpriced."""
    rater = Rater(book(price(usd="0.000000001", per=10**18)))
    assert rater.rate(10**30, "r", "llm", HOUR, None) == Rating(ChargeState.RATED, 10**12, 10**12)
    assert rater.rate(10**30, "unknown", "llm", HOUR, None) == Rating(ChargeState.UNPRICED, 0, 0)


def test_the_limit_is_that_of_the_list_cost() -> None:
    """A discount does not bring an overflow back; it is taken off the limit."""
    rating = Rater(book(price())).rate(1_000_001, "r", "llm", HOUR, to_us(PAID_AT - 60 * DAY))
    limit = COST_MAX_NANO_DEFAULT
    assert rating == Rating(ChargeState.OVERFLOW, limit, limit // 4)


@given(
    units=st.integers(0, 10**13),
    usd=st.sampled_from(["0", "0.000000001", "0.3", "1", "999999999"]),
    per=st.sampled_from([1, 3, 10**6]),
)
def test_units_that_are_within_the_limit_at_any_price_never_exceed_it(
    units: int, usd: str, per: int
) -> None:
    """The guess that spares a look at each price is never wrong on the dear side."""
    rater = Rater(book(price(usd=usd, per=per), price(usd="0.1", **{"from": FROM + 400 * DAY})))
    within = rater.units_within.get("r")
    exceeds = rater.exceeds(units, "r", "llm", HOUR, "")
    assert exceeds == (rater.rate(units, "r", "llm", HOUR, None).state is ChargeState.OVERFLOW)
    assert within is None or not (exceeds and units <= within)
    assert not rater.exceeds(10**40, "unknown", "llm", HOUR, "")


@pytest.mark.parametrize("days", [7, 30])
@pytest.mark.parametrize("applies_to", APPLIES_TO)
@pytest.mark.parametrize("off_h", [-1, 0, 1])
def test_the_ladder_at_its_borders(days: int, applies_to: AppliesTo, off_h: int) -> None:
    """The hour before, at and after 7 and 30 days; a VM never gets a discount."""
    ladder = DiscountLadder(book().ladders)
    found = ladder.discount_at(to_us(PAID_AT), HOUR + days * 24 + off_h, applies_to)
    tiers = {7: ("none", "week"), 30: ("week", "month")}
    share = {"none": 1, "week": Fraction(1, 2), "month": Fraction(1, 4)}
    tier = tiers[days][off_h >= 0]
    assert found.tier == tier
    expected = 1 if applies_to == "vm" else share[tier]
    assert Fraction(found.multiplier, MULTIPLIER_SCALE) == expected


def test_tenure_is_counted_to_the_microsecond_at_the_start_of_the_hour() -> None:
    ladder = DiscountLadder(book().ladders)
    hour = HOUR + 7 * 24
    assert ladder.tier_at(to_us(PAID_AT), hour) == "week"
    assert ladder.tier_at(to_us(PAID_AT + MICROSECOND), hour) == "none"
    assert ladder.tier_at(to_us(PAID_AT + MICROSECOND), hour + 1) == "week"


def test_without_a_payment_or_before_it_there_is_no_discount() -> None:
    """Usage before the first payment is charged at the list price."""
    ladder = DiscountLadder(book().ladders)
    assert ladder.discount_at(None, HOUR, "llm") == NO_DISCOUNT
    assert ladder.discount_at(to_us(PAID_AT), HOUR - 24 * 365, "llm") == NO_DISCOUNT


def test_the_ladder_in_force_is_that_of_the_hour() -> None:
    """A new version is in force from its hour on; tenure goes on from what was reached before."""
    newer = {"from": PAID_AT + 8 * DAY, "tiers": []}
    ladder = DiscountLadder(book(ladders=[newer, DEFAULT_LADDER]).ladders)
    change = HOUR + 8 * 24
    assert ladder.tier_at(to_us(PAID_AT), change - 1) == "week"
    assert ladder.tier_at(to_us(PAID_AT), change) == "none"
    assert DiscountLadder([]).discount_at(to_us(PAID_AT), change, "llm") == NO_DISCOUNT
    before = DiscountLadder(book(ladders=[newer]).ladders)
    assert before.tier_at(to_us(PAID_AT - 90 * DAY), change - 1) == "none"


def priced(found: object) -> str:
    return found if isinstance(found, NoPrice) else found.usd  # type: ignore[attr-defined]


def test_the_price_that_came_into_force_last_applies() -> None:
    """In whatever order the book states them."""
    stated = [price(usd=str(n), **{"from": PAID_AT + n * DAY}) for n in range(3)]
    for order in itertools.permutations(stated):
        prices = PriceBook(book(*order).prices)
        at = [priced(prices.price_at("r", "llm", HOUR + 24 * n)) for n in (-1, 0, 1, 2, 9)]
        assert at == ["unpriced", "0", "1", "2", "2"]
        assert priced(prices.price_at("r", "llm", HOUR + 23)) == "0"


def test_a_price_of_the_category_goes_before_one_for_all() -> None:
    """Even when the one for all came later; a category that no price covers is a mismatch."""
    prices = PriceBook(
        book(
            price(usd="1", applies_to="llm"),
            price(usd="2", **{"from": FROM + DAY}),
            price(resource="s", usd="3", applies_to="vm"),
        ).prices
    )
    assert priced(prices.price_at("r", "llm", HOUR)) == "1"
    assert priced(prices.price_at("r", "vm", HOUR)) == "2"
    assert priced(prices.price_at("r", "vm", hour_of(FROM))) == "category_mismatch"
    assert priced(prices.price_at("s", "llm", HOUR)) == "category_mismatch"
    assert priced(prices.price_at("s", "llm", hour_of(FROM) - 1)) == "unpriced"
    assert priced(prices.price_at("t", "llm", HOUR)) == "unpriced"


def test_an_imported_price_applies_where_none_of_the_operators_own_does() -> None:
    """Whatever category each states, and whichever came into force later."""
    own = book(price(usd="1", **{"from": FROM + DAY})).prices
    imported = book(
        price(usd="5"), price(usd="6", applies_to="llm"), price(resource="s", usd="7")
    ).prices
    prices = PriceBook(own, imported)
    earlier: dict[AppliesTo, str] = {"llm": "6", "vm": "5"}
    for category, before in earlier.items():
        at = [priced(prices.price_at("r", category, hour_of(FROM) + h)) for h in (0, 23, 24, 99)]
        assert at == [before, before, "1", "1"]
    assert priced(prices.price_at("s", "llm", HOUR)) == "7"
    bound = PriceBook(book(price(applies_to="vm")).prices, book(price(applies_to="llm")).prices)
    assert priced(bound.price_at("r", "hero_os_hourly", HOUR)) == "category_mismatch"


@given(rules(), rules(), rules(), rules())
def test_nothing_outside_the_scope_of_a_change_is_rated_differently(
    old: Rules, new: Rules, listed: Rules, later: Rules
) -> None:
    """Otherwise a charge would keep a cost that does not follow from the book in force."""
    before, after = (
        parse_rule_book(b.prices_toml, b.discounts_toml, imported.prices_toml)
        for b, imported in ((old, listed), (new, later))
    )
    scope = scope_of_change(before, after)
    raters = Rater(before), Rater(after)
    paid_us = to_us(PAID_AT)
    for at, resource, category in itertools.product(HOURS, RESOURCES, CATEGORIES):
        hour = hour_of(at)
        inside = (
            scope is not None
            and hour >= scope.from_hour
            and (scope.resources is None or resource in scope.resources)
        )
        if not inside:
            one, other = (r.rate(1000, resource, category, hour, paid_us) for r in raters)  # type: ignore[arg-type]
            assert one == other


def test_the_same_book_changes_nothing() -> None:
    """A comment, or the order of the tables, is no change of prices."""
    one, other = price(), price(resource="s")
    assert scope_of_change(book(one, other), book(other, one)) is None
