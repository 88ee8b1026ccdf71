"""Customers of Stripe and their saved cards: made by a till, listed, removed; whose they are."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.cards import CardProvider, SavedCard
from providers.clickpesa.account import ClickPesaAccount
from providers.consents import CardOwner, ConsentTerms, consent_words
from providers.interface import RefusedByProviderError, Truth
from providers.stripe.account import StripeAccount
from providers.tag import make_customer_tag, read_customer_tag
from tests.providers.orders import TAG_KEY, ordered
from tests.support.providers.fake_stripe import FakeStripe

TERMS: Final = ConsentTerms("20.00", "5.00", "100.00")
TAG: Final = make_customer_tag(TAG_KEY, "stripe", "alice")


@pytest.fixture
def customer(account: StripeAccount) -> str:
    return account.new_customer("alice", TAG)


def page_of(
    stripe: FakeStripe,
    account: StripeAccount,
    customer: str | None,
    attempt: str = "a1",
    terms: ConsentTerms | None = TERMS,
) -> str:
    order = ordered(stripe.clock, attempt)._replace(customer=customer, consent=terms)
    return account.checkout(order).object_id


def told(account: StripeAccount, object_id: str) -> Truth:
    found = account.truth(object_id)
    assert found is not None
    return found


def test_stripe_keeps_cards_and_clickpesa_does_not(account: StripeAccount) -> None:
    assert isinstance(account, CardProvider)
    with ClickPesaAccount(
        "clickpesa", "live", "client", "key", None, "http://127.0.0.1:1"
    ) as other:
        assert not isinstance(other, CardProvider)


def test_a_customer_is_known_by_our_tag_and_by_nothing_else(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    (asked,) = stripe.api.asked
    assert asked.params == {"description": "alice", "metadata": {"gitmeter": TAG}}
    assert read_customer_tag(TAG_KEY, "stripe", account.customer_tag(customer) or "") == "alice"


def test_an_account_has_one_customer_for_a_day_and_never_that_of_another(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    """Afterwards Stripe has forgotten it: who keeps its name asks no second time."""
    assert account.new_customer("alice", TAG) == customer
    assert account.new_customer("bob", make_customer_tag(TAG_KEY, "stripe", "bob")) != customer
    stripe.clock.advance(hours=23, minutes=59)
    assert account.new_customer("alice", TAG) == customer
    stripe.clock.advance(minutes=1)
    assert account.new_customer("alice", TAG) != customer


def test_a_customer_that_is_not_there_has_no_tag_and_no_cards(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    stripe.cards.save(customer)
    stripe.cards.delete_customer(customer)
    untagged = stripe.cards.make_customer({}, is_live=True)["id"]
    for name in (customer, untagged, "cus_nobody", "", "cus_../refunds", "pi_1"):
        assert account.customer_tag(name) is None
        assert account.cards(name) == ()


def test_a_customer_of_test_mode_is_nobody_for_a_live_account(stripe: FakeStripe) -> None:
    with (
        StripeAccount("stripe-test", "test", stripe.test_key, stripe.url) as test,
        StripeAccount("stripe", "live", stripe.key, stripe.url) as live,
        StripeAccount("stripe", "live", stripe.test_key, stripe.url) as mixed,
    ):
        customer = test.new_customer("alice", TAG)
        assert test.customer_tag(customer) == TAG
        assert live.customer_tag(customer) is None
        assert mixed.customer_tag(customer) is None


def test_a_page_that_saves_a_card_states_what_is_agreed_to(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    page_of(stripe, account, customer)
    asked = stripe.api.asked[-1].params
    assert asked["customer"] == customer
    assert asked["allowed_payment_method_types"] == ["card"]
    assert asked["payment_intent_data"]["setup_future_usage"] == "off_session"
    assert asked["custom_text"] == {"submit": {"message": consent_words(TERMS)}}
    stated = {"gitmeter_consent": "20.00|5.00|100.00"}
    assert stated.items() <= asked["metadata"].items()
    assert stated.items() <= asked["payment_intent_data"]["metadata"].items()


def test_a_page_that_saves_nothing_asks_for_nothing_more(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    page_of(stripe, account, customer, terms=None)
    asked = stripe.api.asked[-1].params
    assert asked["customer"] == customer
    assert not {"custom_text", "allowed_payment_method_types"} & set(asked)
    assert set(asked["payment_intent_data"]) == {"metadata"}
    assert "gitmeter_consent" not in asked["metadata"]


def test_no_card_is_saved_for_nobody(stripe: FakeStripe, account: StripeAccount) -> None:
    with pytest.raises(RefusedByProviderError, match="make one first"):
        page_of(stripe, account, None)
    assert stripe.api.asked == []


def test_a_customer_that_is_gone_can_have_no_page(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    stripe.cards.delete_customer(customer)
    with pytest.raises(RefusedByProviderError, match="No such customer") as refused:
        page_of(stripe, account, customer)
    assert refused.value.code == "resource_missing"


AMOUNTS: Final = st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True)


@given(amount=AMOUNTS, below=AMOUNTS, month=AMOUNTS)
def test_the_words_have_all_three_amounts_and_fit_on_the_page(
    amount: str, below: str, month: str
) -> None:
    words = consent_words(ConsentTerms(amount, below, month))
    assert f"charged for {amount} USD" in words
    assert f"below {below} USD" in words
    assert f"at most {month} USD in a calendar month" in words
    assert len(words) <= 1200


def test_a_payment_on_such_a_page_is_a_consent_and_a_card(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    page = page_of(stripe, account, customer)
    found = told(account, page)
    assert (found.consent, found.card) == (None, None)
    payment = stripe.pay(page, brand="mastercard", last4="4444")
    found = told(account, payment)
    assert (found.is_by_customer, found.consent) == (True, TERMS)
    (method,) = stripe.cards.of(customer)
    assert found.card == CardOwner(customer, method)
    assert account.cards(customer) == (SavedCard(method, "mastercard", "4444", "2029-09"),)


def test_a_card_that_was_declined_on_the_page_is_no_consent_yet(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    page = page_of(stripe, account, customer)
    found = told(account, stripe.decline(page))
    assert (found.is_by_customer, found.consent, found.card) == (False, None, None)
    assert account.cards(customer) == ()
    stripe.pay(page)
    assert told(account, page).consent == TERMS


def test_a_payment_that_saved_no_card_is_no_consent(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    """Whoever writes words onto a payment afterwards has not made the customer agree to them."""
    payment = stripe.pay(page_of(stripe, account, customer, terms=None))
    stripe.objects.by_id[payment]["metadata"]["gitmeter_consent"] = "20.00|5.00|100.00"
    found = told(account, payment)
    assert (found.is_by_customer, found.consent, found.card) == (True, None, None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "20.00|5.00", "20.00|5.00|100.00|1", "20.00|5.00|100.00\n", "20|5| 100"),
        *("-20|5|100", "20|-5|100", "20|5|-100", "20|5|1e3", "many|5|100"),
    ],
)
def test_words_of_another_form_are_no_consent(
    stripe: FakeStripe, account: StripeAccount, customer: str, text: str
) -> None:
    payment = stripe.pay(page_of(stripe, account, customer))
    stripe.objects.by_id[payment]["metadata"]["gitmeter_consent"] = text
    found = told(account, payment)
    assert found.consent is None
    assert found.card is not None


def test_cards_are_listed_the_newest_first(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    for attempt in ("a1", "a2", "a3"):
        stripe.pay(page_of(stripe, account, customer, attempt))
    cards = account.cards(customer)
    assert [card.method for card in cards] == stripe.cards.of(customer)
    assert [card.last4 for card in cards] == ["4244", "4243", "4242"]


def test_more_cards_than_a_page_of_the_list_are_all_listed(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    saved = [stripe.cards.save(customer) for _ in range(101)]
    assert [card.method for card in account.cards(customer)] == saved[::-1]


def test_a_removed_card_is_gone_for_good_and_only_once(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    first, second = stripe.cards.save(customer), stripe.cards.save(customer)
    stripe.hooks.taken()
    assert account.remove_card(customer, first) is True
    assert account.remove_card(customer, first) is False
    assert [card.method for card in account.cards(customer)] == [second]
    assert [hook.kind for hook in stripe.hooks.waiting] == ["payment_method.detached"]


def test_nobody_removes_the_card_of_another(
    stripe: FakeStripe, account: StripeAccount, customer: str
) -> None:
    bob = account.new_customer("bob", make_customer_tag(TAG_KEY, "stripe", "bob"))
    card = stripe.cards.save(bob)
    for name in (card, "pm_nobody", "", "pm_1/detach", "cus_1"):
        assert account.remove_card(customer, name) is False
    assert stripe.cards.of(bob) == [card]


def test_a_card_that_somebody_else_removes_in_between_was_not_removed_by_us(
    stripe: FakeStripe, account: StripeAccount, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = stripe.cards.save(customer)
    keeps = account._keeps

    def late(*asked: str) -> bool:
        found = keeps(*asked)
        if found:
            stripe.cards.remove(card)
        return found

    monkeypatch.setattr(account, "_keeps", late)
    assert account.remove_card(customer, card) is False


def test_an_event_of_a_card_is_about_no_payment(stripe: FakeStripe, account: StripeAccount) -> None:
    customer = account.new_customer("alice", TAG)
    stripe.cards.remove(stripe.cards.save(customer))
    hook = stripe.hooks.waiting[-1]
    assert hook.kind == "payment_method.detached"
    headers = stripe.signed(hook.body)
    assert account.object_in(hook.body, headers, [stripe.secret], stripe.clock()) is None


@pytest.mark.parametrize("right", ["read", "checkout", "charge"])
def test_a_key_without_the_right_makes_no_customer_and_removes_no_card(
    stripe: FakeStripe, account: StripeAccount, customer: str, right: str
) -> None:
    card = stripe.cards.save(customer)
    key = stripe.restricted_key("read", right)
    with StripeAccount("stripe", "live", key, stripe.url) as other:
        with pytest.raises(RefusedByProviderError, match="required permissions") as refused:
            other.new_customer("eve", TAG)
        with pytest.raises(RefusedByProviderError, match="required permissions"):
            other.remove_card(customer, card)
    assert key not in str(refused.value)
    assert stripe.cards.of(customer) == [card]
    assert len(stripe.objects.of("customer")) == 1
