"""`books grant` with terms: the line that it writes, once, and what it refuses."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.books.program import Books, spooled
from tests.wire_format.test_writers import PROVIDER, TILL
from wire_format.lines import Folder, Money
from wire_format.segment import decode_segment

JSONL = (
    '{"user":"alice","amount":5,"until":30,"scope":"llm/* stt/*","ref":"a","priority":3}\n'
    '{"user":"bob","amount":"6","ref":"b"}\n'
)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books of an account at Stripe that a till writes of."""
    found = Books(tmp_path)
    found.init().ok()
    found.set_rules("writers.toml", PROVIDER + TILL)
    return found


def grants(books: Books) -> list[Money]:
    records = decode_segment(spooled(books.home), Folder.PAYMENTS).records
    return [each for each in records if isinstance(each, Money)]


def test_without_terms_it_is_the_line_that_it_always_was(books: Books) -> None:
    stated = ("--reason", "welcome", "--ts", "2026-01-01T00:00:00Z")
    books("grant", "alice", "5.00", *stated).ok()
    assert spooled(books.home) == (
        b'{"v":1,"node":"books","seq":1,"ts":"2026-01-01T00:00:00Z","user":"alice","kind":"grant",'
        b'"provider":"manual","amount":"5.00","currency":"USD","status":"succeeded",'
        b'"reason":"welcome"}\n'
    )


def test_with_terms_it_is_a_line_of_version_2(books: Books) -> None:
    terms = ("--from", "2026-01-01", "--until", "2026-02-01T06:00:00Z", "--priority", "7")
    what = ("--category", "paid", "--scope", "stt/*", "--scope", "llm/*", "--ref", "spring:alice")
    stated = ("--ts", "2026-01-05T00:00:00Z", "--reason", "spring")
    books("grant", "alice", "25.00", *terms, *what, *stated).ok()
    assert spooled(books.home) == (
        b'{"v":2,"node":"books","seq":1,"ts":"2026-01-05T00:00:00Z","user":"alice","kind":"grant",'
        b'"provider":"manual","external_ref":"spring:alice","amount":"25.00","currency":"USD",'
        b'"status":"succeeded","category":"paid","priority":7,"from":"2026-01-01T00:00:00Z",'
        b'"until":"2026-02-01T06:00:00Z","scope":["llm/*","stt/*"],"reason":"spring"}\n'
    )


@pytest.mark.parametrize(
    "option",
    [
        ("--until", "30"),
        ("--from", "2026-01-01"),
        ("--priority", "50"),
        ("--scope", "llm/*"),
        ("--category", "promotional"),
        ("--ref", "x"),
    ],
)
def test_any_term_alone_gives_the_others_their_defaults(
    books: Books, option: tuple[str, str]
) -> None:
    at = ("--ts", "2026-01-05T13:45:10Z")
    books("grant", "alice", "5", *option, *at).ok()
    (line,) = grants(books)
    assert (line.v, line.category, line.priority) == (2, "promotional", 50)
    begins = datetime(2026, 1, 5, 13, tzinfo=UTC)
    if option[0] == "--from":
        begins = datetime(2026, 1, 1, tzinfo=UTC)
    assert line.from_ == begins
    assert line.until == (datetime(2026, 2, 4, 13, tzinfo=UTC) if option[1] == "30" else None)
    assert line.external_ref == ("x" if option[1] == "x" else f"alice@{begins:%Y-%m-%dT%H:%M:%SZ}")


def test_the_same_reference_with_the_same_terms_is_there_already(books: Books) -> None:
    """Also where it began in an earlier hour by default; the length is what was stated."""
    terms = ("--until", "30", "--ref", "spring:alice")
    books("grant", "alice", "25", *terms, "--ts", "2026-01-05T13:45:10Z").ok()
    again = books("grant", "alice", "25.00", *terms, "--reason", "again").ok()
    assert "seq 1 records the grant spring:alice of manual already" in again.out
    assert "nothing was recorded" in again.out
    said = books("grant", "alice", "25", *terms, "--json").ok().json
    assert (said["seq"], said["repeated"]) == (1, True)
    books("push").ok()
    assert books("grant", "alice", "25", *terms, "--json").ok().json["repeated"]
    assert len(grants(books)) <= 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("bob", "25", "--until", "30"), "user"),
        (("alice", "26", "--until", "30"), "amount"),
        (("alice", "25", "--until", "31"), "until"),
        (("alice", "25"), "until"),
        (("alice", "25", "--until", "30", "--priority", "3"), "priority"),
        (("alice", "25", "--until", "30", "--scope", "a"), "scope"),
        (("alice", "25", "--until", "30", "--category", "paid"), "category"),
        (("alice", "25", "--until", "30", "--from", "2026-01-05"), "from"),
        (("alice", "25", "--until", "30", "--bonus-on", "stripe:pi_1"), "bonus_on"),
    ],
)
def test_the_same_reference_with_other_terms_is_refused_with_what_is_there(
    books: Books, changed: tuple[str, ...], says: str
) -> None:
    ref = ("--ref", "spring:alice", "--ts", "2026-01-05T13:45:10Z")
    books("grant", "alice", "25", "--until", "30", *ref).ok()
    refused = books("grant", *changed, *ref)
    assert refused.code == 1
    assert f"with another {says}" in refused.err
    assert "25 USD, alice, from 2026-01-05T13:00:00Z until 2026-02-04T13:00:00Z" in refused.err
    assert "another grant needs another --ref" in refused.err
    assert len(grants(books)) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--until", "0"), "until: must be 1 to 36500 days"),
        (("--until", "soon"), "until: must be a number of days, or a time such as"),
        (("--until", "2026-01-01T00:30:00Z"), "until: must be a full hour"),
        (("--from", "7"), "from: must be a time such as"),
        (("--from", "2026-02-01", "--until", "2026-01-01"), "until: must be later than from"),
        (("--priority", "1001"), "priority: must be from 0 to 1000"),
        (("--scope", "a?"), "scope: must be globs"),
        (("--category", "gift"), "gift"),
        (("--ref", "a b"), "external_ref: must be 1 to 128"),
        (("--bonus-on", "pi_1"), "bonus_on: must be the provider and the reference"),
        (("--bonus-on", "paypal:pi_1"), "provider: must be one of"),
        (("--bonus-on", "manual:inv-7"), "no payment of these books that counts"),
        (("--until", "36500", "--from", "2090-01-01"), "2000 to"),
    ],
)
def test_wrong_terms_are_refused_with_a_reason(
    books: Books, options: tuple[str, ...], says: str
) -> None:
    refused = books("grant", "alice", "5", *options)
    assert refused.code in {1, 2}
    assert says in refused.err
    assert spooled(books.home) == b""


