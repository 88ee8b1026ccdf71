"""Money at accounts that tills write of: by hand only, under its one name, in version 2."""

import json
from pathlib import Path

import pytest

from tests.books.program import Books, spooled
from tests.support.writers import account_text, till_text

WRITERS = (
    account_text("stripe", "acct_1")
    + account_text("stripe-eu", "acct_2")
    + account_text("clickpesa-tz", "client-1", "clickpesa")
    + till_text(
        "stripe-eu", "clickpesa-tz", payment_max_usd="500.00", unconfirmed_max_usd="1000.00"
    )
)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books whose rule book names three accounts; a till writes of two of them."""
    found = Books(tmp_path)
    found.init().ok()
    found.set_rules("writers.toml", WRITERS, "--reason", "tills")
    return found


def lines(books: Books) -> list[dict[str, object]]:
    return [json.loads(line) for line in spooled(books.home).splitlines()]


def pay(books: Books, *more: str) -> None:
    books("pay", "alice", "20", "--provider", "stripe-eu", "--external-ref", "pi_1", *more).ok()


def test_what_a_till_records_is_recorded_here_by_hand_alone(books: Books) -> None:
    command = ["pay", "alice", "20", "--provider", "stripe-eu", "--external-ref", "pi_1"]
    said = books(*command)
    assert (said.code, "a till records what moves at stripe-eu" in said.err) == (1, True)
    assert "--by-hand" in said.err
    assert lines(books) == []
    books(*command, "--by-hand").ok()
    (line,) = lines(books)
    assert (line["v"], line["provider"], line["external_ref"]) == (2, "stripe-eu", "pi_1")
    assert "attempt" not in line
    assert line["user"] == "alice"


def test_an_account_without_a_till_needs_no_hand(books: Books) -> None:
    books("pay", "alice", "20", "--provider", "stripe", "--external-ref", "pi_1").ok()
    assert lines(books)[0]["v"] == 2


@pytest.mark.parametrize("provider", ["manual", "clickpesa"])
def test_what_no_account_is_named_like_stays_as_it_was(books: Books, provider: str) -> None:
    books("pay", "alice", "20", "--provider", provider, "--status", "pending").ok()
    assert lines(books)[0]["v"] == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("pay alice 20 --provider paypal", "provider: must be one of"),
        ("pay alice 20 --provider stripe", "external_ref: required"),
        ("pay alice 20 --provider stripe --external-ref ch_1", "a payment is named pi_"),
        ("pay alice 20 --provider stripe --external-ref re_1", "a payment is named pi_"),
        ("pay alice 20 --provider stripe --external-ref pi_1 --status pending", "succeeded"),
        ("pay alice 20 --provider stripe --external-ref pi_1 --credited-usd 20", "credited_usd"),
        (
            "pay alice 20 --provider stripe --external-ref pi_1 --currency XXX --credited-usd 5",
            "ISO 4217",
        ),
        ("pay alice 20 --provider stripe --external-ref pi_1 --currency TZS", "credited_usd"),
        ("refund alice 5 --provider stripe --payment-ref pi_1", "external_ref: required"),
        ("refund alice 5 --provider stripe --payment-ref pi_1 --external-ref pi_2", "re_ or pyr_"),
        ("refund alice 5 --provider stripe --payment-ref ch_1 --external-ref re_1", "of_ref"),
        ("refund alice 5 --payment-ref pi_1 --external-ref re_1", "no payment of these books"),
    ],
)
def test_what_would_not_count_is_refused(books: Books, command: str, says: str) -> None:
    said = books(*command.split())
    assert (said.code, says in said.err) == (1, True), said.err
    assert lines(books) == []


def test_an_undecided_payment_is_decided_by_stating_user_and_credit(books: Books) -> None:
    where = ("--provider", "clickpesa-tz", "--external-ref", "0968TX", "--by-hand")
    books("pay", "bob", "50000", "--currency", "tzs", "--credited-usd", "19.04", *where).ok()
    (line,) = lines(books)
    stated = {name: line[name] for name in ("v", "user", "credited_usd", "status", "external_ref")}
    assert stated == {
        "v": 2,
        "user": "bob",
        "credited_usd": "19.04",
        "status": "succeeded",
        "external_ref": "0968TX",
    }


def test_a_refund_names_the_payment_whether_a_till_or_the_books_have_it(books: Books) -> None:
    own = ("--external-ref", "re_1", "--by-hand")
    books("refund", "alice", "5", "--provider", "stripe-eu", "--payment-ref", "pi_9", *own).ok()
    pay(books, "--by-hand")
    books("refund", "alice", "5", "--payment", "2", "--external-ref", "re_2", "--by-hand").ok()
    books(
        "refund", "alice", "5", "--payment-ref", "pi_1", "--external-ref", "re_3", "--by-hand"
    ).ok()
    found = [(line["v"], line["of_ref"]) for line in lines(books) if line["kind"] == "refund"]
    assert found == [(2, "pi_9"), (2, "pi_1"), (2, "pi_1")]
    assert all("refers_to" not in line for line in lines(books))


def test_refunds_fit_a_payment_that_the_books_have(books: Books) -> None:
    pay(books, "--by-hand")
    command = ["refund", "alice", "15", "--payment", "1", "--by-hand", "--external-ref"]
    books(*command, "re_1").ok()
    said = books(*command, "re_2")
    assert "the refund of 15.00 USD after 15.00 given back before is more than" in said.err
    other = ["--provider", "stripe-eu", "--payment-ref", "pi_1", "--external-ref", "re_3"]
    said = books("refund", "bob", "1", *other, "--by-hand")
    assert "seq 1 is a payment of alice, not of bob" in said.err
    said = books("refund", "alice", "1", *other, "--by-hand", "--currency", "EUR")
    assert "is a payment in USD" in said.err
    assert len(lines(books)) == 2


def test_the_same_movement_is_recorded_once(books: Books) -> None:
    pay(books, "--by-hand")
    said = books(
        "pay", "alice", "20.0", "--provider", "stripe-eu", "--external-ref", "pi_1", "--by-hand"
    )
    assert "seq 1 records the payment pi_1 of stripe-eu already" in said.err
    refund = ["refund", "alice", "5", "--payment", "1", "--external-ref", "re_1", "--by-hand"]
    books(*refund).ok()
    assert "seq 2 records the refund re_1 of stripe-eu already" in books(*refund).err
    refund[2] = "6"
    assert "with another amount" in books(*refund).err
    assert len(lines(books)) == 2


def test_rows_follow_the_same_rules(books: Books) -> None:
    rows = "user,amount,external_ref\nalice,5,pi_1\nbob,6,ch_2\n"
    said = books("pay", "-", "--provider", "stripe-eu", "--by-hand", "--skip-refused", stdin=rows)
    assert (said.code, "line 3: external_ref: a payment is named pi_" in said.err) == (1, True)
    assert [(line["v"], line["external_ref"]) for line in lines(books)] == [(2, "pi_1")]
    said = books("pay", "-", "--provider", "stripe-eu", stdin=rows)
    assert "2 of 2 rows refused" in said.err
    refunds = "user,amount,payment_ref,external_ref\nalice,2,pi_1,re_1\nalice,9,pi_1,re_2\n"
    said = books(
        "refund", "-", "--provider", "stripe-eu", "--by-hand", "--skip-refused", stdin=refunds
    )
    assert "line 3: the refund of 9.00 USD after 2.00" in said.err
