"""Whatever comes back is an answer or a typed error: with a hint, and without a key."""

import logging
import traceback

import pytest

from gitmeter.support.errors import with_hint
from providers.interface import (
    ProviderError,
    RefusedByProviderError,
    UnreachableProviderError,
)
from providers.stripe.account import StripeAccount
from tests.providers.orders import ordered
from tests.support.local_http import free_port
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.faults import Fault


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (400, RefusedByProviderError),
        (401, RefusedByProviderError),
        (402, RefusedByProviderError),
        (403, RefusedByProviderError),
        (409, UnreachableProviderError),
        (429, UnreachableProviderError),
        (500, UnreachableProviderError),
        (503, UnreachableProviderError),
        ("garbage", UnreachableProviderError),
        ("no utf-8", UnreachableProviderError),
        ("another form", UnreachableProviderError),
        ("huge", UnreachableProviderError),
    ],
)
def test_a_wrong_answer_is_a_typed_error(
    stripe: FakeStripe, account: StripeAccount, fault: Fault, kind: type[ProviderError]
) -> None:
    payment = stripe.elsewhere()
    for ask in (
        lambda: account.truth(payment),
        lambda: list(account.since(stripe.clock())),
        lambda: account.checkout(ordered(stripe.clock)),
        lambda: account.refund(payment, None, "USD", "r1", "no"),
        account.whose,
    ):
        stripe.faults.add(fault, times=2)  # what may work is tried once more
        with pytest.raises(kind) as raised:
            ask()
        assert raised.value.retry is (kind is UnreachableProviderError)
        assert "Stripe" in str(raised.value)
        stripe.faults = type(stripe.faults)()


def test_what_works_the_second_time_is_no_error(stripe: FakeStripe, account: StripeAccount) -> None:
    payment = stripe.elsewhere()
    stripe.faults.add(503)
    assert account.truth(payment) is not None


def test_nobody_there_is_worth_another_try(stripe: FakeStripe) -> None:
    with (
        StripeAccount("stripe", "live", stripe.key, f"http://127.0.0.1:{free_port()}") as account,
        pytest.raises(UnreachableProviderError, match="refused") as raised,
    ):
        account.truth("pi_1")
    assert "later" in raised.value.hint


def test_no_key_is_in_an_error_or_a_log(
    stripe: FakeStripe, caplog: pytest.LogCaptureFixture
) -> None:
    """This Stripe says the whole key where the real one says a part of it."""
    caplog.set_level(logging.DEBUG)
    wrong = "sk_live_51NotThisOne"
    with StripeAccount("stripe", "live", wrong, stripe.url) as account:
        with pytest.raises(RefusedByProviderError, match="Invalid API Key") as raised:
            account.truth("pi_1")
        stripe.faults.add("garbage", times=2)
        with pytest.raises(UnreachableProviderError) as garbage:
            account.truth("pi_1")
    for found in (raised, garbage):
        told = with_hint(found.value) + "".join(traceback.format_exception(found.value))
        assert wrong not in told
        assert "NotThisOne" not in told
    assert "NotThisOne" not in caplog.text
