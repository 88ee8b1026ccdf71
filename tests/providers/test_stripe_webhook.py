"""A webhook of Stripe: whose it is, and the one word that is taken from it."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.interface import SignatureError
from providers.stripe.account import StripeAccount
from providers.stripe.webhook import object_in
from tests.support.providers.clock import STARTS_AT
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.hooks import Hook

SECRET, OLD = "whsec_new", "whsec_old"
NOW = int(STARTS_AT.timestamp())
BODY = json.dumps(
    {"id": "evt_1", "livemode": True, "data": {"object": {"id": "pi_1"}}}, indent=2
).encode()


def mac(secret: str, unix: int = NOW, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), b"%d." % unix + body, hashlib.sha256).hexdigest()


def about(body: bytes, header: str, name: str = "Stripe-Signature") -> str | None:
    return object_in(body, {"Other": "x", name: header}, [SECRET, OLD], STARTS_AT, "live")


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1={mac(SECRET)}",
        f"t={NOW},v1={mac(OLD)}",
        f"t={NOW},v1={mac('whsec_other')},v1={mac(SECRET)}",
        f"t={NOW}, v1={mac(SECRET)} ,v0=abc",
        f"v1={mac(SECRET)},t={NOW}",
        f"t={NOW - 300},v1={mac(SECRET, NOW - 300)}",
        f"t={NOW + 300},v1={mac(SECRET, NOW + 300)}",
    ],
)
def test_a_signature_of_one_of_our_secrets_is_right(header: str) -> None:
    assert about(BODY, header) == "pi_1"
    assert about(BODY, header, "stripe-signature") == "pi_1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"t={NOW}",
        f"v1={mac(SECRET)}",
        f"t={NOW},v1=",
        f"t={NOW},v1={mac('whsec_other')}",
        f"t={NOW},v0={mac(SECRET)}",
        f"t={NOW},v1={mac(SECRET).upper()}",
        f"t={NOW},v1={mac(SECRET)[:-1]}",
        f"t={NOW},v1=\u00e9",
        f"t={NOW + 1},v1={mac(SECRET)}",
        f"t={NOW},t={NOW},v1={mac(SECRET)}",
        f"t={NOW - 301},v1={mac(SECRET, NOW - 301)}",
        f"t={NOW + 301},v1={mac(SECRET, NOW + 301)}",
        f"t=-{NOW},v1={mac(SECRET)}",
        f"t={'9' * 5000},v1={mac(SECRET)}",
    ],
)
def test_any_other_header_is_refused(header: str) -> None:
    with pytest.raises(SignatureError):
        about(BODY, header)


def test_the_signature_is_of_the_bytes_as_they_came() -> None:
    again = json.dumps(json.loads(BODY)).encode()
    with pytest.raises(SignatureError):
        about(again, f"t={NOW},v1={mac(SECRET)}")


@pytest.mark.parametrize("body", [b"\xff", b'{"livemode": "\xff"}', b"", b"[]", b"{}", b"{"])
def test_a_signed_body_that_is_no_event_is_refused_and_not_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(SignatureError):
        about(body, f"t={NOW},v1={mac(SECRET, body=body)}")


@given(st.text(), st.binary())
def test_no_header_and_no_body_raises_anything_else(header: str, body: bytes) -> None:
    with pytest.raises(SignatureError):
        about(body, header)


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"data": {"object": {"id": "re_1"}}}, "re_1"),
        ({"data": {"object": {"id": "pyr_1"}}}, "pyr_1"),
        ({"data": {"object": {"id": "dp_1"}}}, "dp_1"),
        ({"data": {"object": {"id": "du_1"}}}, "du_1"),
        ({"data": {"object": {"id": "ch_1"}}}, "ch_1"),
        ({"data": {"object": {"id": "cs_live_a1_B"}}}, "cs_live_a1_B"),
        ({"related_object": {"id": "pi_2", "type": "payment_intent"}}, "pi_2"),
        ({"data": {"object": {"id": "pm_1"}}}, None),
        ({"data": {"object": {"id": "txn_1"}}}, None),
        ({"data": {"object": {"id": "pi_../refunds"}}}, None),
        ({"data": {"object": {"id": "pi_1?x=1"}}}, None),
        ({"data": {"object": {"id": "pi_1\n"}}}, None),
        ({"data": {"object": {"object": "balance"}}}, None),
        ({}, None),
        ({"data": {"object": {"id": "pi_1"}}, "livemode": False}, None),
        ({"data": {"object": {"id": "pi_1"}}, "account": "acct_of_another"}, None),
    ],
)
def test_only_the_id_of_an_object_of_a_payment_of_this_mode_is_taken(
    event: dict[str, object], found: str | None
) -> None:
    body = json.dumps({"livemode": True, **event}).encode()
    assert about(body, f"t={NOW},v1={mac(SECRET, body=body)}") == found


def test_what_the_server_sends_is_read(stripe: FakeStripe, account: StripeAccount) -> None:
    payment = stripe.elsewhere()
    for thin in (False, True):
        body = stripe.event_body("payment_intent.succeeded", payment, thin=thin)
        headers = stripe.signed(body, secrets=["whsec_other", stripe.secret])
        now = stripe.clock()
        assert account.object_in(body, headers, [stripe.secret], now) == payment
        with pytest.raises(SignatureError, match="from now"):
            account.object_in(body, headers, [stripe.secret], now + timedelta(minutes=6))


def test_every_event_of_a_payment_leads_to_it(stripe: FakeStripe, account: StripeAccount) -> None:
    payment = stripe.elsewhere()
    stripe.change_refund(stripe.refund(payment, 100), "failed")
    stripe.close_dispute(stripe.dispute(payment), "won")
    kinds = {hook.kind for hook in stripe.hooks.waiting}
    assert {"refund.created", "refund.failed", "charge.dispute.funds_reinstated"} <= kinds
    for hook in stripe.hooks.waiting:
        found = account.object_in(
            hook.body, stripe.signed(hook.body), [stripe.secret], stripe.clock()
        )
        assert found is not None
        truth = account.truth(found)
        assert truth is not None
        assert truth.object_id == payment


def test_events_of_test_mode_are_dropped(stripe: FakeStripe, account: StripeAccount) -> None:
    stripe.elsewhere(is_live=False)
    hooks: list[Hook] = stripe.hooks.waiting
    assert hooks
    for hook in hooks:
        headers = stripe.signed(hook.body)
        assert account.object_in(hook.body, headers, [stripe.secret], stripe.clock()) is None
