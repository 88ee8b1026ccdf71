"""Charging a saved card at Stripe: created, confirmed once, answered by the bank, let go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from providers.cards import CardCharge, ChargeOrder, ChargeStatus
from providers.consents import CardOwner, ConsentTerms
from providers.expected import expected
from providers.interface import ProviderError, RefusedByProviderError, UnreachableProviderError
from providers.stripe.account import StripeAccount
from providers.tag import make_customer_tag, make_tag, read_tag
from tests.providers.orders import TAG_KEY, ordered, promised
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.stripe_cards import NEEDS_OWNER, PROCESSING

OWNER_FAILED: Final = "payment_intent_authentication_failure"
BACK: Final = "https://portal.example/payments"
ATTEMPT: Final = "auto:alice:0123456789abcdef"


@pytest.fixture
def card(stripe: FakeStripe, account: StripeAccount) -> CardOwner:
    customer = account.new_customer("alice", make_customer_tag(TAG_KEY, "stripe", "alice"))
    return CardOwner(customer, stripe.cards.save(customer))


@pytest.fixture
def order(stripe: FakeStripe, card: CardOwner) -> ChargeOrder:
    tag = make_tag(TAG_KEY, "stripe", promised(stripe.clock))
    return ChargeOrder(card, ATTEMPT, "20.00", "18.50", "EUR", tag)


@pytest.fixture
def charge(account: StripeAccount, order: ChargeOrder) -> str:
    return account.create_charge(order).object_id


def told(account: StripeAccount, payment: str) -> CardCharge:
    found = account.charge(payment)
    assert found is not None
    return found


def paid(stripe: FakeStripe) -> list[str]:
    return sorted(stripe.money())


def test_a_charge_is_created_with_everything_and_moves_nothing(
    stripe: FakeStripe, account: StripeAccount, order: ChargeOrder
) -> None:
    made = account.create_charge(order)
    assert made == CardCharge(
        object_id=made.object_id,
        attempt=ATTEMPT,
        status=ChargeStatus.NEW,
        reason="",
        url=None,
        is_tagged=True,
        created_at=stripe.clock(),
    )
    assert told(account, made.object_id) == made
    asked = stripe.api.asked[-2]
    assert asked.params == {
        "amount": "1850",
        "currency": "eur",
        "customer": order.card.customer,
        "payment_method": order.card.method,
        "allowed_payment_method_types": ["card"],
        "description": "Credit of 20.00 USD",
        "metadata": {"gitmeter": order.tag, "gitmeter_attempt": ATTEMPT},
    }
    assert paid(stripe) == []


def test_the_same_attempt_is_the_same_charge_for_a_day_and_then_a_second_one(
    stripe: FakeStripe, account: StripeAccount, order: ChargeOrder, charge: str
) -> None:
    """So whoever has lost its name lists the customer's payments first."""
    stripe.clock.advance(hours=23, minutes=59)
    assert account.create_charge(order).object_id == charge
    stripe.clock.advance(minutes=1)
    second = account.create_charge(order).object_id
    assert second != charge
    listed = account.charges(order.card.customer, stripe.clock() - timedelta(days=2))
    assert [each.object_id for each in listed if each.attempt == ATTEMPT] == [second, charge]


def test_the_same_attempt_with_other_values_is_refused(
    account: StripeAccount, order: ChargeOrder, charge: str
) -> None:
    with pytest.raises(RefusedByProviderError, match="same parameters"):
        account.create_charge(order._replace(amount="99.00"))


