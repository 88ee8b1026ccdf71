"""`writers.toml` and `fx.toml` in the books: set like prices, with the past guarded like theirs."""

from pathlib import Path

import pytest

from tests.books.program import Books
from tests.wire_format.test_writers import CHARGER, CONSENTS, DESK, PROVIDER, RATE, TILL
from wire_format.rule_book import parse_rule_book
from wire_format.rule_files.fx_file import FX_PATH
from wire_format.writers import WRITERS_PATH

RAISED = TILL.replace('"100.00"', '"200.00"')
LATER = RAISED.replace("2026-01-01", "2099-01-01")
SAYS_100 = "stripe; at most 100.00 USD a payment, 1000.00 USD unconfirmed"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books with one account at a provider and one till."""
    found = Books(tmp_path)
    found.init().ok()
    found("rules", "set", write(PROVIDER + TILL), "--by", "ada").ok()
    return found


def write(text: str, name: str = "writers.toml") -> str:
    """A file in the current folder, which is the test's own."""
    Path(name).write_text(text)
    return name


def test_both_files_go_in_and_are_in_force_at_the_aggregator(books: Books) -> None:
    """A first till with a `from` in the past needs no reason: nothing was stated for then."""
    books("rules", "set", write(RATE, "fx.toml")).ok()
    books("push").ok()
    assert books.pushed(WRITERS_PATH) == (PROVIDER + TILL).encode()
    assert books.pushed(FX_PATH) == RATE.encode()
    shown = books("rules", "show", "--json").ok().json
    assert shown["writers"] == {
        "provider stripe": "stripe acct_1 (live)",
        "till till-1 from 2026-01-01T00:00:00Z": SAYS_100,
        "rate of TZS from 2026-01-01T00:00:00Z": "0.0004 USD",
    }
    assert f"till till-1 from 2026-01-01T00:00:00Z: {SAYS_100}" in books("rules", "show").ok().out
    books.aggregate("pull").ok()
    verified = books.aggregate("verify", "--json").ok().json
    assert verified["rule_book"] == shown["sha256"]
    assert books("rules", "export", "fx.toml").ok().out.endswith(RATE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PROVIDER, f"till till-1: {SAYS_100} becomes not stated"),
        (PROVIDER + RAISED, f"till till-1: {SAYS_100} becomes stripe; at most 200.00 USD"),
        (PROVIDER + TILL + "until = 2026-01-01T01:00:00Z\n", "becomes not stated"),
        (PROVIDER + TILL.replace("2026", "2099"), "becomes not stated"),
    ],
)
def test_what_a_writer_could_do_in_the_past_changes_only_with_a_reason(
    books: Books, text: str, says: str
) -> None:
    refused = books("rules", "set", write(text))
    assert refused.code != 0
    assert says in refused.out
    assert "it changes what writers and plans could do in the past" in refused.err
    done = books("rules", "set", write(text), "--reason", "as agreed", "--json").ok().json
    assert done["past"][0]["rule"] == "till till-1"


@pytest.mark.parametrize("text", [PROVIDER + TILL + LATER, PROVIDER + TILL + DESK])
def test_what_begins_later_or_was_not_stated_needs_no_reason(books: Books, text: str) -> None:
    done = books("rules", "set", write(text), "--json").ok().json
    assert done["past"] == []


SAVES = f"{SAYS_100}; consents to at most 100.00 USD a charge, 500.00 USD a month"
CHARGES = "stripe; charges saved cards, at most 20 attempts and 500.00 USD in any hour"


