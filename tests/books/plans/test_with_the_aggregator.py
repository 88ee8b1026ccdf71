"""The whole way: what the books write, what the aggregator makes of it, and what it says is due."""

from pathlib import Path

import pytest

from tests.books.plans.shop import PLANS
from tests.books.program import Books

DUE = ("accounts", "--due", "--within", "8760", "--json")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books with plans, and two accounts with one of them each; alice alone can pay for another."""
    found = Books(tmp_path)
    found.init().ok()
    found.set_rules("plans.toml", PLANS, "--reason", "tests")
    found("pay", "alice", "100").ok()
    found("pay", "bob", "40").ok()
    found("plan", "set", "alice", "pro").ok()
    found("plan", "set", "bob", "pro").ok()
    return found


def pull(books: Books) -> None:
    books("push").ok()
    books.aggregate("pull").ok()


def test_what_is_due_is_renewed_once(books: Books) -> None:
    pull(books)
    answer = books.aggregate(*DUE).ok()
    assert [row["user"] for row in answer.json["due"]] == ["alice", "bob"]
    said = books("plan", "renew", "--push", "--json", stdin=answer.out).ok().json
    (line,) = said["renewed"]
    assert (line["user"], line["fee_usd"]) == ("alice", "35.00")
    (lapsed,) = said["lapsed"]
    assert lapsed["user"] == "bob"
    assert "5.00 USD" in lapsed["why"]
    again = books("plan", "renew", "--json", stdin=answer.out).ok().json
    assert [each["seq"] for each in again["already"]] == [line["seq"]]
    pull(books)
    assert books.aggregate("balance", "alice", "--json").ok().json["balance_usd"] == "30.00"
    users = [row["user"] for row in books.aggregate(*DUE).ok().json["due"]]
    assert "bob" in users
    assert books.aggregate("held", "--json").ok().json == []


def test_who_ends_a_plan_is_renewed_no_more(books: Books) -> None:
    books("plan", "end", "alice").ok()
    pull(books)
    answer = books.aggregate(*DUE).ok()
    said = books("plan", "renew", "--json", stdin=answer.out).ok().json
    assert said["renewed"] == []
    assert "no further period" in said["lapsed"][0]["why"]


def test_an_answer_by_earlier_rules_is_refused(books: Books) -> None:
    pull(books)
    answer = books.aggregate(*DUE).ok()
    books.set_rules("plans.toml", PLANS.replace('"50.00"', '"51.00"'), "--reason", "dearer")
    refused = books("plan", "renew", stdin=answer.out)
    assert refused.code == 75
    assert "`books push` sends the rule book" in refused.err
