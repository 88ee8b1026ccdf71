"""What is asked of Stripe: pages, refunds, what moved, whose key it is."""

from datetime import timedelta

import pytest

from providers.interface import RefusedByProviderError, UnreachableProviderError
from providers.stripe.account import StripeAccount
from tests.providers.orders import ordered
from tests.support.providers.fake_stripe import ACCOUNT, DELAYED, FakeStripe


def posts(stripe: FakeStripe) -> list[str]:
    return [asked.path for asked in stripe.api.asked if asked.method == "POST"]


def paid(stripe: FakeStripe, account: StripeAccount, attempt: str = "a1") -> str:
    return stripe.pay(account.checkout(ordered(stripe.clock, attempt)).object_id)


def test_a_page_asks_for_one_payment_with_our_tag_and_a_second_factor(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    order = ordered(stripe.clock)
    made = account.checkout(order)
    assert made.url is not None
    assert made.object_id in made.url
    assert made.expires_at == order.at + timedelta(hours=1)
    (asked,) = stripe.api.asked
    ours = {"gitmeter": order.tag, "gitmeter_attempt": "topup:alice:7"}
    assert asked.params == {
        "mode": "payment",
        "line_items": [
            {
                "quantity": "1",
                "price_data": {
                    "currency": "eur",
                    "unit_amount": "1850",
                    "product_data": {"name": "Credit of 20.00 USD"},
                },
            }
        ],
        "success_url": "https://portal.invalid/thanks",
        "cancel_url": "https://portal.invalid/topup",
        "expires_at": str(int(order.at.timestamp()) + 3600),
        "metadata": ours,
        "payment_intent_data": {"metadata": ours},
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        "adaptive_pricing": {"enabled": "False"},
    } | {"adaptive_pricing": asked.params["adaptive_pricing"]}
    assert asked.params["adaptive_pricing"]["enabled"].lower() == "false"


def test_no_page_is_open_for_longer_than_its_promise_holds(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    order = ordered(stripe.clock)._replace(expires_s=24 * 3600)
    assert account.checkout(order).expires_at == order.at + timedelta(hours=1)


def test_the_same_order_is_the_same_page_and_another_attempt_is_another(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    order = ordered(stripe.clock)
    assert account.checkout(order) == account.checkout(order)
    assert account.checkout(order) != account.checkout(order._replace(attempt="a2"))


def test_an_attempt_with_other_values_is_refused(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    order = ordered(stripe.clock)
    account.checkout(order)
    with pytest.raises(RefusedByProviderError, match="Keys for idempotent requests") as refused:
        account.checkout(order._replace(amount="19.00"))
    assert "another name" in refused.value.hint


def test_a_prompt_is_refused_without_asking(stripe: FakeStripe, account: StripeAccount) -> None:
    with pytest.raises(RefusedByProviderError, match="no prompt"):
        account.checkout(ordered(stripe.clock)._replace(method="prompt"))
    assert stripe.api.asked == []


def test_a_refund_is_made_once_for_a_request_however_much_later(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    """Stripe forgets a key of idempotency after a day; the refund itself says whose it is."""
    payment = paid(stripe, account)
    assert account.find_refund(payment, "r1") is None
    made = account.refund(payment, "5.00", "EUR", "r1", "as agreed")
    assert (made.kind, made.amount, made.of_ref) == ("refund", "5.00", payment)
    stripe.clock.advance(days=3)
    assert account.refund(payment, "5.00", "EUR", "r1", "as agreed") == made
    assert account.find_refund(payment, "r1") == made
    assert posts(stripe).count("/v1/refunds") == 1
    assert account.refund(payment, None, "EUR", "r2", "the rest").amount == "13.50"


def test_a_refund_whose_answer_was_lost_is_found(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    payment = paid(stripe, account)
    made = account.refund(payment, "5.00", "EUR", "r1", "as agreed")
    stripe.objects.by_id[made.external_ref]["metadata"].clear()  # as if the list lagged behind
    assert account.refund(payment, "5.00", "EUR", "r1", "as agreed") == made
    assert len(stripe.objects.of("refund")) == 1


def test_a_refund_that_waits_for_funds_is_told_as_one(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    stripe.objects.has_funds = False
    payment = paid(stripe, account)
    made = account.refund(payment, None, "EUR", "r1", "as agreed")
    assert (made.kind, made.is_final) == ("refund", False)


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [("18.51", "EUR", "greater than"), ("1.00", "USD", "is in EUR"), ("0.001", "EUR", "cannot")],
)
def test_a_refund_that_cannot_be_is_refused(
    stripe: FakeStripe, account: StripeAccount, amount: str, currency: str, words: str
) -> None:
    with pytest.raises(RefusedByProviderError, match=words):
        account.refund(paid(stripe, account), amount, currency, "r1", "no")
    assert stripe.objects.of("refund") == []


@pytest.mark.parametrize("payment", ["pi_nobody", "../refunds", "re_1"])
def test_a_refund_of_what_is_no_payment_is_refused(account: StripeAccount, payment: str) -> None:
    with pytest.raises(RefusedByProviderError, match="no payment"):
        account.refund(payment, None, "EUR", "r1", "no")


def test_what_moved_since_is_told_by_payment_each_once(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    old, refunded, disputed = (paid(stripe, account, f"a{n}") for n in range(3))
    at = stripe.clock.advance(days=10)
    new = paid(stripe, account, "a9")
    stripe.refund(refunded, 100)
    stripe.refund(refunded, 100)
    stripe.dispute(disputed)
    stripe.elsewhere(is_live=False)
    found = list(account.since(at))
    assert sorted(found) == sorted([new, refunded, disputed])
    assert old not in found


def test_what_waits_without_an_entry_is_told_too(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    refunded, asked = (paid(stripe, account, f"a{n}") for n in range(2))
    at = stripe.clock.advance(days=10)
    stripe.objects.has_funds = False
    stripe.refund(refunded)
    stripe.inquire(asked)
    assert set(account.since(at)) == {refunded, asked}


def test_a_debit_and_its_failure_are_told(stripe: FakeStripe, account: StripeAccount) -> None:
    payment = stripe.pay(account.checkout(ordered(stripe.clock)).object_id, method=DELAYED)
    at = stripe.clock.advance(days=10)
    stripe.settle(payment, succeeds=False)
    assert list(account.since(at)) == [payment]


def test_all_pages_of_a_list_are_read_and_told_oldest_first(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    at = stripe.clock()
    made = [stripe.elsewhere() for _ in range(205)]
    assert list(account.since(at)) == made
    listed = [asked for asked in stripe.api.asked if asked.path == "/v1/balance_transactions"]
    assert len(listed) == 3


def test_a_list_that_breaks_off_is_no_complete_one(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    for _ in range(101):
        stripe.elsewhere()
    found = account.since(stripe.clock())
    next(found)
    stripe.faults.add(500, "refunds", times=2)
    with pytest.raises(UnreachableProviderError):
        list(found)


def test_a_payment_with_more_refunds_than_can_be_read_is_refused(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    payment = paid(stripe, account)
    for _ in range(1001):
        stripe.refund(payment, 1)
    with pytest.raises(RefusedByProviderError, match="more than 1000"):
        account.truth(payment)


@pytest.mark.parametrize(
    "rights",
    [
        ("read",),
        ("checkout", "read"),
        ("cards", "checkout", "read"),
        ("charge", "read"),
        ("read", "refund"),
        (),
    ],
)
def test_a_key_is_known_by_what_it_may_do(stripe: FakeStripe, rights: tuple[str, ...]) -> None:
    key = stripe.restricted_key(*rights)
    with StripeAccount("stripe", "live", key, stripe.url) as account:
        who = account.whose()
    assert (who.account, who.mode, who.can) == (ACCOUNT, "live", rights)
    assert stripe.objects.by_id == {}


def test_a_right_that_a_key_has_not_is_named(stripe: FakeStripe) -> None:
    key = stripe.restricted_key("checkout")
    with (
        StripeAccount("stripe", "live", key, stripe.url) as account,
        pytest.raises(RefusedByProviderError, match="required permissions") as refused,
    ):
        account.truth("pi_1")
    assert "restricted" in refused.value.hint
    assert key not in str(refused.value)