def test_a_confirmed_charge_is_paid_and_confirming_it_again_pays_nothing_more(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    assert account.confirm(charge).status is ChargeStatus.PAID
    for _ in range(2):
        assert account.confirm(charge).status is ChargeStatus.PAID
        stripe.clock.advance(days=2)
    assert paid(stripe) == [charge]
    assert len(stripe.objects.of("charge")) == 1


def test_stripe_itself_refuses_to_confirm_twice(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    """Two that confirm at once have both seen a new charge: one pays, the other is told so."""
    seen = account._charged(charge)
    assert account.confirm(charge).status is ChargeStatus.PAID
    late = account._confirmed(seen, seen.payment_method, {"return_url": BACK}, None)
    assert late.status is ChargeStatus.PAID
    assert len(stripe.objects.of("charge")) == 1


@pytest.mark.parametrize("code", ["insufficient_funds", "expired_card", "generic_decline"])
def test_a_decline_is_an_answer_with_its_reason_and_nobody_tries_again(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, charge: str, code: str
) -> None:
    stripe.cards.outcomes[card.method] = code
    declined = account.confirm(charge)
    assert (declined.status, declined.reason, declined.url) == (ChargeStatus.DECLINED, code, None)
    del stripe.cards.outcomes[card.method]
    stripe.clock.advance(days=2)
    assert account.confirm(charge) == declined == told(account, charge)
    assert paid(stripe) == []


def test_a_bank_that_asks_the_customer_is_answered_at_a_link(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, charge: str
) -> None:
    stripe.cards.outcomes[card.customer] = NEEDS_OWNER
    asked = account.confirm(charge)
    assert (asked.status, asked.reason) == (ChargeStatus.NEEDS_CUSTOMER, NEEDS_OWNER)
    assert asked.url is None
    linked = account.confirm_with_customer(charge, BACK)
    assert (linked.status, linked.reason) == (ChargeStatus.NEEDS_CUSTOMER, NEEDS_OWNER)
    assert charge in (linked.url or "")
    assert stripe.objects.by_id[charge]["next_action"]["redirect_to_url"]["return_url"] == BACK
    assert account.confirm_with_customer(charge, BACK) == linked == account.confirm(charge)
    (listed,) = account.charges(card.customer, stripe.clock())
    assert listed == linked
    stripe.cards.authenticate(charge)
    assert told(account, charge).status is ChargeStatus.PAID
    assert told(account, charge).url is None
    assert paid(stripe) == [charge]


def test_a_customer_who_fails_his_bank_may_try_again_until_it_is_canceled(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, charge: str
) -> None:
    stripe.cards.outcomes[card.customer] = NEEDS_OWNER
    account.confirm(charge)
    account.confirm_with_customer(charge, BACK)
    stripe.cards.authenticate(charge, succeeds=False)
    failed = told(account, charge)
    assert (failed.status, failed.reason) == (ChargeStatus.DECLINED, OWNER_FAILED)
    assert failed.url is None
    assert account.confirm_with_customer(charge, BACK).url is not None
    canceled = account.cancel(charge)
    assert (canceled.status, canceled.url) == (ChargeStatus.CANCELED, None)
    assert account.confirm_with_customer(charge, BACK).status is ChargeStatus.CANCELED
    with pytest.raises(ValueError, match="canceled"):
        stripe.cards.authenticate(charge)


def test_trying_with_the_customer_may_pay_at_once_or_be_declined(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder
) -> None:
    found = {}
    for outcome in ("succeeds", "insufficient_funds", PROCESSING):
        charge = account.create_charge(order._replace(attempt=f"auto:alice:{outcome}")).object_id
        stripe.cards.outcomes[card.customer] = NEEDS_OWNER
        account.confirm(charge)
        stripe.cards.outcomes[card.customer] = outcome
        found[outcome] = account.confirm_with_customer(charge, BACK).status
    assert list(found.values()) == [
        ChargeStatus.PAID,
        ChargeStatus.DECLINED,
        ChargeStatus.PROCESSING,
    ]


def test_what_was_never_tried_is_not_tried_with_the_customer(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    assert account.confirm_with_customer(charge, BACK).status is ChargeStatus.NEW
    assert paid(stripe) == []


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_charge_in_work_is_neither_confirmed_nor_canceled_again(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, charge: str, *, succeeds: bool
) -> None:
    stripe.cards.outcomes[""] = PROCESSING
    assert account.confirm(charge).status is ChargeStatus.PROCESSING
    assert account.confirm(charge).status is ChargeStatus.PROCESSING
    assert account.cancel(charge).status is ChargeStatus.PROCESSING
    assert account.confirm_with_customer(charge, BACK).status is ChargeStatus.PROCESSING
    stripe.settle(charge, succeeds=succeeds)
    found = told(account, charge)
    assert found.status is (ChargeStatus.PAID if succeeds else ChargeStatus.DECLINED)
    assert found.reason == ("" if succeeds else "generic_decline")
    assert paid(stripe) == ([charge] if succeeds else [])


def test_a_canceled_charge_says_why_the_card_gave_nothing_and_is_never_charged(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder, charge: str
) -> None:
    assert account.cancel(charge).reason == "abandoned"
    assert account.cancel(charge).status is ChargeStatus.CANCELED
    assert account.confirm(charge).status is ChargeStatus.CANCELED
    second = account.create_charge(order._replace(attempt="auto:alice:2")).object_id
    stripe.cards.outcomes[""] = "insufficient_funds"
    account.confirm(second)
    canceled = account.cancel(second)
    assert (canceled.status, canceled.reason) == (ChargeStatus.CANCELED, "insufficient_funds")
    assert paid(stripe) == []


def test_a_paid_charge_is_not_canceled(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    account.confirm(charge)
    assert account.cancel(charge).status is ChargeStatus.PAID
    assert paid(stripe) == [charge]


def test_a_card_that_was_removed_is_not_charged(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder, charge: str
) -> None:
    account.remove_card(*card)
    gone = account.confirm(charge)
    assert (gone.status, gone.reason) == (ChargeStatus.DECLINED, "resource_missing")
    assert account.cancel(charge).status is ChargeStatus.CANCELED
    with pytest.raises(RefusedByProviderError) as refused:
        account.create_charge(order._replace(attempt="auto:alice:2"))
    assert refused.value.code == "resource_missing"
    assert paid(stripe) == []


def test_a_card_that_is_removed_while_its_bank_asks_is_not_tried_again(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, charge: str
) -> None:
    stripe.cards.outcomes[""] = NEEDS_OWNER
    account.confirm(charge)
    account.remove_card(*card)
    gone = account.confirm_with_customer(charge, BACK)
    assert (gone.status, gone.reason) == (ChargeStatus.DECLINED, "resource_missing")


def test_a_card_of_another_customer_is_not_charged(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder
) -> None:
    bob = account.new_customer("bob", make_customer_tag(TAG_KEY, "stripe", "bob"))
    with pytest.raises(RefusedByProviderError, match="does not have a payment method") as refused:
        account.create_charge(order._replace(card=CardOwner(bob, card.method)))
    assert refused.value.code == "resource_missing"
    assert stripe.objects.of("payment_intent") == []


@pytest.mark.parametrize("name", ["pi_nobody", "", "pi_1/cancel", "cs_1", "pi_1\n"])
def test_what_is_no_payment_is_refused_without_a_request_about_it(
    stripe: FakeStripe, account: StripeAccount, name: str
) -> None:
    asks: list[Callable[[], CardCharge]] = [
        lambda: account.confirm(name),
        lambda: account.cancel(name),
        lambda: account.confirm_with_customer(name, BACK),
    ]
    for ask in asks:
        with pytest.raises(RefusedByProviderError, match="has no payment") as refused:
            ask()
        assert (refused.value.code, refused.value.status) == ("resource_missing", 404)
    assert account.charge(name) is None
    assert {asked.path for asked in stripe.api.asked} <= {"/v1/payment_intents/pi_nobody"}


def test_a_charge_of_the_other_mode_is_not_there(stripe: FakeStripe) -> None:
    payment = stripe.elsewhere(is_live=False)
    with (
        StripeAccount("stripe", "live", stripe.key, stripe.url) as live,
        StripeAccount("stripe", "live", stripe.test_key, stripe.url) as mixed,
    ):
        assert live.charge(payment) is None
        assert mixed.charge(payment) is None


def test_payments_of_a_customer_are_listed_whoever_made_them(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder, charge: str
) -> None:
    since = stripe.clock.advance(hours=1)
    page = ordered(stripe.clock, "topup:alice:7")._replace(customer=card.customer)
    by_page = stripe.pay(account.checkout(page).object_id)
    begun = stripe.begin(account.checkout(page._replace(attempt="topup:alice:8")).object_id)
    other = stripe.elsewhere(metadata={"user": "alice"})
    second = account.create_charge(order._replace(attempt="auto:alice:2")).object_id
    found = {each.object_id: each for each in account.charges(card.customer, since)}
    assert list(found) == [second, begun, by_page]
    assert found[by_page].status is ChargeStatus.PAID
    assert (found[begun].status, found[begun].url) == (ChargeStatus.NEEDS_CUSTOMER, None)
    assert all(each.is_tagged for each in found.values())
    everybody = {each.object_id: each for each in account.charges(None, since)}
    assert list(everybody) == [second, other, begun, by_page]
    assert (everybody[other].is_tagged, everybody[other].attempt) == (False, None)
    assert charge in [each.object_id for each in account.charges(None, since - timedelta(hours=1))]
    assert list(account.charges("cus_nobody", since)) == []
    assert list(account.charges("nobody", since)) == []


def test_a_list_of_charges_that_breaks_off_is_no_complete_one(
    stripe: FakeStripe, account: StripeAccount
) -> None:
    for _ in range(101):
        stripe.elsewhere()
    found = account.charges(None, stripe.clock())
    next(found)
    stripe.faults.add(500, "payment_intents", times=2)
    with pytest.raises(UnreachableProviderError):
        list(found)


def test_a_payment_of_a_page_is_not_let_go_by_us(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner
) -> None:
    page = ordered(stripe.clock)._replace(customer=card.customer)
    payment = stripe.decline(account.checkout(page).object_id)
    assert account.cancel(payment).status is ChargeStatus.DECLINED
    assert stripe.objects.by_id[payment]["status"] == "requires_payment_method"


# what is true of it


def test_a_charged_card_is_no_payment_by_the_customer(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder, charge: str
) -> None:
    """Whatever its metadata say: only a page that was completed makes it the customer's own."""
    account.confirm(charge)
    stripe.objects.by_id[charge]["metadata"]["gitmeter_consent"] = "20.00|5.00|100.00"
    for attempt in (ATTEMPT, "topup:alice:9"):
        stripe.objects.by_id[charge]["metadata"]["gitmeter_attempt"] = attempt
        found = account.truth(charge)
        assert found is not None
        assert (found.is_by_customer, found.consent, found.card) == (False, None, card)


def test_a_page_that_was_left_makes_no_charge_the_customers_own(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner
) -> None:
    terms = ConsentTerms("20.00", "5.00", "100.00")
    page = ordered(stripe.clock)._replace(customer=card.customer, consent=terms)
    session = account.checkout(page).object_id
    payment = stripe.begin(session)
    stripe.expire(session)
    with stripe.objects.lock:
        intent = stripe.objects.by_id[payment]
        intent["payment_method"] = card.method
        stripe.objects.charge(intent, "card", "succeeded")
        stripe.objects.succeed(intent)
    found = account.truth(payment)
    assert found is not None
    assert (found.is_by_customer, found.consent, found.card) == (False, None, card)


def test_who_pays_without_being_a_customer_costs_no_further_request(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, charge: str
) -> None:
    """A saved card cannot be charged without its customer."""
    payment = stripe.pay(account.checkout(ordered(stripe.clock)).object_id)
    account.confirm(charge)
    for asked, pages in ((payment, 0), (charge, 1)):
        stripe.api.asked.clear()
        assert account.truth(asked) is not None
        paths = [each.path for each in stripe.api.asked]
        assert paths.count("/v1/checkout/sessions") == pages


def test_a_link_that_is_answered_after_three_days_is_in_time_and_after_five_is_not(
    stripe: FakeStripe, account: StripeAccount, card: CardOwner, order: ChargeOrder
) -> None:
    stripe.cards.outcomes[""] = NEEDS_OWNER
    said = {}
    for days in (3, 5):
        tag = make_tag(TAG_KEY, "stripe", promised(stripe.clock, f"{days:016x}"))
        attempt = f"auto:alice:{days}"
        made = account.create_charge(order._replace(attempt=attempt, tag=tag)).object_id
        account.confirm(made)
        account.confirm_with_customer(made, BACK)
        stripe.clock.advance(days=days)
        stripe.cards.authenticate(made)
        truth = account.truth(made)
        assert truth is not None
        assert truth.attempt == attempt
        (line,) = expected(truth, read_tag(TAG_KEY, "stripe", truth.tag or "")).lines
        said[days] = line.status
    assert said == {3: "succeeded", 5: "undecided"}


def test_a_charge_that_was_not_paid_is_open_until_it_is_canceled(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    stripe.cards.outcomes[""] = "insufficient_funds"
    for act, failed in ((None, None), (account.confirm, None), (account.cancel, "abandoned")):
        if act is not None:
            act(charge)
        truth = account.truth(charge)
        assert truth is not None
        assert (truth.facts, truth.failed, len(truth.open)) == ((), failed, int(failed is None))


# what goes wrong


def test_an_answer_that_is_lost_costs_nothing_twice(
    stripe: FakeStripe, account: StripeAccount, order: ChargeOrder
) -> None:
    stripe.faults.add("lost", "payment_intents", times=2)
    with pytest.raises(UnreachableProviderError):
        account.create_charge(order)
    made = account.create_charge(order).object_id
    stripe.faults.add("lost", "/confirm", times=2)
    with pytest.raises(UnreachableProviderError):
        account.confirm(made)
    assert account.confirm(made).status is ChargeStatus.PAID
    assert [each["id"] for each in stripe.objects.of("payment_intent")] == [made]
    assert len(stripe.objects.of("charge")) == 1


def test_a_cancel_whose_answer_is_lost_is_told_the_next_time(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    stripe.faults.add("lost", "/cancel", times=2)
    with pytest.raises(UnreachableProviderError):
        account.cancel(charge)
    assert account.cancel(charge).status is ChargeStatus.CANCELED


def test_a_decline_whose_answer_is_lost_is_told_the_next_time(
    stripe: FakeStripe, account: StripeAccount, charge: str
) -> None:
    stripe.cards.outcomes[""] = "insufficient_funds"
    stripe.faults.add("lost", "/confirm", times=2)
    with pytest.raises(UnreachableProviderError):
        account.confirm(charge)
    assert account.confirm(charge).reason == "insufficient_funds"
    assert len(stripe.objects.of("charge")) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (401, RefusedByProviderError),
        (403, RefusedByProviderError),
        (500, UnreachableProviderError),
        ("garbage", UnreachableProviderError),
        ("another form", UnreachableProviderError),
    ],
)
def test_a_wrong_answer_is_a_typed_error(
    stripe: FakeStripe,
    account: StripeAccount,
    order: ChargeOrder,
    charge: str,
    fault: int,
    kind: type[ProviderError],
) -> None:
    customer, method = order.card
    asks: list[Callable[[], object]] = [
        lambda: account.new_customer("bob", "tag"),
        lambda: account.customer_tag(customer),
        lambda: account.cards(customer),
        lambda: account.remove_card(customer, method),
        lambda: account.create_charge(order._replace(attempt="auto:alice:2")),
        lambda: account.confirm(charge),
        lambda: account.confirm_with_customer(charge, BACK),
        lambda: account.cancel(charge),
        lambda: account.charge(charge),
        lambda: list(account.charges(None, stripe.clock())),
    ]
    for ask in asks:
        stripe.faults.add(fault, times=2)  # what may work is tried once more
        with pytest.raises(kind) as raised:
            ask()
        assert raised.value.retry is (kind is UnreachableProviderError)
        assert stripe.key not in str(raised.value)
        stripe.faults = type(stripe.faults)()
    assert paid(stripe) == []


@pytest.mark.parametrize("rights", [("read",), ("cards", "checkout", "read"), ("read", "refund")])
def test_only_the_key_that_charges_charges(
    stripe: FakeStripe, order: ChargeOrder, charge: str, rights: tuple[str, ...]
) -> None:
    key = stripe.restricted_key(*rights)
    with StripeAccount("stripe", "live", key, stripe.url) as other:
        asks: list[Callable[[], CardCharge]] = [
            lambda: other.create_charge(order._replace(attempt="auto:alice:2")),
            lambda: other.confirm(charge),
            lambda: other.cancel(charge),
        ]
        for ask in asks:
            with pytest.raises(RefusedByProviderError, match="required permissions") as refused:
                ask()
            assert "restricted" in refused.value.hint
            assert key not in str(refused.value)
    with StripeAccount(
        "stripe", "live", stripe.restricted_key("charge", "read"), stripe.url
    ) as charger:
        assert charger.confirm(charge).status is ChargeStatus.PAID
    assert len(stripe.objects.of("payment_intent")) == 1
