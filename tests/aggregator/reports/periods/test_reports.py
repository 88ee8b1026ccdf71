"""Usage, revenue, what is owed and who runs out, as the commands print them."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.reports.periods.running_out import running_out
from aggregator.store.questions.sums import CostSum, Grouping
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import EVER_HOUR
from tests.support.case_rules import prices_toml
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.terms_world import PLANS, TermsWorld
from tests.support.ledger.told_reports import rows_of
from tests.support.ledger.world import World, decision_line, usage_line
from tests.support.priced import price, tiers
from wire_format.money import NANO


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TermsWorld:
    return reports_world(tmp_path_factory.mktemp("reports"))


def json_of(world: TermsWorld, *arguments: str) -> Any:  # noqa: ANN401 - whatever it is
    return world.run(*arguments, "--json").ok().json


def csv_of(world: TermsWorld, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(world.run(*arguments, "--csv").ok().out)))


def test_usage_is_told_by_resource_with_what_the_plan_includes(world: TermsWorld) -> None:
    found = json_of(world, "usage", "alice", "--period", "2026-11")
    assert (found["user"], found["period"], found["by"]) == ("alice", "2026-11", ["resource"])
    rows = {row["resource"]: row for row in found["rows"]}
    assert {name: (row["quantity"], row["included"]) for name, row in rows.items()} == {
        "llm/tokens": (3000, 0),
        "search/web": (29, 20),
    }
    assert [rows[name]["billed_cost_nano"] for name in sorted(rows)] == [3 * NANO, 900_000_000]
    total = found["total"]
    assert total["billed_cost_nano"] == total["drawn_nano"] + total["uncovered_nano"]
    assert "quantity" not in total
    assert found["waiting_for"] == []


def test_a_period_has_its_hours_alone(world: TermsWorld) -> None:
    """The first day has what was used in its last hour, and not what was used in the next one."""
    days = [json_of(world, "usage", "--period", f"2026-11-0{day}")["total"] for day in (2, 3)]
    assert [each["records"] for each in days] == [2, 3]
    assert json_of(world, "usage", "--period", "2026-11-04")["rows"] == []
    until = json_of(world, "usage", "--period", "2026-11", "--as-of", "2026-11-03")
    assert until["total"] == days[0]


def test_usage_is_kept_apart_by_what_is_asked_for(world: TermsWorld) -> None:
    rows = csv_of(world, "usage", "--by", "day", "--by", "user", "--period", "all")
    assert [(row["day"], row["user"], row["records"]) for row in rows] == [
        ("2026-11-02", "alice", "2"),
        ("2026-11-03", "alice", "1"),
        ("2026-11-03", "bob", "2"),
    ]
    assert [row["unrated_charges"] for row in rows] == ["0", "0", "1"]
    shown = world.run("usage", "--by", "user", "--period", "2026-11").ok().out
    assert " total " in shown
    assert "USD, rounded to cents; 2026-11: from 2026-11-01T00:00:00Z until 2026-12-01" in shown


def test_which_node_and_instance_wrote_what(tmp_path: Path) -> None:
    """A line that does not count is left out, a correction is in; all add up to the charges."""
    world = World(tmp_path)
    world.repo("books")
    world.rules()
    used = {"user": "alice", "ts": "2025-01-01T05:00:00Z"}
    world.usage(
        usage_line(node="node-1", **used, units=100, instance="vm-1"),
        usage_line(node="node-1", seq=2, **used, units=50, instance="vm-2"),
        usage_line(node="node-1", seq=3, **used, units=-20, corrects=2, reason="a wrong count"),
        usage_line(node="node-1", seq=4, user="bob", units=7),
        repo="node-1",
    )
    again = usage_line(node="node-2", user="alice", ts="2025-01-02T06:00:00Z", units=5)
    world.usage(again, usage_line(node="node-2", **used, seq=2, units=9), repo="node-2")
    world.decide(decision_line(seq=1, kind="exclude", of="node-2", of_seq=2))
    world.pull()
    asked = ("usage", "alice", "--period", "2025-01")
    nodes = world.run(*asked, "--by", "node", "--json").ok().json
    rows = [(row["node"], row["quantity"], row["records"]) for row in nodes["rows"]]
    assert rows == [("node-1", 130, 3), ("node-2", 5, 1)]
    assert (nodes["adds_up"], nodes["total"]) == (True, {"records": 4})
    said = world.run(*asked, "--by", "instance", "--by", "day", "--csv").ok().out
    told = [(row["day"], row["instance"]) for row in csv.DictReader(io.StringIO(said))]
    assert told == [
        *(("2025-01-01", ""), ("2025-01-01", "vm-1"), ("2025-01-01", "vm-2")),
        ("2025-01-02", ""),
    ]
    assert "not those of the charges" not in world.run(*asked, "--by", "node").ok().out
    with world.ledger() as ledger:
        ledger.store._connection.execute("UPDATE charge SET quantity = quantity + 1")
    assert "not those of the charges" in world.run(*asked, "--by", "node").ok().out


def test_revenue_leaves_out_what_promotional_grants_paid(world: TermsWorld) -> None:
    """The grant that somebody paid for, and the plan's fee, are earned."""
    found = json_of(world, "revenue", "--period", "2026-11")
    billed = 4_900_000_000
    promotional = found["total"]["promotional_nano"]
    assert found["total"]["billed_cost_nano"] == billed
    assert found["total"]["revenue_nano"] == billed - promotional + 30 * NANO
    paid = json_of(world, "usage", "--period", "2026-11")["total"]["drawn_nano"] - promotional
    assert paid == 200_000_000
    plans = {row["plan"]: row["revenue_nano"] for row in json_of(
        world, "revenue", "--by", "plan", "--period", "2026-11"
    )["rows"]}  # fmt: skip
    assert plans == {"pro": 30 * NANO, "(usage)": billed - promotional}
    months = csv_of(world, "revenue", "--by", "month", "--period", "all")
    assert [row["month"] for row in months] == ["2026-11"]


