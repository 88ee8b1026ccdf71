"""What units cost by tiers, volumes and packages, against a sum unit by unit."""

from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rating.rating import ChargeState, Rater, Rating
from tests.support.priced import (
    RESOURCE,
    Form,
    book,
    forms,
    hour_at,
    naive_nano,
    price,
    rated,
    tariff,
    tiers,
)
from wire_format.money import NANO

HOUR: Final = hour_at("2026-11-01T00")
PAID: Final = ("2026-11-10", "2026-11-03", "2026-09-01")
"""Days of a first payment: on the day of the use, one week before it, and more than a month."""

quantities = st.integers(0, 30)


@given(forms(), quantities, quantities)
def test_the_cost_is_that_of_each_unit(form: Form, units: int, more: int) -> None:
    """Exact, in nano-dollars."""
    found = tariff(price(**form))
    total = units + more
    cost = Fraction(found.cost(units, total), found.denominator)
    assert cost == naive_nano(form, units, total)


@given(forms(), quantities, quantities, quantities)
def test_the_shares_of_the_tiers_are_the_units_and_what_they_cost(
    form: Form, before: int, units: int, more: int
) -> None:
    """Each unit lies in one tier, and a flat fee is due where the tier's first unit is."""
    found = tariff(price(**form))
    total = before + units + more
    shares = found.shares(before, before + units, total)
    assert sum(share.units for share in shares) == units
    if "tiers" not in form:
        return
    cost = Fraction(0)
    for share in shares:
        tier = form["tiers"][share.tier]
        cost += share.units * Fraction(tier["usd"]) / form["per"]
        cost += Fraction(tier.get("flat_usd", "0")) if share.is_begun else 0
    amounts = [found.cost(counted, total) for counted in (before + units, before)]
    assert cost * NANO == Fraction(amounts[0] - amounts[1], found.denominator)


@pytest.mark.parametrize(
    ("before", "units", "shares"),
    [
        (0, 5, [(0, 5, True)]),
        (0, 6, [(0, 5, True), (1, 1, True)]),
        (4, 1, [(0, 1, False)]),
        (5, 1, [(1, 1, True)]),
        (6, 4, [(1, 4, False)]),
        (4, 7, [(0, 1, False), (1, 5, True), (2, 1, True)]),
        (10, 1, [(2, 1, True)]),
        (11, 9, [(2, 9, False)]),
        (7, 0, []),
    ],
)
def test_a_tier_begins_with_the_unit_after_the_border_before_it(
    before: int, units: int, shares: list[tuple[int, int, bool]]
) -> None:
    """Tier, units in it, and whether its flat fee is due."""
    stated = tiers("graduated", (5, "3", "1"), (10, "2", "1"), (None, "1", "1"))
    assert tariff(price(**stated)).shares(before, before + units, before + units) == shares


@given(
    forms(),
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.sampled_from(PAID),
)
def test_list_costs_of_a_window_add_up_however_its_units_are_split(
    form: Form, parts: list[int], day: str
) -> None:
    """To the rounded cost of all of them; and no charge is negative, with a discount or without."""
    prices = book(price(**form, window="month"), discounts=None)
    hours = {f"2026-11-10T{hour:02}": units for hour, units in enumerate(parts)}
    total = sum(parts)
    for paid in (None, f"{day}T05"):
        found = rated(prices, hours, paid=paid)
        costs = [each.rating.list_cost_nano for each in found]
        assert sum(costs) == round(naive_nano(form, total, total))
        assert min(costs) >= 0
        for each in found:
            assert 0 <= each.rating.billed_cost_nano <= each.rating.list_cost_nano + 1


def test_a_charge_can_be_billed_one_nano_above_its_list_cost() -> None:
    """Each is the difference of two roundings: 0.9 to 1.1 nanos of list cost, half of it billed."""
    prices = book(price(usd="0.0000000001", window="month"), discounts=None)
    uses = {"2026-11-03T00": 9, "2026-11-03T01": 2}
    first, second = rated(prices, uses, paid="2026-10-25T00")
    assert first.rating == Rating(ChargeState.RATED, 1, 0)
    assert second.rating == Rating(ChargeState.RATED, 0, 1)


@given(forms(), quantities, quantities, quantities, st.integers(0, 40 * NANO) | st.integers(0, 9))
def test_units_that_are_within_a_limit_cost_at_most_it_after_any_others(
    form: Form, before: int, units: int, more: int, limit: int
) -> None:
    found = tariff(price(**form))
    within = found.units_within(limit)
    if within is not None and units > within:
        return
    total = before + units + more
    cost = found.cost(before + units, total) - found.cost(before, total)
    assert cost <= limit * found.denominator
    rater = Rater(book(price(**form)), limit)
    assert not rater.exceeds(units, RESOURCE, "llm", HOUR, "")


@pytest.mark.parametrize(
    ("form", "limit", "within"),
    [
        ({"usd": "0", "per": 1}, 0, None),
        ({"usd": "0.5", "per": 1}, NANO, 2),
        ({"usd": "0.5", "per": 3}, NANO, 6),
        ({"package": {"size": 10, "usd": "0.5"}}, NANO, 20),
        (tiers("graduated", (5, "0.5", "0"), (None, "0.1", "0")), NANO, 2),
        (tiers("volume", (5, "0.1", "0.5"), (None, "0.25", "0")), NANO, 2),
        (tiers("graduated", (5, "0", "2"), (None, "0", "0")), NANO, 0),
        (tiers("graduated", (5, "0", "2"), (None, "0", "0")), 2 * NANO, None),
    ],
)
def test_units_within_a_limit_are_those_of_the_dearest_tier_less_all_flat_fees(
    form: Form, limit: int, within: int | None
) -> None:
    """A guess that spares a look at each record: it may be low and never high."""
    assert tariff(price(**form)).units_within(limit) == within


def test_beyond_the_limit_a_charge_costs_the_limit_whatever_came_before_it() -> None:
    """And so much of it as the discount leaves."""
    prices = book(price(usd="30", per=1, window="month"), discounts=None)
    uses = {"2026-11-03T00": 3, "2026-11-03T01": 4, "2026-11-03T02": 3}
    found = rated(prices, uses, paid="2026-10-25T00", cost_max_nano=100 * NANO)
    assert [each.rating for each in found] == [
        Rating(ChargeState.RATED, 90 * NANO, 45 * NANO),
        Rating(ChargeState.OVERFLOW, 100 * NANO, 50 * NANO),
        Rating(ChargeState.RATED, 90 * NANO, 45 * NANO),
    ]
