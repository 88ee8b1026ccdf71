"""One simulated provider for all histories of a module."""

from collections.abc import Iterator

import pytest

from providers.stripe.account import StripeAccount
from tests.money_in.site import provider
from tests.support.providers.fake_stripe import FakeStripe


@pytest.fixture(scope="module")
def stripe_site() -> Iterator[tuple[FakeStripe, StripeAccount]]:
    with provider() as opened:
        yield opened
