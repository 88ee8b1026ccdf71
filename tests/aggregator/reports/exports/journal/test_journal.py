"""What each thing that happens is in a journal, as `aggregator export hledger` prints it."""

from pathlib import Path

import pytest

from aggregator.reports.exports.journal.writing import head_lines
from tests.support import hledger
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.terms_world import TermsWorld
from tests.support.ledger.world import World, money_line
from wire_format.money import NANO

CENT = NANO // 100
CONTRA = "liabilities:contra:promotional"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TermsWorld:
    return reports_world(tmp_path_factory.mktemp("journal"))


def journal_of(world: World, *words: str) -> str:
    """A journal that hledger has checked."""
    journal = world.run("export", "hledger", *words).ok().out
    hledger.check(journal)
    return journal


def balances_of(world: World, *words: str) -> dict[str, int]:
    return hledger.balances(journal_of(world, *words))


def test_every_account_has_what_the_reports_say(world: TermsWorld) -> None:
    """Cash is what came in; promotional credit is nothing on the whole, and in no revenue."""
    assert balances_of(world) == {
        "assets:cash:manual": 100_50 * CENT,
        "assets:receivable:grants": 20 * CENT,
        "liabilities:prepaid": -69_50 * CENT,
        f"{CONTRA}:begun": 5 * NANO,
        f"{CONTRA}:drawn": -3_70 * CENT,
        f"{CONTRA}:breakage": -1_30 * CENT,
        "revenue:usage:llm/tokens": -3 * NANO,
        "revenue:usage:search/web": -1_90 * CENT,
        "revenue:promotional:llm/tokens": 2_80 * CENT,
        "revenue:promotional:search/web": 90 * CENT,
        "revenue:plans:pro": -30 * NANO,
    }


def test_a_period_opens_with_what_the_one_before_closed_with(world: TermsWorld) -> None:
    first = hledger.balances(journal_of(world, "--period", "..2026-11-02"))
    opening = {
        row["account"]: hledger.nano_of(f"{row['amount']} {row['commodity']}")
        for row in hledger.printed(journal_of(world, "--period", "2026-11-03.."), "desc:opening")
    }
    kept = ("assets:", "liabilities:prepaid", "liabilities:grants:")
    assert {name: nano for name, nano in first.items() if name.startswith(kept)} == {
        name: nano for name, nano in opening.items() if name.startswith(kept)
    }
    contra = sum(nano for name, nano in first.items() if name.startswith(CONTRA))
    assert opening[f"{CONTRA}:begun"] == contra == 6_70 * CENT
    assert sum(opening.values()) == 0


def test_credit_of_a_plan_of_which_nothing_was_drawn_comes_to_nothing(world: TermsWorld) -> None:
    """It was in force when the period began: it has begun, and then has not; it is no breakage."""
    found = balances_of(world, "--period", "2026-11-03..")
    assert {name: nano for name, nano in found.items() if name.startswith(CONTRA)} == {
        f"{CONTRA}:begun": 6_70 * CENT - 5 * NANO,
        f"{CONTRA}:drawn": -40 * CENT,
        f"{CONTRA}:breakage": -1_30 * CENT,
    }


def test_entries_of_a_month_are_those_of_its_days(world: TermsWorld) -> None:
    """Under the last day of the month in the period; a payment keeps its date."""
    asked = ("--period", "2026-11-02..2026-11-07")
    monthly = journal_of(world, *asked, "--by", "month")
    assert hledger.balances(monthly) == balances_of(world, *asked)
    dates = {row["description"]: row["date"] for row in hledger.printed(monthly)}
    assert dates == {
        "payment of alice": "2026-11-02",
        "payment of bob": "2026-11-02",
        "fees of plans": "2026-11-07",
        "grants begin": "2026-11-07",
        "usage": "2026-11-07",
        "grants end": "2026-11-07",
        "closing balances": "2026-11-07",
    }


def test_the_head_says_what_it_is_made_from(world: TermsWorld) -> None:
    """As a statement does, so that the two can be compared."""
    days = "2026-11-02..2026-11-07"
    head = journal_of(world, "--period", days).split("\n\n")[0].splitlines()
    made_from = world.run("statement", "alice", "2026-11-02", "--json").ok().json["made_from"]
    assert head == [
        f"; gitmeter, {days}: from 2026-11-02T00:00:00Z until 2026-11-08T00:00:00Z, by UTC",
        "; billed until 2026-11-03T00:01:00Z",
        f"; made from 2 repos: {made_from['sha256']}",
        "; amounts are exact; provider fees are not recorded in the ledger, so not included",
    ]
    assert "; the period is not over yet" in journal_of(world, "--period", "this-year")


def test_the_head_says_what_else_a_bookkeeper_must_know() -> None:
    head = {
        "period": "all",
        "from": None,
        "until": "2026-12-01T00:00:00Z",
        "is_over": True,
        "billed_until": None,
        "tests_count": True,
        "silent_nodes": ["vm-1", "vm-2"],
        "made_from": {"tips": {"books": {}}, "sha256": "00"},
    }
    assert [*head_lines(head, set())][:5] == [
        "; gitmeter, all: from the beginning until 2026-12-01T00:00:00Z, by UTC",
        "; billed until never",
        "; made from 1 repo: 00",
        "; test accounts of providers count here: this is not all real money",
        "; more may follow of silent nodes: 2",
    ]


