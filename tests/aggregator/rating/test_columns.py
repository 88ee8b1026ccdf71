"""Charges rated in columns: each rating is the one that a charge gets alone, whatever its size."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rating.columns import NEVER_US, Charges, rate_all
from aggregator.rating.rating import STATES, Rater
from tests.support.priced import Form, book, forms, price
from tests.support.strategies import PAID_AT, RESOURCES, Rules, rules
from wire_format.fields import APPLIES_TO, AppliesTo
from wire_format.instants import hour_of
from wire_format.rule_book import parse_rule_book

Row = tuple[int, int, int, int | None]
"""Quantity, hour, kind, first payment."""

KINDS: list[tuple[str, AppliesTo]] = [
    (resource, applies_to) for resource in RESOURCES for applies_to in APPLIES_TO
]
FIRST_HOUR, HOURS_SPANNED = hour_of(PAID_AT) - 50, 1_000
US_PER_HOUR = 3600 * 1_000_000

quantities = st.one_of(
    st.integers(0, 10**6),
    st.integers(0, 2**62),
    st.builds(lambda power, more: max(0, 2**power + more), st.integers(0, 61), st.integers(-2, 2)),
)
hours = st.integers(FIRST_HOUR, FIRST_HOUR + HOURS_SPANNED)
rows = st.lists(
    st.tuples(
        quantities,
        hours,
        st.integers(0, len(KINDS) - 1),
        st.none() | hours.map(lambda hour: hour * US_PER_HOUR) | st.integers(0, 2**60),
    ),
    min_size=1,
    max_size=12,
)


def column(values: list[int]) -> Any:  # noqa: ANN401 - numpy's
    return np.array(values, dtype=np.int64)


@given(rows, rules(), st.sampled_from([1, 10**9, 10**15, 2**61]))
def test_columns_say_what_the_rater_says(drawn: list[Row], told: Rules, cost_max: int) -> None:
    """Prices, discounts, ties, limits and what does not fit into 64 bits alike."""
    check(Rater(parse_rule_book(told.prices_toml, told.discounts_toml), cost_max), drawn)


@given(rows, forms(), forms(), st.sampled_from([1, 10**9, 10**15]))
def test_columns_rate_tiers_and_packages_by_the_hour(
    drawn: list[Row], llm: Form, others: Form, cost_max: int
) -> None:
    """Beside resources whose units all have the same rate."""
    resource, plain, *_ = RESOURCES
    prices = [
        price(resource=resource, applies_to="llm", **llm),
        price(resource=resource, **others),
        price(resource=plain, usd="0.0000000015"),
    ]
    check(Rater(book(*prices, discounts=None), cost_max), drawn)


def check(rater: Rater, drawn: list[Row]) -> None:
    """Each rating of columns is the one that a charge gets alone."""
    found = rate_all(
        rater,
        Charges(
            column([quantity for quantity, *_ in drawn]),
            column([hour for _, hour, _, _ in drawn]),
            column([kind for *_, kind, _ in drawn]),
            column([NEVER_US if paid is None else paid for *_, paid in drawn]),
            KINDS,
        ),
    )
    alone = [
        rater.rate(quantity, *KINDS[kind], hour, paid_us) for quantity, hour, kind, paid_us in drawn
    ]
    assert [STATES[number] for number in found.state.tolist()] == [each.state for each in alone]
    assert found.list_cost_nano.tolist() == [each.list_cost_nano for each in alone]
    assert found.billed_cost_nano.tolist() == [each.billed_cost_nano for each in alone]
