"""Stripe's own table of units, which is not that of ISO 4217."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.interface import RefusedByProviderError
from providers.stripe.units import from_minor, to_minor

TABLE = [
    ("20.00", "USD", 2000, "20.00"),
    ("20", "USD", 2000, "20.00"),
    ("0.05", "EUR", 5, "0.05"),
    ("20.100000000", "USD", 2010, "20.10"),
    ("500", "JPY", 500, "500"),
    ("500.00", "JPY", 500, "500"),
    ("7", "MGA", 7, "7"),
    ("1", "ISK", 100, "1"),
    ("1.230", "KWD", 1230, "1.230"),
    ("1.23", "BHD", 1230, "1.230"),
    ("25000", "TZS", 2500000, "25000.00"),
    ("25000.50", "TZS", 2500050, "25000.50"),
    ("999999999.99", "USD", 99999999999, "999999999.99"),
]


@pytest.mark.parametrize(("amount", "currency", "minor", "again"), TABLE)
def test_an_amount_goes_there_and_back(amount: str, currency: str, minor: int, again: str) -> None:
    assert to_minor(amount, currency) == minor
    assert from_minor(minor, currency) == again


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0", "USD"),
        ("0.00", "USD"),
        ("0.001", "USD"),
        ("-1", "USD"),
        ("1e3", "USD"),
        ("1,000", "USD"),
        ("", "USD"),
        (".5", "USD"),
        ("1.", "USD"),
        ("1000000000", "USD"),
        ("\uff11", "USD"),
        ("0.5", "JPY"),
        ("1.231", "KWD"),
        ("1.50", "ISK"),
        ("1", "usd"),
        ("1", "US"),
        ("100", "UGX"),
    ],
)
def test_what_stripe_cannot_take_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(RefusedByProviderError) as refused:
        to_minor(amount, currency)
    assert refused.value.hint


@given(st.integers(1, 10**11 - 1), st.sampled_from(["USD", "JPY", "EUR", "XOF"]))
def test_every_number_of_stripes_comes_back_as_it_was(minor: int, currency: str) -> None:
    if currency in {"JPY", "XOF"}:
        minor %= 10**9 - 1
        minor += 1
    assert to_minor(from_minor(minor, currency), currency) == minor
