"""Saved cards, and the payment at which one is saved and automatic payments are agreed to."""

from pathlib import Path
from typing import Any

import pytest

from tests.portal.automatic.purse import TERMS, Purse
from tests.portal.automatic.till import PAGE_URL, LocalTill
from tests.portal.place import Client, PortalPlace, problem
from tests.support.local_http import free_port

ASKED = {"success_url": "https://portal.example/paid", "cancel_url": "https://portal.example/"}


def agree(client: Client, **body: str) -> Any:  # noqa: ANN401
    """Begin to agree."""
    return client.ask("POST", "/v1/auto-topup/consent", json=ASKED | body)


def test_a_consent_states_what_is_settled(wallet: Purse) -> None:
    """Also what was settled here a moment ago; the amount of one payment is paid now."""
    client = wallet.client()
    wallet.settle(client, auto_topup_below_usd="4.50")
    found = agree(client)
    assert (found.status_code, found.json()["url"]) == (201, PAGE_URL)
    (order,) = wallet.till.asked
    assert order["save_card"] == {"amount_usd": "20.00", "below_usd": "4.50", "month_usd": "100.00"}
    assert (order["user"], order["usd"], order["currency"]) == ("alice", "20.00", "USD")
    assert {name: order[name] for name in ASKED} == ASKED
    assert agree(client, usd="7.00").json()["amount"] == "7.00"


@pytest.mark.parametrize(
    "more",
    [{"user": "bob"}, {"save_card": "x"}, {"amount_usd": "90.00"}, {"usd": "-1"}, {"method": "x"}],
)
def test_nothing_else_can_be_agreed_to(wallet: Purse, more: dict[str, str]) -> None:
    client = wallet.client()
    wallet.settle(client)
    assert problem(agree(client, **more)) == (422, "invalid")
    assert wallet.till.asked == []


def test_what_is_off_is_not_agreed_to(wallet: Purse) -> None:
    client = wallet.client()
    assert problem(agree(client)) == (409, "auto-topup-off")
    wallet.settle(client)
    client.ask("DELETE", "/v1/auto-topup")
    assert problem(agree(client)) == (409, "auto-topup-off")
    assert wallet.till.asked == []


def test_what_the_till_refuses_is_refused_in_its_words(wallet: Purse) -> None:
    client = wallet.client()
    wallet.settle(client)
    wallet.till.keeps_cards = False
    refused = agree(client)
    assert problem(refused) == (422, "cards-not-offered")
    assert refused.json()["detail"] == "refused: cards-not-offered"
    wallet.till.is_down = True
    assert problem(agree(client)) == (503, "not-now")


def test_a_suspended_account_agrees_to_nothing(wallet: Purse) -> None:
    client = wallet.client()
    wallet.settle(client)
    wallet.place.world.settle("suspend", reason="abuse")
    wallet.place.pull()
    assert problem(agree(client)) == (403, "suspended")


def test_cards_are_listed_and_removed_for_their_account_alone(wallet: Purse) -> None:
    wallet.place.world.pay_in("1.00", user="bob")
    alice, bob = wallet.client(), wallet.client("bob")
    wallet.till.save("alice")
    wallet.till.save("alice", "pm_2", "1881")
    wallet.till.save("bob", "pm_3", "0005")
    listed = alice.json("/v1/cards")["cards"]
    assert [each["last4"] for each in listed] == ["1881", "4242"]
    assert problem(bob.ask("DELETE", "/v1/cards/stripe/pm_1")) == (404, "not-found")
    assert alice.ask("DELETE", "/v1/cards/stripe/pm_1").status_code == 204
    assert problem(alice.ask("DELETE", "/v1/cards/stripe/pm_1")) == (404, "not-found")
    assert [each["method"] for each in alice.json("/v1/cards")["cards"]] == ["pm_2"]
    assert len(bob.json("/v1/cards")["cards"]) == 1


def test_a_card_can_be_removed_by_an_old_ledger_and_a_suspended_account(wallet: Purse) -> None:
    client = wallet.client()
    wallet.till.save("alice")
    wallet.place.world.settle("suspend", reason="abuse")
    wallet.place.pull()
    wallet.place.world.later(hours=3)
    assert client.ask("DELETE", "/v1/cards/stripe/pm_1").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/cards", "payments:read"),
        ("DELETE", "/v1/cards/stripe/pm_1", "topups:write"),
        ("GET", "/v1/auto-topup", "payments:read"),
        ("POST", "/v1/auto-topup/consent", "topups:write"),
    ],
)
def test_each_asks_for_its_scope(wallet: Purse, method: str, path: str, scope: str) -> None:
    wallet.till.save("alice")
    others = {"balance:read", "payments:read", "settings:write", "topups:write"} - {scope}
    more = {"json": ASKED} if method == "POST" else {}
    refused = wallet.client("alice", *others).ask(method, path, **more)
    assert (problem(refused), refused.json()["scope"]) == ((403, "forbidden"), scope)
    wallet.settle(wallet.client())
    assert wallet.client("alice", scope).ask(method, path, **more).ok


@pytest.mark.parametrize(
    "cards",
    [
        [{"account": "stripe"}],
        [{"account": "stripe", "method": 5, "brand": "x", "last4": "x", "expires": "x"}],
        "none",
    ],
)
def test_a_till_that_says_what_it_should_not_is_not_now(wallet: Purse, cards: Any) -> None:  # noqa: ANN401
    wallet.till.cards["alice"] = cards
    refused = wallet.client().get("/v1/cards")
    assert problem(refused) == (503, "not-now")
    assert "127.0.0.1" not in refused.text


def test_without_a_till_there_are_no_cards(tmp_path: Path) -> None:
    place = PortalPlace(tmp_path)
    place.world.pay_in("1.00")
    key = place.key("alice", "payments:read", "topups:write")
    place.pull()
    with place.serving():
        client = place.client(key)
        assert problem(client.get("/v1/cards")) == (404, "not-offered")
        assert problem(client.ask("DELETE", "/v1/cards/stripe/x")) == (404, "not-offered")
        assert client.json("/v1/auto-topup")["offered"] == "no"


def test_a_till_that_does_not_listen_is_not_now(tmp_path: Path) -> None:
    with LocalTill() as till:
        found = Purse(tmp_path, till, till={"url": f"http://127.0.0.1:{free_port()}/checkout"})
        found.place.world.pay_in("1.00")
        with found.place.serving():
            client = found.client()
            assert client.json("/v1/auto-topup")["offered"] == "not_now"
            assert problem(client.get("/v1/cards")) == (503, "not-now")
            assert found.settle(client)["auto_topup"]["needs_consent"]
            assert TERMS.items() <= client.json("/v1/settings").items()
