"""Where automatic payments stand, by the ledger and by what the till says."""

from typing import Any

import pytest

from tests.portal.automatic.purse import TILL, WRITERS, Purse
from tests.portal.automatic.till import CONFIRM_URL
from tests.portal.place import Client, problem


def on(wallet: Purse, user: str = "alice") -> Client:
    """Somebody who has consented, and settled what was consented to, in the ledger."""
    wallet.consent(user)
    client = wallet.client(user)
    wallet.settle(client)
    ahead(wallet, minutes=1)
    return client


def ahead(wallet: Purse, **time: float) -> None:
    wallet.place.world.later(**time)
    wallet.place.pushed()
    wallet.place.pull()


def state(client: Client) -> dict[str, Any]:
    return dict(client.json("/v1/auto-topup"))


def test_an_account_that_settled_nothing_is_off(wallet: Purse) -> None:
    found = state(wallet.client())
    assert (found["state"], found["stop"], found["settled"]) == ("off", "off", None)
    assert (found["consented"], found["attempts"], found["offered"]) == (None, [], "yes")
    assert found["most"] == {"amount_usd": "100.00", "month_usd": "500.00"}


def test_what_is_settled_consented_to_and_paid_is_told(wallet: Purse) -> None:
    client = on(wallet)
    terms = {"amount_usd": "20.00", "below_usd": "5.00", "month_usd": "100.00"}
    found = state(client)
    assert (found["state"], found["stop"], found["balance_usd"]) == ("on", "enough", "21.00")
    assert (found["settled"], found["consented"]) == (terms, terms)
    assert found["consented_at"] == "2026-11-02T00:05:00Z"
    attempt = wallet.begin("1")
    ahead(wallet, minutes=1)
    (begun,) = state(client)["attempts"]
    assert (begun["state"], begun["amount_usd"], begun["ended_at"]) == ("open", "20.00", None)
    wallet.pay(attempt=attempt)
    ahead(wallet, minutes=1)
    found = state(client)
    assert (found["spent_month_usd"], found["attempts"][0]["state"]) == ("20.00", "paid")
    payments = client.json("/v1/payments")["payments"]
    assert [each["automatic"] for each in payments] == [True, False, False]


def test_what_failed_is_told_with_its_reason(wallet: Purse) -> None:
    client = on(wallet)
    wallet.fail("1")
    wallet.place.world.later(days=2)
    wallet.fail("2", reason="not tried")
    ahead(wallet, minutes=1)
    found = state(client)
    told = [(each["state"], each["reason"]) for each in found["attempts"]]
    assert told == [("not_tried", "not tried"), ("failed", "insufficient_funds")]
    assert (found["failures"], found["stop"]) == (1, "within_24_hours")


def test_a_bank_that_asks_is_told_with_the_link_of_the_till(wallet: Purse) -> None:
    client = on(wallet)
    attempt = wallet.begin("1")
    ahead(wallet, minutes=1)
    wallet.till.wait_for("alice", attempt)
    wallet.till.wait_for("bob", "auto:bob:1", "https://pay.example/bob")
    found = state(client)
    (told,) = found["attempts"]
    assert (told["state"], told["confirm_url"]) == ("confirm", CONFIRM_URL)
    assert found["stop"] == "attempt_open"
    assert "bob" not in str(found)


def test_what_the_ledger_has_not_read_is_told_as_the_till_has_it(wallet: Purse) -> None:
    client = on(wallet)
    wallet.till.wait_for("alice", "auto:alice:new")
    (told,) = state(client)["attempts"]
    assert (told["state"], told["amount_usd"]) == ("confirm", None)
    wallet.till.attempts["alice"][0]["status"] = "canceled"
    assert state(client)["attempts"] == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://thief.example/", "//x", ""])
def test_a_link_that_leads_to_no_safe_page_is_not_told(wallet: Purse, url: str) -> None:
    client = on(wallet)
    wallet.till.wait_for("alice", "auto:alice:new", url)
    (told,) = state(client)["attempts"]
    assert (told["state"], told["confirm_url"]) == ("open", None)


def test_an_attempt_that_ended_has_no_link(wallet: Purse) -> None:
    """Whatever the till still says of it."""
    client = on(wallet)
    wallet.till.wait_for("alice", wallet.fail("1"))
    ahead(wallet, minutes=1)
    (told,) = state(client)["attempts"]
    assert (told["state"], told["confirm_url"]) == ("failed", None)


def test_a_till_that_is_down_keeps_back_links_alone(wallet: Purse) -> None:
    client = on(wallet)
    wallet.till.wait_for("alice", wallet.begin("1"))
    ahead(wallet, minutes=1)
    told = state(client)
    wallet.till.is_down = True
    found = state(client)
    (attempt,) = found["attempts"]
    assert (attempt["state"], attempt["confirm_url"]) == ("open", None)
    assert (found["offered"], found["most"]) == ("not_now", None)
    same = ("state", "stop", "settled", "consented", "balance_usd", "failures")
    assert [found[name] for name in same] == [told[name] for name in same]


def test_a_till_that_keeps_no_cards_is_told(wallet: Purse) -> None:
    wallet.till.keeps_cards = False
    assert state(wallet.client())["offered"] == "no"


def test_a_refund_after_the_consent_asks_for_another_one(wallet: Purse) -> None:
    client = on(wallet)
    wallet.place.world.later(days=1)
    stated = {"amount": "5.00", "currency": "USD", "status": "succeeded", "user": "alice"}
    wallet.money("till-1", "refund", external_ref="re_1", of_ref="pi_1", **stated)
    ahead(wallet, minutes=1)
    found = state(client)
    assert (found["state"], found["stop"]) == ("needs_consent", "money_taken_back")
    wallet.settle(client, auto_topup_usd="10.00")
    assert state(client)["stop"] == "money_taken_back"
    wallet.consent()
    ahead(wallet, minutes=1)
    assert state(client)["state"] == "on"


def test_a_consent_beyond_what_tills_may_state_now_allows_nothing(wallet: Purse) -> None:
    """Though it was within what its till could state when it was given."""
    client = on(wallet)
    later = TILL.replace("2026-01-01T00", "2026-11-02T01").replace('"100.00"', '"10.00"')
    wallet.place.world.later(hours=2)
    wallet.place.world.rule_files({"rules/writers.toml": (WRITERS + later).encode()})
    ahead(wallet, minutes=1)
    found = state(client)
    assert (found["state"], found["stop"]) == ("needs_consent", "no_consent")
    assert (found["consented"], found["consented_at"]) == (None, None)
    wallet.settle(client, auto_topup_usd="10.00")
    assert state(client)["stop"] == "no_consent"


def test_an_account_that_no_ledger_has_read_is_not_now(wallet: Purse) -> None:
    place = wallet.place
    place.world.settle("staff", user="boss", identity="staff:1", role="admin")
    admin = place.client(place.key("boss", "staff"))
    place.pull()
    assert problem(admin.get("/v1/accounts/nobody/auto-topup")) == (404, "not-found")
