"""An account has one customer at a provider, which nobody else has and nobody else makes."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from front.memory_file import MemoryFileError
from node_pusher.sending.push import push
from providers.cards import ChargeOrder
from providers.consents import CardOwner
from providers.tag import make_customer_tag, read_customer_tag
from tests.till.cards.saving import last_order, lose_memory, page, save
from tests.till.place import ACCOUNT, TAG_KEY, TillPlace
from tests.till.programs import TERMS
from tests.till.served import served
from tests.till.world_cards import WorldCustomer


def customer_of(place: TillPlace, payment: str) -> str:
    customer = place.world.payments[payment].customer
    assert customer is not None
    return customer


def tag_of(user: str, key: str = TAG_KEY) -> str:
    return make_customer_tag(key.encode(), ACCOUNT, user)


def test_a_customer_has_our_tag_and_pays_under_it_ever_after(place: TillPlace) -> None:
    with served(place) as till:
        first = save(till)
        place.world.now += timedelta(days=30)
        plain, again = page(till), save(till)
    customer = customer_of(place, first)
    assert {customer_of(place, payment) for payment in (plain, again)} == {customer}
    assert place.world.customers == {customer: WorldCustomer("alice", tag_of("alice"))}
    assert read_customer_tag(TAG_KEY.encode(), ACCOUNT, tag_of("alice")) == "alice"


def test_two_accounts_never_share_one(place: TillPlace) -> None:
    with served(place) as till:
        alice, bob = save(till, "alice"), save(till, "bob")
        assert customer_of(place, alice) != customer_of(place, bob)
        with pytest.raises(MemoryFileError):
            till.till.customers.remember(ACCOUNT, "carol", customer_of(place, alice))


def test_pages_that_are_asked_for_at_once_have_one_customer(place: TillPlace) -> None:
    with served(place) as till:
        threads = [
            threading.Thread(target=page, args=(till,), kwargs={"save_card": TERMS})
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(place.world.orders) == 3
    assert len({order.customer for order in place.world.orders}) == 1
    assert len(place.world.customers) == 1


def test_a_till_without_memory_finds_the_same_customer_by_the_payments(place: TillPlace) -> None:
    with served(place) as till:
        payment = save(till)
        till.wait_pushed(1)
    place.world.now += timedelta(days=3)
    with place.open() as opened:
        push(opened.home, place.world.now)
    lose_memory(place)
    with served(place) as till:
        assert customer_of(place, page(till)) == customer_of(place, payment)
        assert till.till.customers.of(ACCOUNT, "alice") == customer_of(place, payment)
        assert customer_of(place, save(till)) == customer_of(place, payment)
    assert len(place.world.customers) == 1


def test_a_customer_is_found_by_an_automatic_payment_as_well(place: TillPlace) -> None:
    card = place.world.save_card("alice", tag_of("alice"))
    attempt = "auto:alice:0123456789abcdef"
    order = ChargeOrder(card, attempt, "20.00", "20.00", "USD", place.tag())
    with place.world.open() as provider, served(place) as till:
        charge = provider.create_charge(order)  # type: ignore[attr-defined] # it keeps cards
        provider.confirm(charge.object_id)  # type: ignore[attr-defined]
        assert till.hook(charge.object_id).status == 200
        assert customer_of(place, page(till)) == card.customer
    assert [line.attempt for line in place.lines()] == [attempt]
    assert place.consents() == []


@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_customer_of_somebody_else_is_not_believed(
    place: TillPlace,
    is_remembered: bool,  # noqa: FBT001
) -> None:
    """Whether it is the payment's, or even what this till remembers."""
    tags = {
        "theirs": tag_of("bob"),
        "other-key": tag_of("other-key", key="x" * 32),
        "cut": tag_of("cut")[:-1],
        "other-account": make_customer_tag(TAG_KEY.encode(), "other-test", "other-account"),
        "empty": "",
    }
    wrong = {}
    with served(place) as till:
        for user, tag in tags.items():
            wrong[user] = customer_of(place, save(till, user))
            place.world.customers[wrong[user]] = WorldCustomer(user, tag)
    place.world.now += timedelta(days=2)
    if not is_remembered:
        lose_memory(place)
    with served(place) as till:
        for user in tags:
            page(till, user)
            assert last_order(place).customer is None, user
            assert till.get(f"/cards?user={user}").json == {"cards": []}
            again = customer_of(place, save(till, user))
            assert again not in wrong.values()
            assert place.world.customers[again].tag == tag_of(user)
            assert customer_of(place, page(till, user)) == again


def test_a_customer_that_was_deleted_is_made_anew(place: TillPlace) -> None:
    with served(place) as till:
        gone = customer_of(place, save(till))
        del place.world.customers[gone]
        place.world.now += timedelta(days=2)
        page(till)
        assert last_order(place).customer is None
        assert customer_of(place, save(till)) != gone


def test_an_unpaid_page_makes_a_customer_that_is_used_again(place: TillPlace) -> None:
    with served(place) as till:
        first = customer_of(place, page(till, save_card=TERMS))
        place.world.now += timedelta(days=2)
        assert customer_of(place, page(till, save_card=TERMS)) == first


def test_a_provider_that_does_not_answer_makes_no_page(place: TillPlace) -> None:
    with served(place) as till:
        place.world.is_down = True
        for _ in range(5):
            answer = till.checkout(save_card=TERMS)
            assert (answer.status, answer.json["title"]) == (503, "provider unreachable")
        place.world.is_down = False
        assert till.checkout(save_card=TERMS).status == 200


def test_no_card_and_no_customer_is_in_a_line(place: TillPlace) -> None:
    with served(place) as till:
        payment = save(till)
        till.wait_pushed(1)
    card = place.world.payments[payment].card
    assert isinstance(card, CardOwner)
    with closing(sqlite3.connect(place.home / "till.db")) as file:
        assert file.execute("SELECT customer FROM customers").fetchall() == [(card.customer,)]
    texts = [repr(line) for line in (*place.lines(), *place.consents())]
    for secret in (*card, "4242", "visa"):
        assert not any(secret in text for text in texts)
