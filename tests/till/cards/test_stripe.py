"""A card that is saved at the Stripe of our tests, by real programs over real HTTP."""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.providers.fake_stripe import FakeStripe
from tests.till.place import content
from tests.till.programs import TERMS, CardPlace, StripePlace, killed_at

REQUESTS = range(4, 10)
"""Of a sweep about one payment: from before it is asked about to the end."""


@pytest.fixture
def place(tmp_path: Path, stripe: FakeStripe) -> CardPlace:
    return CardPlace(tmp_path, stripe)


def get(place: StripePlace, path: str) -> Any:  # noqa: ANN401 - whatever JSON can say
    answer = requests.get(f"http://{place.local}{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def remove(place: StripePlace, user: str, method: str) -> bool:
    body = {"user": user, "account": "stripe", "method": method}
    answer = requests.post(f"http://{place.local}/cards/remove", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["removed"])


def test_from_the_page_to_the_line_and_to_the_end_of_the_card(
    place: CardPlace, stripe: FakeStripe
) -> None:
    with place.serving():
        assert get(place, "/terms") == {
            "consent_max_usd": "100.00",
            "consent_month_max_usd": "500.00",
        }
        page = place.page("alice", save_card=TERMS)
        words = stripe.objects.by_id[page]["_params"]["custom_text"]["submit"]["message"]
        assert all(amount in words for amount in TERMS.values())
        payment = stripe.pay(page, brand="visa", last4="4242")
        other = place.buy("bob")
        assert set(place.deliver(times=2)) == {200}
        place.wait_pushed()
        [consent] = place.consents()
        assert (consent.user, consent.of_provider, consent.of_ref) == ("alice", "stripe", payment)
        assert {name: getattr(consent, name) for name in TERMS} == TERMS
        assert {line.external_ref: line.ts for line in place.lines()}[payment] == consent.ts
        customer = stripe.objects.by_id[payment]["customer"]
        assert stripe.objects.by_id[other]["customer"] is None
        [card] = get(place, "/cards?user=alice")["cards"]
        assert (card["account"], card["brand"], card["last4"]) == ("stripe", "visa", "4242")
        assert [card["method"]] == stripe.cards.of(customer)
        assert get(place, "/cards?user=bob") == {"cards": []}
        assert get(place, "/attempts?user=alice") == {"attempts": []}
        plain = place.buy("alice")
        assert stripe.objects.by_id[plain]["customer"] == customer
        assert not remove(place, "bob", card["method"])
        assert remove(place, "alice", card["method"])
        assert stripe.cards.of(customer) == []
        assert get(place, "/cards?user=alice") == {"cards": []}
    assert place.run("status", "--json").json["accounts"][0]["customers"] == 1


def test_a_till_that_lost_everything_finds_the_lines_and_the_customer(
    tmp_path: Path, place: CardPlace, stripe: FakeStripe
) -> None:
    """Another till of the same account sees the same consents."""
    with place.serving():
        saved = place.save("alice")
        place.save("bob")
        place.deliver("shuffled", times=2)
    (tmp_path / "other").mkdir()
    other = CardPlace(tmp_path / "other", stripe)
    other.run("sweep").ok()
    assert content(other.lines()) == content(place.lines())
    assert content(other.consents()) == content(place.consents())
    with other.serving():
        again = other.buy("alice")
        assert stripe.objects.by_id[again]["customer"] == stripe.objects.by_id[saved]["customer"]
    assert len([*stripe.objects.of("customer")]) == 2


def test_a_sweep_that_is_killed_leaves_both_lines_or_none(
    place: CardPlace, stripe: FakeStripe
) -> None:
    with place.serving():
        payment = place.save("alice")
    stripe.hooks.lose()
    for request in REQUESTS:
        killed_at(place.start("sweep"), stripe, request)
        told = [consent.of_ref for consent in place.consents()]
        paid = [line.external_ref for line in place.lines()]
        assert told == paid
    place.run("sweep").ok()
    place.run("sweep").ok()
    assert [consent.of_ref for consent in place.consents()] == [payment]
    assert len(place.lines()) == 1


def test_doctor_says_whether_the_key_may_keep_cards(place: CardPlace, stripe: FakeStripe) -> None:
    place.run("sweep").ok()
    assert "may not keep cards" not in place.run("doctor").out
    place.secret("key", stripe.restricted_key("read", "checkout"))
    said = place.run("doctor")
    assert said.code == 1
    assert "may not keep cards" in said.out
    place.secret("key", stripe.restricted_key("read", "checkout", "cards", "charge"))
    assert "can also charge" in place.run("doctor").out