def test_what_is_owed_is_paid_and_promotional_apart(world: TermsWorld) -> None:
    found = json_of(world, "liability")
    owed = {row["what"]: row["amount_nano"] for row in found["rows"]}
    alice = json_of(world, "balance", "alice")
    own_nano = alice["credit_nano"] - alice["uncovered_nano"]
    assert owed["prepaid balances"] == own_nano
    assert owed["paid grants"] + owed["promotional grants"] == alice["granted_nano"]
    beside = {each["what"]: each["amount_nano"] for each in found["beside"]}
    assert beside["debts of customers"] == -500_000_000
    before = json_of(world, "liability", "--as-of", "2026-11-02T01")
    # the grants are dated in the hour before, the plan and what was used later
    assert before["total"]["amount_nano"] == 105_700_000_000
    assert "debts of customers: -0.50 USD" in world.run("liability").ok().out


def test_who_runs_out_is_told_by_the_mean_of_seven_days(tmp_path: Path) -> None:
    """Of usage of whole days: what is used today does not count, and neither does an old one."""
    world = TermsWorld(tmp_path)
    world.pay_in("6.00")
    world.pay_in("100.00", user="bob")
    world.pay_in("1.00", user="carol")
    world.later(hours=12)
    for user in ("alice", "bob", "carol"):
        world.use(13, user=user)  # three are included, ten cost a dollar
    world.later(days=7)
    world.use(20, user="bob")
    world.pull()
    with world.reading() as store:
        found = rows_of(running_out(store, world.now, 40))
        later = rows_of(running_out(store, world.now + timedelta(days=1), 40))
    assert [tuple(row.values()) for row in found] == [
        ("carol", 0, 142857143, 0, f"{world.now:%Y-%m-%d}"),
        ("alice", 5 * NANO, 142857143, 34, f"{world.now + timedelta(days=34):%Y-%m-%d}"),
    ]
    assert later == []  # of bob the day with 17 units beyond the plan's is a whole one now
    said = world.run("accounts", "--running-out", "40d").ok().out
    assert said == "no account that used anything lately runs out within 40 days\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("accounts",), "state one of --due and --running-out"),
        (("accounts", "--due", "--running-out", "7d"), "state one of"),
        (("accounts", "--running-out", "a week"), "is not a number of days such as 7d"),
        (("accounts", "--due", "--csv"), "--due prints a table or --json"),
        (("usage", "--period", "2026-1"), "is no period such as"),
        (("usage", "--csv", "--json"), "two forms of one answer"),
        (("revenue", "--by", "node"), "is not one of"),
        (("usage", "--by", "node"), "are for one USER"),
    ],
)
def test_wrong_words_are_refused(world: TermsWorld, words: tuple[str, ...], says: str) -> None:
    said = world.run(*words)
    assert (said.code, said.out) == (2, "")
    assert says in said.err


def test_of_nobody_there_is_no_usage(world: TermsWorld) -> None:
    said = world.run("usage", "carol")
    assert said.code == 1
    assert "no account of 'carol'" in said.err


def costs_are_of_the_usage(store: LedgerStore) -> None:
    """What one account used is added up in a shorter way, too."""
    (account,) = store.reports.accounts()
    for grouping in (Grouping(by_day=True), Grouping(by_resource=False)):
        asked_for = (0, EVER_HOUR, grouping, account["id"])
        costs = store.sums.costs(*asked_for)
        usage = [each._asdict() for each in store.sums.usage(*asked_for)]
        assert [each._asdict() for each in costs] == [
            {name: each[name] for name in CostSum._fields} for each in usage
        ]
        assert costs


def test_sums_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    """Units of one charge, and of all of them: SQLite alone would fail, or lose the last digits."""
    world = TermsWorld(tmp_path, PLANS)
    hourly = price(**tiers("graduated", (5, "0", "0"), (None, "0.000000001", "0"), per=10**9))
    world.rule_files({"rules/prices.toml": prices_toml([hourly]).encode()})
    most = 10**15
    for _ in range(3):
        for _ in range(6):
            world.use(most, "vm/large")
        world.later(hours=1)
    world.pull()
    with world.ledger() as ledger, ledger.store.transaction():
        costs_are_of_the_usage(ledger.store)
        ledger.store._connection.execute("UPDATE charge SET quantity = '99999999999999999999'")
        costs_are_of_the_usage(ledger.store)
    rows = csv_of(world, "usage", "--period", "all")
    assert [row["quantity"] for row in rows] == [str(3 * 99999999999999999999)]
    with world.ledger() as ledger, ledger.store.transaction():
        ledger.store._connection.execute("UPDATE charge SET quantity = 9223372036854775807")
        costs_are_of_the_usage(ledger.store)
    for user in ((), ("alice",)):
        rows = csv_of(world, "usage", *user, "--period", "all")
        assert [row["quantity"] for row in rows] == [str(3 * 9223372036854775807)]
