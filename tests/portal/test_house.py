"""The house for staff: every line about money, what came in, and rules that are tried."""

from typing import Any

import pytest

from portal.api.house import rules
from tests.portal.place import Client, PortalPlace, problem
from tests.portal.test_staff import WHY, member, post
from tests.support.ledger.terms_world import PRICES


@pytest.fixture
def finance(place: PortalPlace) -> Client:
    """A member of staff who sees money."""
    key = member(place, "finance")
    place.pull()
    return place.client(key)


def lines(client: Client, **query: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """The lines of all pages, two at a time."""
    found: list[dict[str, Any]] = []
    stated = {"period": "all", "limit": 2, **query}
    while True:
        page = client.json("/v1/feed", params=stated)
        found += page["lines"]
        if page["next"] is None:
            return found
        stated |= {"cursor": page["next"]}


@pytest.mark.parametrize("payments", [4, 5])
def test_the_feed_is_what_the_aggregator_says(
    place: PortalPlace, finance: Client, payments: int
) -> None:
    """Every line once, the newest first, over as many pages as it takes, the last full or not."""
    for number in range(payments):
        place.world.later(minutes=1)
        place.world.pay_in(f"{number + 1}.00", user=f"user-{number}")
    place.pull()
    said = place.world.run("payments", "--json").ok().json["lines"]
    expected = [(row["node"], row["seq"], row["state"], row["commit"]) for row in reversed(said)]
    found = lines(finance)
    assert [(row["node"], row["seq"], row["state"], row["commit"]) for row in found] == expected
    assert lines(finance, limit=1000) == found


def test_who_did_what_is_told(place: PortalPlace, finance: Client) -> None:
    """What staff did, with their names and why; what customers did is not among it."""
    customer, support = place.key(), member(place, "support")
    place.pull()
    body = {"template": "goodwill", "amount_usd": "1.00"} | WHY
    post(place.client(support), "/v1/accounts/alice/adjustments", **body)
    post(place.client(customer), "/v1/keys", scopes=["balance:read"])
    place.pushed()
    place.pull()
    found = lines(finance, which="acts")
    told = [(row["kind"], row["by"], row["reason"]) for row in found if row["by"] != "books"]
    assert ("adjustment", "staff:support", "goodwill T-4711") in told
    assert all(not row["by"].startswith("customer:") for row in found)
    assert any(row["by"] == f"customer:{customer.key_id}" for row in lines(finance) if row["by"])


def test_lines_that_do_not_count_are_told_with_the_reason(
    place: PortalPlace, finance: Client
) -> None:
    """A refund of a payment that nobody knows."""
    place.world.refund("5.00", of_seq=999)
    place.pull()
    (found,) = lines(finance, which="in_question")
    assert (found["kind"], found["state"]) == ("refund", "no_payment")
    assert found["why"]
    cash = {row["kind"]: row for row in finance.json("/v1/cash?period=all")["kinds"]}
    assert cash["refund"] == {
        "kind": "refund",
        "lines": 0,
        "credit_usd": "0.00",
        "given_back_usd": "0.00",
        "waiting": 1,
    }
    assert cash["payment"]["credit_usd"] == "20.00"
    assert cash.keys() == {"payment", "refund"}  # lines about accounts are no money
    place.world.refund("5.00", of_seq=1)
    place.pull()
    (payment,) = [row for row in finance.json("/v1/cash")["kinds"] if row["kind"] == "payment"]
    assert (payment["credit_usd"], payment["given_back_usd"]) == ("20.00", "5.00")


def test_a_rule_file_is_tried_and_nothing_changes(place: PortalPlace, finance: Client) -> None:
    """What is told is what the books' change then does; faults name the line of the file."""
    place.pull()
    before = finance.json("/v1/rules")
    (prices,) = [each["text"] for each in before["files"] if each["name"] == "prices.toml"]
    assert prices == PRICES.decode()
    dearer = prices.replace('usd = "', 'usd = "1')
    tried = finance.ask("POST", "/v1/rules/trial", json={"file": "prices.toml", "text": dearer})
    assert tried.status_code == 200, tried.text
    (alice,) = [row for row in tried.json()["accounts"] if row["user"] == "alice"]
    assert alice["balance_usd"] != alice["proposed_balance_usd"]
    assert finance.json("/v1/rules") == before
    same = finance.ask("POST", "/v1/rules/trial", json={"file": "prices.toml", "text": prices})
    assert (same.json()["charges_changed"], same.json()["accounts"]) == (0, [])
    assert same.json()["sha256"] == before["sha256"]
    wrong = {"file": "prices.toml", "text": "[[price]]\nusd = 3\n"}
    refused = finance.ask("POST", "/v1/rules/trial", json=wrong)
    assert problem(refused) == (422, "invalid")
    assert "prices.toml" in refused.json()["detail"]
    place.world.rule_files({"rules/prices.toml": dearer.encode()})
    place.pull()
    told = finance.json("/v1/accounts/alice/balance")["balance_usd"]
    assert told == alice["proposed_balance_usd"]


def test_more_charges_than_can_be_rated_are_not_begun(
    place: PortalPlace, finance: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program on the aggregator's machine has the time; it is named."""
    place.world.use(3, user="bob")
    place.pull()
    monkeypatch.setattr(rules, "CHARGES_MAX", 1)
    body = {"file": "prices.toml", "text": PRICES.decode()}
    refused = finance.ask("POST", "/v1/rules/trial", json=body)
    assert problem(refused) == (409, "too-many-charges")
    assert "aggregator reprice" in refused.json()["detail"]
