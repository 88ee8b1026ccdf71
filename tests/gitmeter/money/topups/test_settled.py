"""What was settled about automatic payments, and what a consent allows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.settled import SETTINGS_OF_TOPUPS, AutoTopup, consented, settled
from tests.gitmeter.money.topups.telling import TERMS, USD, consent
from wire_format.writers import ConsentLimits

NANO = st.integers(0, 10**18 - 1)
LIMITS = ConsentLimits(20 * USD, 100 * USD)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("20.00", "5.00", "100.00"), TERMS),
        (("20.00", "0", "100.00"), AutoTopup(20 * USD, 0, 100 * USD)),
        (("0.000000001", "5.00", "0.000000001"), AutoTopup(1, 5 * USD, 1)),
        ((None, "5.00", "100.00"), None),
        (("20.00", None, "100.00"), None),
        (("20.00", "5.00", None), None),
        (("0", "5.00", "100.00"), None),
        (("20.00", "5.00", "0.00"), None),
        ((None, None, None), None),
    ],
)
def test_automatic_payments_are_on_where_all_three_are_settled(
    texts: tuple[str | None, ...], found: AutoTopup | None
) -> None:
    """The amount and the month's limit above zero; other settings have no part in it."""
    stated = zip(SETTINGS_OF_TOPUPS, texts, strict=True)
    settings = {name: text for name, text in stated if text is not None}
    assert settled({"cap_usd": "1.00", **settings}) == found


@pytest.mark.parametrize(
    ("stated", "limits", "found"),
    [
        ({}, LIMITS, TERMS),
        ({}, None, None),
        ({"amount_usd": "20.000000001"}, LIMITS, None),
        ({"month_usd": "100.000000001"}, LIMITS, None),
        ({"below_usd": "99999.00"}, LIMITS, AutoTopup(20 * USD, 99999 * USD, 100 * USD)),
        ({"of_ref": None, "of_provider": None}, LIMITS, None),
        ({"below_usd": None}, LIMITS, None),
        ({"month_usd": None}, LIMITS, None),
        ({}, ConsentLimits(20 * USD - 1, 100 * USD), None),
        ({}, ConsentLimits(20 * USD, 100 * USD - 1), None),
    ],
)
def test_a_consent_allows_what_it_states_within_the_limits_of_its_till(
    stated: dict[str, Any], limits: ConsentLimits | None, found: AutoTopup | None
) -> None:
    """And only if it states all of it, with the payment whose card may be charged."""
    assert consented(consent(0, **stated), limits) == found


def test_without_a_consent_nothing_is_allowed() -> None:
    assert consented(None, LIMITS) is None


@given(own=st.tuples(NANO, NANO, NANO), other=st.tuples(NANO, NANO, NANO))
def test_a_consent_covers_what_is_not_beyond_it_in_any_of_the_three(
    own: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    """Each way of going beyond it alone is enough."""
    consented_to = AutoTopup(*own)
    lesser = AutoTopup(*map(min, own, other))
    assert consented_to.covers(lesser)
    assert consented_to.covers(consented_to)
    for name, nano in zip(AutoTopup._fields, own, strict=True):
        assert not consented_to.covers(lesser._replace(**{name: nano + 1}))


@given(st.tuples(NANO, NANO, NANO))
def test_amounts_as_text_are_the_same_amounts(amounts: tuple[int, int, int]) -> None:
    found = AutoTopup(*amounts)
    assert AutoTopup.of_texts(*found.texts) == found
