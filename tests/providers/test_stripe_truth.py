"""What Stripe says of a payment, through its own library, from a server of ours."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from providers.expected import Remark, expected
from providers.interface import Fact, Truth
from providers.stripe.account import StripeAccount
from providers.tag import read_tag
from tests.providers.orders import TAG_KEY, ordered
from tests.support.providers.fake_stripe import DELAYED, FakeStripe

AMOUNT = "18.50"


@pytest.fixture
def page(stripe: FakeStripe, account: StripeAccount) -> str:
    return account.checkout(ordered(stripe.clock)).object_id


def told(account: StripeAccount, object_id: str) -> Truth:
    found = account.truth(object_id)
    assert found is not None
    return found


def moves(found: Truth) -> list[tuple[str, str, str]]:
    return [(fact.kind, fact.external_ref, fact.amount) for fact in found.facts]


def lines(found: Truth) -> list[tuple[str, str]]:
    promise = read_tag(TAG_KEY, "stripe", found.tag or "")
    return [(line.kind, line.status) for line in expected(found, promise).lines]


def test_a_page_that_nobody_opened_is_open_and_names_its_attempt(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    found = told(account, page)
    assert found.facts == ()
    assert [each.object_id for each in found.open] == [page]
    assert found.attempt == "topup:alice:7"
    assert read_tag(TAG_KEY, "stripe", found.tag or "") is not None
    assert found.failed is None


def test_a_payment_is_one_fact_with_the_time_of_its_charge(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    paid_at = stripe.clock.advance(minutes=5)
    payment = stripe.pay(page)
    stripe.clock.advance(days=2)
    found = told(account, payment)
    assert found.facts == (
        Fact(
            kind="payment",
            external_ref=payment,
            of_ref=None,
            amount=AMOUNT,
            currency="EUR",
            at=paid_at,
            tag=found.tag,
            attempt="topup:alice:7",
            is_final=True,
        ),
    )
    assert (found.object_id, found.open, found.mode, found.failed) == (payment, (), "live", None)
    assert lines(found) == [("payment", "succeeded")]


def test_every_object_of_a_payment_leads_to_the_same_truth(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    refund, dispute = stripe.refund(payment, 500), stripe.dispute(payment)
    charge = stripe.objects.by_id[payment]["latest_charge"]
    said = {told(account, each) for each in (payment, page, refund, dispute, charge)}
    assert len(said) == 1


def test_completed_is_not_paid(stripe: FakeStripe, account: StripeAccount, page: str) -> None:
    """A bank debit is submitted; what counts comes days later, or never."""
    payment = stripe.pay(page, method=DELAYED)
    found = told(account, page)
    assert (found.facts, found.failed) == ((), None)
    assert [(each.object_id, each.what) for each in found.open] == [
        (payment, "payment_intent processing")
    ]
    stripe.clock.advance(days=6)
    stripe.settle(payment)
    assert lines(told(account, payment)) == [("payment", "succeeded")]


def test_a_debit_that_fails_ends_its_attempt(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page, method=DELAYED)
    stripe.settle(payment, succeeds=False)
    found = told(account, payment)
    assert (found.facts, found.open, found.failed) == ((), (), "debit_not_authorized")
    assert found.attempt == "topup:alice:7"


def test_a_declined_card_ends_nothing_while_the_page_is_open(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.decline(page)
    found = told(account, payment)
    assert found.failed is None
    assert [each.what for each in found.open] == ["payment_intent requires_payment_method"]
    stripe.pay(page)
    assert lines(told(account, payment)) == [("payment", "succeeded")]


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_page_that_expired_ends_its_attempt(
    stripe: FakeStripe, account: StripeAccount, page: str, *, has_begun: bool
) -> None:
    payment = stripe.begin(page) if has_begun else page
    stripe.expire(page)
    for object_id in (page, payment):
        found = told(account, object_id)
        assert (found.facts, found.open, found.failed) == ((), (), "expired")


@pytest.mark.parametrize(
    ("status", "is_final", "has_reversal"),
    [
        ("pending", False, False),
        ("requires_action", False, False),
        ("succeeded", True, False),
        ("a word of next year", True, False),
        ("failed", True, True),
        ("canceled", True, True),
    ],
)
def test_a_refund_counts_from_the_moment_it_exists_and_is_reversed_when_it_fell_through(
    stripe: FakeStripe,
    account: StripeAccount,
    page: str,
    status: str,
    *,
    is_final: bool,
    has_reversal: bool,
) -> None:
    payment = stripe.pay(page)
    refund = stripe.refund(payment, 500, status)
    found = told(account, payment)
    assert moves(found) == [
        ("payment", payment, AMOUNT),
        ("refund", refund, "5.00"),
        *([("refund_reversal", refund, "5.00")] if has_reversal else []),
    ]
    assert found.facts[1].is_final is is_final
    assert {fact.of_ref for fact in found.facts[1:]} == {payment}


def test_a_refund_that_succeeded_and_then_failed_is_money_back_at_that_time(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    given_at = stripe.clock.advance(hours=1)
    refund = stripe.refund(payment)
    failed_at = stripe.clock.advance(days=4)
    stripe.change_refund(refund, "failed")
    found = told(account, payment)
    assert [(fact.kind, fact.at) for fact in found.facts[1:]] == [
        ("refund", given_at),
        ("refund_reversal", failed_at),
    ]


def test_each_refund_is_a_movement_of_its_own_in_the_order_of_time(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    refunds = []
    for amount in (100, 250, 1):
        stripe.clock.advance(minutes=1)
        refunds.append(stripe.refund(payment, amount))
    assert moves(told(account, payment))[1:] == [
        ("refund", refunds[0], "1.00"),
        ("refund", refunds[1], "2.50"),
        ("refund", refunds[2], "0.01"),
    ]


def test_an_inquiry_moves_nothing_and_stays_open_until_it_is_closed(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    dispute = stripe.inquire(payment)
    found = told(account, dispute)
    assert moves(found) == [("payment", payment, AMOUNT)]
    assert [each.what for each in found.open] == ["dispute warning_needs_response"]
    stripe.close_dispute(dispute, "warning_closed")
    assert told(account, dispute).open == ()


def test_a_dispute_is_its_entries(stripe: FakeStripe, account: StripeAccount, page: str) -> None:
    payment = stripe.pay(page)
    dispute = stripe.dispute(payment, 1000)
    (gone,) = stripe.objects.by_id[dispute]["balance_transactions"]
    found = told(account, dispute)
    assert moves(found)[1:] == [("dispute", gone["id"], "10.00")]
    assert [fact.is_final for fact in found.facts] == [True, False]
    stripe.close_dispute(dispute, "won")
    (_, back) = stripe.objects.by_id[dispute]["balance_transactions"]
    found = told(account, dispute)
    assert moves(found)[1:] == [
        ("dispute", gone["id"], "10.00"),
        ("dispute_reversal", back["id"], "10.00"),
    ]
    assert all(fact.is_final for fact in found.facts)


@pytest.mark.parametrize(
    ("status", "is_final"), [("lost", True), ("under_review", False), ("appeal_opened", False)]
)
def test_a_dispute_is_final_only_in_words_that_say_so(
    stripe: FakeStripe, account: StripeAccount, page: str, status: str, *, is_final: bool
) -> None:
    dispute = stripe.dispute(stripe.pay(page))
    stripe.close_dispute(dispute, status)
    assert told(account, dispute).facts[1].is_final is is_final


def test_a_dispute_is_at_most_the_payment_and_in_its_currency(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    """Banks ask for more when rates move, and entries are in the currency of payouts."""
    stripe.objects.settles_in = ("chf", Fraction(93, 100))
    payment = stripe.pay(page)
    stripe.dispute(payment, 1900)
    (_, gone) = told(account, payment).facts
    assert (gone.amount, gone.currency) == (AMOUNT, "EUR")


def test_a_part_that_comes_back_is_left_to_a_person(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    dispute = stripe.dispute(payment)
    stripe.reinstate(dispute, 700)
    found = told(account, payment)
    assert [fact.kind for fact in found.facts] == ["payment", "dispute"]
    assert "a part came back" in found.open[0].what


def test_another_amount_or_currency_than_was_promised_is_undecided(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    paid = [
        stripe.pay(account.checkout(ordered(stripe.clock, attempt)).object_id, **changed)
        for attempt, changed in (("a1", {"amount": 1}), ("a2", {"currency": "usd"}))
    ]
    for payment in paid:
        found = told(account, payment)
        promise = read_tag(TAG_KEY, "stripe", found.tag or "")
        assert lines(found) == [("payment", "undecided")]
        assert expected(found, promise).remark is Remark.OTHER_AMOUNT


def test_a_payment_of_another_program_has_no_tag(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    payment = stripe.elsewhere(metadata={"user": "eve"})
    found = told(account, payment)
    assert found.tag is None
    assert expected(found, None).remark is Remark.NOT_OURS


def test_a_tag_that_was_taken_away_later_hides_no_refund(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    stripe.retag(payment, None)
    stripe.refund(payment)
    found = expected(told(account, payment), None, payer="alice")
    assert [(line.kind, line.user) for line in found.lines] == [("refund", "alice")]


def test_an_object_of_the_other_mode_is_not_there(stripe: FakeStripe) -> None:
    with (
        StripeAccount("stripe-test", "test", stripe.test_key, stripe.url) as test,
        StripeAccount("stripe", "live", stripe.key, stripe.url) as live,
    ):
        pages = [test.checkout(ordered(stripe.clock)), live.checkout(ordered(stripe.clock))]
        paid = [stripe.pay(page.object_id) for page in pages]
        assert [live.truth(each) is not None for each in paid] == [False, True]
        assert [test.truth(each) is not None for each in paid] == [True, False]
        assert [live.truth(page.object_id) is not None for page in pages] == [False, True]


def test_a_key_of_the_other_mode_than_the_account_sees_nothing(stripe: FakeStripe) -> None:
    payment = stripe.elsewhere(is_live=False)
    with StripeAccount("stripe", "live", stripe.test_key, stripe.url) as wrong:
        assert wrong.truth(payment) is None


@pytest.mark.parametrize(
    "object_id",
    ["", "pi_nobody", "pi_", "pi_../refunds", "pi_1?expand", "evt_1", "cus_1", "pi_1\n", "ﬁ_1"],
)
def test_no_text_asks_for_anything_but_a_payment(
    stripe: FakeStripe, account: StripeAccount, object_id: str
) -> None:
    assert account.truth(object_id) is None
    assert {asked.path for asked in stripe.api.asked} <= {"/v1/payment_intents/pi_nobody"}


def test_the_books_of_the_provider_and_the_lines_agree(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    payment = stripe.pay(page)
    stripe.change_refund(stripe.refund(payment, 300), "failed")
    stripe.refund(payment, 350)
    stripe.close_dispute(stripe.dispute(payment, 500), "won")
    stripe.dispute(payment, 400)
    worth = stripe.money()[payment]
    assert (worth.paid, worth.taken) == (Decimal("18.50"), Decimal("7.50"))
    signs = {"refund": 1, "dispute": 1, "refund_reversal": -1, "dispute_reversal": -1}
    facts = told(account, payment).facts[1:]
    assert sum(signs[fact.kind] * Decimal(fact.amount) for fact in facts) == worth.taken


def test_what_came_after_the_hour_is_undecided(
    stripe: FakeStripe, account: StripeAccount, page: str
) -> None:
    """A page is closed by then; whoever has the key can confirm its payment all the same."""
    payment = stripe.begin(page)
    stripe.clock.advance(minutes=66)
    with stripe.objects.lock:
        intent = stripe.objects.by_id[payment]
        stripe.objects.charge(intent, "card", "succeeded")
        stripe.objects.succeed(intent)
    assert lines(told(account, payment)) == [("payment", "undecided")]
    assert told(account, payment).in_time_s == timedelta(hours=1).total_seconds()