def test_a_file_is_replaced_once_the_journal_is_whole(world: TermsWorld, tmp_path: Path) -> None:
    """It is what is printed otherwise; where nothing can be written, the file stays."""
    file = tmp_path / "2026.journal"
    file.write_text("an earlier one")
    asked = ("--period", "2026-11-02..2026-11-07", "--out", str(file))
    assert world.run("export", "hledger", *asked).ok().out == f"{file}: 8 entries\n"
    journal = journal_of(world, *asked[:2])
    assert file.read_text() == journal
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    refused = world.run("export", "hledger", "--period", "2099", "--out", str(file))
    nowhere = world.run("export", "hledger", "--out", str(tmp_path / "no" / "2026.journal"))
    assert (refused.code, nowhere.code) == (2, 2)
    assert "does not exist" in nowhere.err
    assert file.read_text() == journal


def test_it_is_the_same_again(world: TermsWorld) -> None:
    asked = ("--period", "2026-11-02..2026-11-07")
    assert journal_of(world, *asked) == journal_of(world, *asked)


def test_a_change_by_hand_is_found(world: TermsWorld) -> None:
    """What is owed in the end is stated, so that no entry can be lost."""
    journal = journal_of(world)
    entries = journal.split("\n\n")
    without = "\n\n".join(each for each in entries if "payment of bob" not in each)
    assert without != journal
    with pytest.raises(AssertionError, match="balance assertion"):
        hledger.check(without)


def test_money_that_goes_back_takes_no_more_than_there_is(tmp_path: Path) -> None:
    world = TermsWorld(tmp_path)
    world.pay_in("10.00")
    world.later(days=1)
    world.refund("4.00", of_seq=1)
    world.later(days=1)
    world.refund("8.00", of_seq=1)
    world.pull()
    journal = journal_of(world)
    found = [
        (row["date"], row["code"], row["description"], row["amount"])
        for row in hledger.printed(journal)
        if row["account"] == "assets:cash:manual"
    ]
    assert found == [
        ("2026-11-02", "cash:1", "payment of alice", "10.000000000"),
        ("2026-11-03", "back:2", "refund of alice", "-4.000000000"),
        ("2026-11-04", "back:3", "refund of alice", "-6.000000000"),
    ]
    assert hledger.balances(journal) == {}


def test_a_paid_grant_is_receivable_until_it_is_void(tmp_path: Path) -> None:
    """And income is what it had left where it ended by itself."""
    world = TermsWorld(tmp_path)
    world.grant("one", "5.00", days=3, category="paid")
    world.grant("other", "7.00", category="paid")
    world.grant("gift", "2.00")
    world.later(hours=1)
    world.use(3 + 15)
    world.later(days=1)
    world.void("other")
    world.void("gift")
    world.pull()
    assert balances_of(world) == {
        "assets:receivable:grants": 5 * NANO,
        f"{CONTRA}:begun": 2 * NANO,
        f"{CONTRA}:void": -2 * NANO,
        "revenue:usage:search/web": -1_50 * CENT,
        "income:breakage:paid": -3_50 * CENT,
    }


def test_a_grant_without_terms_and_an_adjustment_are_expenses(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.rules()
    about = {"kind": "grant", "provider": "manual", "amount": "3.00"}
    world.pay(
        money_line(seq=1, user="alice", amount="5.00", currency="USD"),
        money_line(seq=2, user="alice", external_ref="g", **about),
        money_line(
            seq=3,
            user="alice",
            external_ref="a",
            **(about | {"kind": "adjustment"}),
            reason="sorry",
        ),
        money_line(
            seq=4,
            user="alice",
            external_ref="b",
            **(about | {"kind": "adjustment", "amount": "-1.00"}),
            reason="too much",
        ),
    )
    world.pull()
    found = balances_of(world)
    assert (found["expenses:grants"], found["expenses:adjustments"]) == (3 * NANO, 2 * NANO)
    assert found["liabilities:prepaid"] == -10 * NANO


def test_a_payment_in_shillings_counts_what_it_credited(tmp_path: Path) -> None:
    """What was paid is said beside it."""
    world = World(tmp_path)
    world.rules()
    paid = {"provider": "clickpesa", "amount": "3000", "currency": "TZS", "credited_usd": "1.17"}
    world.pay(money_line(seq=1, user="a(b);c|d", external_ref="CP:1)", **paid))
    world.pull()
    journal = journal_of(world)
    assert hledger.balances(journal)["assets:cash:clickpesa"] == 1_17 * CENT
    (row, *_) = hledger.printed(journal)
    assert (row["code"], row["description"]) == ("CP:1%29", "payment of a%28b%29%3Bc%7Cd")
    assert row["comment"] == "books 1, 3000 TZS"


def test_of_nothing_there_is_no_entry(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.rules()
    world.pull()
    assert journal_of(world).splitlines()[-1] == "commodity 1000.000000000 USD"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--period", "2026-1"), "is no period such as"),
        (("--period", "2099"), "'2099' has not begun"),
        (("--by", "week"), "is not one of"),
        (("alice",), "unexpected extra argument"),
    ],
)
def test_wrong_words_are_refused(world: TermsWorld, words: tuple[str, ...], says: str) -> None:
    said = world.run("export", "hledger", *words)
    assert (said.code, said.out) == (2, "")
    assert says in said.err
