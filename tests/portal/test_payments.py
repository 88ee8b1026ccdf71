"""What came in and went out, and statements."""

from typing import Any

import pytest

from aggregator.reports.periods.period import parse_period
from aggregator.reports.statements.statement import statement
from tests.portal.place import Client, PortalPlace, problem
from wire_format.money import parse_nano


def move_money(place: PortalPlace) -> None:
    """Alice pays twice, gets some back, has grants and a plan; bob pays too."""
    world = place.world
    world.later(minutes=1)
    world.pay_in("30.00")
    world.pay_in("7.00", user="bob")
    world.later(minutes=1)
    world.refund("5.00", of_seq=2)
    world.grant("welcome", "3.00", days=5, reason="welcome", scope=["llm/*"])
    world.grant("bought", "0.20", category="paid", priority=10)
    world.later(hours=1)
    world.plan("pro", fee="30.00")
    world.settle("setting", cap_usd="50")
    world.use(25)
    world.use(1500, "llm/tokens")
    world.later(hours=1)


def walk(client: Client, limit: int) -> list[dict[str, Any]]:
    """The movements of all pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.json(f"/v1/payments?limit={limit}{cursor}")
        found += page["payments"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def test_what_came_in_and_what_is_left_of_it(place: PortalPlace) -> None:
    """The newest first, with what is left of payments and grants, in words for customers."""
    move_money(place)
    key = place.key()
    place.pull()
    said = place.client(key).json("/v1/payments")["payments"]
    names = ("kind", "amount", "change_usd", "left_usd", "state")
    assert [tuple(each[name] for name in names) for each in said] == [
        ("plan_fee", "30.00", "-30.00", None, "counts"),
        ("grant", "0.20", None, "0.00", "counts"),
        ("grant", "3.00", None, "1.50", "counts"),
        ("refund", "5.00", "-5.00", None, "counts"),
        ("payment", "30.00", "30.00", "25.00", "counts"),
        ("payment", "20.00", "20.00", "20.00", "counts"),
    ]
    pool = sum(parse_nano(each["change_usd"] or "0") for each in said)
    assert pool == place.world.balance()["credit_nano"]
    grant = said[2]
    assert (grant["scope"], grant["reason"], grant["reference"]) == (
        ["llm/*"],
        "welcome",
        "welcome",
    )


def test_nothing_of_staff_or_of_the_fleet_is_told(place: PortalPlace) -> None:
    move_money(place)
    key = place.key()
    place.world.settle("suspend", by="staff:7", reason="abuse")
    place.pull()
    found = place.client(key).get("/v1/payments")
    assert all(text not in found.text for text in ("staff", "books", "desk-1", "commit", "cash:3"))


def test_pages_have_each_movement_once(place: PortalPlace) -> None:
    """Also those of one instant."""
    move_money(place)
    key = place.key()
    for _ in range(3):
        place.world.pay_in("1.00")
    place.pull()
    client = place.client(key)
    every = walk(client, 1000)
    assert len(every) == 9
    for limit in (1, 2, 8):
        assert walk(client, limit) == every
    some = client.json("/v1/payments?from=2026-11-02T01:00:00Z&until=2026-11-02T02:00:00Z")
    assert {each["kind"] for each in some["payments"]} == {"plan_fee"}


def test_a_cursor_of_another_account_is_refused(place: PortalPlace) -> None:
    move_money(place)
    keys = place.key(), place.key("bob")
    place.world.pay_in("1.00", user="bob")
    place.pull()
    alice, bob = (place.client(key) for key in keys)
    cursor = bob.json("/v1/payments?limit=1")["next"]
    assert problem(alice.get(f"/v1/payments?cursor={cursor}")) == (422, "invalid")


def test_a_movement_that_does_not_count_is_told_so(place: PortalPlace) -> None:
    """A payment that failed, and the fee of a plan that was not paid for."""
    key = place.key()
    place.world.later(minutes=1)
    place.world.plan("starter", fee="20.00")
    place.world.plan("pro", fee="30.00")
    place.pull()
    said = place.client(key).json("/v1/payments")["payments"]
    states = {(each["plan"], each["state"], each["change_usd"]) for each in said}
    assert states == {
        (None, "counts", "20.00"),
        ("starter", "counts", "-20.00"),
        ("pro", "does_not_count", None),
    }


def test_a_statement_is_that_of_the_aggregator_and_adds_up(place: PortalPlace) -> None:
    """From the opening to the closing balance, to the nano-dollar."""
    move_money(place)
    key = place.key()
    place.pull()
    client = place.client(key)
    said = client.json("/v1/statements/2026-11")
    with place.world.reading() as store, store.view():
        own = statement(store, "alice", parse_period("2026-11", place.world.now), place.world.now)
    for name in ("opening_balance", "closing_balance"):
        assert parse_nano(said[f"{name}_usd"]) == own[f"{name}_nano"]
    for part, amount in (
        ("money", "change_usd"),
        ("fees", "fee_usd"),
        ("usage", "billed_cost_usd"),
    ):
        of_own = {"change_usd": "nano", "fee_usd": "nano"}.get(amount, "billed_cost_nano")
        assert [parse_nano(row[amount]) for row in said[part]] == [row[of_own] for row in own[part]]
    come = sum(parse_nano(row["change_usd"]) for row in said["money"])
    come -= sum(parse_nano(row["fee_usd"]) for row in said["fees"])
    come -= sum(
        parse_nano(part["billed_cost_usd"]) for row in said["usage"] for part in row["parts"]
    )
    for row in said["grants"]:
        come += parse_nano(row["begun_usd"]) - parse_nano(row["ended_usd"])
    opening, closing = (parse_nano(said[f"{name}_balance_usd"]) for name in ("opening", "closing"))
    assert opening + come == closing == place.world.balance()["balance_nano"]
    assert said["sums"]["fees_usd"] == "30.00"
    assert not said["is_over"]


def test_a_statement_names_no_node_and_no_repo(place: PortalPlace) -> None:
    """Commits and paths are those of the account's own lines."""
    move_money(place)
    key = place.key()
    place.pull()
    found = place.client(key).get("/v1/statements/2026-11")
    assert all(text not in found.text for text in ("books", "node-1", '"repo"', "cash:3"))
    for line in found.json()["money"]:
        files = place.world.repo("books").files(line["commit"])
        assert b'"user":"alice"' in files[line["path"]].splitlines()[line["line_no"] - 1]


def test_the_next_period_opens_as_the_last_one_closes(place: PortalPlace) -> None:
    move_money(place)
    key = place.key()
    place.world.later(days=40)
    place.world.use(2)
    place.pull()
    client = place.client(key)
    closed, opened = (client.json(f"/v1/statements/{name}") for name in ("2026-11", "2026-12"))
    assert closed["closing_balance_usd"] == opened["opening_balance_usd"]
    assert closed["is_over"]
    assert client.json("/v1/statements/2026-Q4")["opening_balance_usd"] == "0.00"


@pytest.mark.parametrize("period", ["2026-13", "x", "all", "2025-01..2026-12", "2026-12..2026-11"])
def test_a_period_that_is_none_or_too_long_is_refused(place: PortalPlace, period: str) -> None:
    key = place.key()
    place.pull()
    found = place.client(key).get(f"/v1/statements/{period}")
    assert problem(found) == (422, "invalid")
    assert found.json()["faults"][0].startswith("period: ")