@pytest.mark.parametrize(
    ("changed", "rule", "says"),
    [
        (
            ('"100.00"\nconsent_m', '"99.00"\nconsent_m'),
            "till till-1",
            "at most 99.00 USD a charge",
        ),
        (('month_max_usd = "500', 'month_max_usd = "600'), "till till-1", "600.00 USD a month"),
        ((CONSENTS, ""), "till till-1", f"{SAVES} becomes {SAYS_100}"),
        (("hour_max = 20", "hour_max = 30"), "till charger-1", "at most 30 attempts"),
        (("hour_max = 20", "hour_max = 1"), "till charger-1", "at most 1 attempt and"),
        (('hour_max = "500', 'hour_max = "600'), "till charger-1", "600.00 USD in any hour"),
        ((CHARGER, ""), "till charger-1", f"{CHARGES} becomes not stated"),
    ],
)
def test_what_may_be_charged_in_the_past_changes_only_with_a_reason(
    books: Books, changed: tuple[str, str], rule: str, says: str
) -> None:
    """Neither what may be consented to nor the fuse, up or down; both are shown."""
    text = PROVIDER + TILL + CONSENTS + CHARGER
    books("rules", "set", write(text), "--reason", "cards are saved").ok()
    shown = books("rules", "show", "--json").ok().json["writers"]
    assert shown["till till-1 from 2026-01-01T00:00:00Z"] == SAVES
    assert shown["till charger-1 from 2026-01-01T00:00:00Z"] == CHARGES
    other = write(text.replace(*changed))
    refused = books("rules", "set", other)
    assert refused.code != 0
    assert says in refused.out
    assert "it changes what writers and plans could do in the past" in refused.err
    done = books("rules", "set", other, "--reason", "as agreed", "--json").ok().json
    assert [each["rule"] for each in done["past"]] == [rule]


def test_a_rate_of_the_past_is_guarded(books: Books) -> None:
    books("rules", "set", write(RATE, "fx.toml")).ok()
    refused = books("rules", "set", write(RATE.replace("0.0004", "0.0005"), "fx.toml"))
    assert "rate of TZS: 0.0004 USD becomes 0.0005 USD" in refused.out
    assert refused.code != 0


@pytest.mark.parametrize(
    "text", [TILL, PROVIDER.replace("acct_1", "acct_2") + TILL, "# nothing at all\n"]
)
def test_an_account_at_a_provider_is_never_stated_otherwise(books: Books, text: str) -> None:
    """Not even with a reason, and not by taking the change back."""
    for options in ((), ("--reason", "another account")):
        refused = books("rules", "set", write(text), *options)
        assert refused.code != 0
        assert "provider stripe: is stripe acct_1 (live) for good" in refused.err
    undone = books("rules", "undo", "--reason", "a mistake")
    assert "for good" in undone.err


def test_another_change_can_be_taken_back(books: Books) -> None:
    books("rules", "set", write(PROVIDER + TILL + LATER)).ok()
    books("rules", "undo").ok()
    shown = books("rules", "show", "--json").ok().json
    assert len(shown["writers"]) == 2
    assert books("rules", "history").ok().out.count("writers") == 3


def test_the_aggregator_says_what_a_file_would_do_to_charges(books: Books) -> None:
    """Nothing, as it is about who may write."""
    books("push").ok()
    books.aggregate("pull").ok()
    file = write(PROVIDER + TILL + LATER)
    answer = books.aggregate("reprice", file, "--json").ok()
    assert answer.json["charges_changed"] == 0
    books("rules", "set", file, "--repriced", "-", stdin=answer.out).ok()


def test_a_file_with_faults_is_refused_with_all_of_them(books: Books) -> None:
    refused = books("rules", "check", write(TILL.replace("till-1", "T").replace('"100.00"', "1")))
    assert refused.code != 0
    assert "till #1 (line 1) node:" in refused.err
    assert "till #1 (line 1) payment_max_usd:" in refused.err


def test_the_name_is_that_of_all_files(books: Books) -> None:
    shown = books("rules", "show", "--json").ok().json
    names = ("prices.toml", "discounts.toml")
    prices, discounts = (
        books("rules", "export", name).ok().out.partition("\n")[2].encode() for name in names
    )
    text = (PROVIDER + TILL).encode()
    assert parse_rule_book(prices, discounts, None, text).sha256 == shown["sha256"]