def test_a_user_with_a_long_name_needs_a_reference(books: Books) -> None:
    refused = books("grant", "a" * 120, "5", "--until", "30")
    assert "state --ref" in refused.err
    books("grant", "a" * 120, "5", "--until", "30", "--ref", "x").ok()


def test_a_bonus_names_its_payment(books: Books) -> None:
    """One of the books must be there; one of a till may come later."""
    books("pay", "bob", "20", "--external-ref", "inv-7").ok()
    books("grant", "alice", "5", "--bonus-on", "manual:inv-7", "--ref", "b1").ok()
    books("grant", "alice", "5", "--bonus-on", "stripe:pi_1", "--ref", "b2").ok()
    books("grant", "alice", "5", "--bonus-on", "stripe:pi_1", "--ref", "b2").ok()
    named = [(line.of_provider, line.of_ref) for line in grants(books)[1:]]
    assert named == [("manual", "inv-7"), ("stripe", "pi_1")]
    books("decide", "exclude", "books", "1", "--reason", "never came").ok()
    refused = books("grant", "alice", "5", "--bonus-on", "manual:inv-7", "--ref", "b3")
    assert "no payment of these books that counts" in refused.err
    assert (
        "bonus on stripe:pi_1"
        in books("grant", "alice", "6", "--bonus-on", "stripe:pi_1", "--ref", "b2").err
    )


def test_a_refund_of_the_payment_of_a_bonus_goes_on_as_before(books: Books) -> None:
    books("pay", "bob", "20", "--external-ref", "inv-7").ok()
    books("grant", "alice", "5", "--bonus-on", "manual:inv-7").ok()
    books("refund", "bob", "20", "--payment", "1").ok()
    assert "more than the payment" in books("refund", "bob", "1", "--payment", "1").err


@pytest.mark.parametrize(
    "text",
    [
        "user,amount,until,scope,ref,priority\nalice,5,30,llm/* stt/*,a,3\nbob,6,,,b,\n",
        JSONL,
    ],
)
def test_many_at_once_have_the_same_columns(books: Books, text: str) -> None:
    """Sent again they are there already."""
    said = books("grant", "-", "--json", stdin=text).ok().json
    assert (said["recorded"], said["without_reference"]) == (2, 0)
    first, second = grants(books)
    assert (first.scope, first.priority, first.external_ref) == (("llm/*", "stt/*"), 3, "a")
    assert first.until is not None
    assert (second.v, second.until, second.scope, second.priority) == (2, None, None, 50)
    again = books("grant", "-", "--json", stdin=text).ok().json
    assert (again["recorded"], again["already"]) == (0, 2)


def test_an_option_holds_for_each_row_that_does_not_say_otherwise(books: Books) -> None:
    text = "user,amount,until\nalice,5,\nbob,6,60\n"
    said = books("grant", "-", "--until", "30", "--json", stdin=text).ok().json
    assert said["without_reference"] == 2
    lengths = [line.until - line.from_ for line in grants(books) if line.until and line.from_]
    assert [length.days for length in lengths] == [30, 60]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("alice,5,x,", "until: must be a number of days"),
        ("alice,5,,many", "priority: must be a whole number"),
        ("alice,5,,9999", "priority: must be from 0 to 1000"),
    ],
)
def test_a_row_with_wrong_terms_is_refused_alone(books: Books, row: str, says: str) -> None:
    text = f"user,amount,until,priority\n{row}\nbob,5,30,\n"
    said = books("grant", "-", "--json", "--skip-refused", stdin=text).json
    assert says in said["refused"][0]["reason"]
    assert said["recorded"] == 1


def test_the_aggregator_counts_what_was_written(books: Books) -> None:
    books("grant", "alice", "5").ok()
    books("grant", "alice", "25", "--until", "30", "--ref", "spring:alice").ok()
    books("void", "spring:alice", "--reason", "mistake").ok()
    books("push").ok()
    books.aggregate("pull").ok()
    assert books.aggregate("held", "--json").ok().json == []
    assert books.aggregate("rejects", "--json").ok().json == []
    found: Any = books.aggregate("grants", "alice", "--json").ok().json
    assert "spring:alice" in str(found)
    shown = books("log").ok().out
    assert "void of manual spring:alice from" in shown
