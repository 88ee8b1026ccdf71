"""A provider of our own, and an account at it."""

from collections.abc import Iterator

import pytest

from providers.stripe.account import StripeAccount
from tests.support.providers.fake_stripe import FakeStripe


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def account(stripe: FakeStripe) -> Iterator[StripeAccount]:
    with StripeAccount("stripe", "live", stripe.key, stripe.url) as opened:
        yield opened
