"""`grants`, `entitlements`, `accounts --due`, and what other commands say of grants and plans."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from aggregator.reports.reprice import read_proposed, reprice
from tests.support.case_rules import prices_toml
from tests.support.ledger.terms_world import PLANS, PRICES, TermsWorld
from tests.support.ledger.world import BOOKS
from tests.support.priced import price, tiers

NANO = 10**9


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TermsWorld:
    world = TermsWorld(Path(tmp_path_factory.mktemp("terms")))
    world.pay_in("100.00")
    world.pay_in("7.00", user="bob")
    world.later(minutes=1)
    world.grant("welcome", "5.00", days=5, reason="welcome")
    world.grant("llm", "2.00", scope=["llm/*"], priority=10)
    world.grant("abused", "9.00")
    world.later(hours=1)
    world.use(5)
    world.plan("pro", fee="30.00")
    world.void("abused")
    world.later(hours=1)
    world.use(25)
    world.use(3000, "llm/tokens")
    world.use(1, user="bob")
    world.settle("setting", cap_usd="50.00", next_plan="starter")
    world.later(hours=2)
    world.pull()
    return world


def json_of(world: TermsWorld, *arguments: str) -> Any:  # noqa: ANN401 - whatever it is
    return world.run(*arguments, "--json").ok().json


def test_grants_are_shown_with_what_is_left_and_their_lines(world: TermsWorld) -> None:
    found = json_of(world, "grants", "alice", "--at", "2026-11-02T03:00:00Z")
    grants = {row["grant"]: row for row in found["grants"]}
    assert [(name, row["left_usd"], row["state"]) for name, row in grants.items()] == [
        ("manual:llm", "0.00", "in force"),
        ("manual:welcome", "3.00", "in force"),
        ("plan:pro@2026-11-02T01:00:00Z", "5.00", "in force"),
        ("manual:abused", "9.00", "void"),
    ]
    assert found["breakage_nano"] == {"promotional": 0, "paid": 0, "voided": 9 * NANO}
    assert (found["granted_nano"], found["drawn_nano"]) == (8 * NANO, 4 * NANO)
    files = world.repo(BOOKS).files(world.repo(BOOKS).tip() or "")
    for row in grants.values():
        assert row["repo"] == BOOKS
        assert files[row["path"]]
    assert grants["manual:welcome"]["reason"] == "welcome"
    shown = world.run("grants", "alice", "--at", "2026-11-02T03").ok().out
    assert "void (2026-11-02T01:00:00Z)" in shown
    assert f"show {grants['manual:llm']['commit']}:" in shown


def test_what_each_grant_paid_of_which_charge(world: TermsWorld) -> None:
    said = world.run("grants", "alice", "--drawn", "--csv", "--at", "2026-11-02T03").ok().out
    paid = [
        (row["grant"], row["resource"], row["paid_usd"])
        for row in csv.DictReader(io.StringIO(said))
        if row["paid_usd"]
    ]
    assert paid == [
        ("manual:llm", "llm/tokens", "2.00"),
        ("manual:welcome", "llm/tokens", "1.00"),
        ("manual:welcome", "search/web", "1.00"),
    ]


def test_the_balance_has_what_is_left_of_grants_in_force(world: TermsWorld) -> None:
    asked = {at: json_of(world, "balance", "alice", "--at", at) for at in (
        "2026-11-02T02", "2026-11-02T03", "2026-11-08", "2026-11-13",
    )}  # fmt: skip
    balances = [found["balance_usd"] for found in asked.values()]
    assert balances == ["82.00", "78.00", "75.00", "70.00"]
    for found in asked.values():
        own = found["credit_nano"] - found["uncovered_nano"]
        assert found["balance_nano"] == own + found["granted_nano"]
        assert found["uncovered_nano"] == found["billed_cost_nano"] - found["drawn_nano"]
    shown = world.run("balance", "alice", "--at", "2026-11-02T03").ok().out
    assert "left of grants" in shown
    assert "left of grants" not in world.run("balance", "bob").ok().out


def test_the_balance_at_an_instant_lists_all_accounts(world: TermsWorld) -> None:
    found = json_of(world, "balance", "--at", "2026-11-02T01")
    assert [(row["user"], row["balance_usd"]) for row in found] == [
        # the void and the plan are dated later than one
        ("alice", "116.00"),
        ("bob", "7.00"),
    ]


def test_entitlements_say_what_is_left_of_the_plan(world: TermsWorld) -> None:
    at = "2026-11-02T04:00:00Z"
    found = json_of(world, "entitlements", "alice", "--at", at)
    plan = found["plan"]
    assert (found["suspended"], found["setting"]) == (
        False,
        {"cap_usd": "50.00", "next_plan": "starter"},
    )
    assert (plan["plan"], plan["rpm"], plan["features"]) == ("pro", 20, ["phone", "cron"])
    assert plan["limits"] == {"channels": 3, "seats": "unlimited"}
    assert plan["meters"] == [
        {
            "meter": "search",
            "match": ["search/*"],
            "used": 30,
            "included": 20,
            "left": 0,
            "beyond": "bill",
            "resets_at": "2026-11-12T01:00:00Z",
        }
    ]
    assert plan["billed_nano"] == 4 * NANO
    assert plan["line"]["repo"] == BOOKS
    assert found["spendable_usd"] == "78.00"
    assert (
        "pro, paid until 2026-11-12T01:00:00Z"
        in world.run("entitlements", "alice", "--at", at).ok().out
    )


def test_what_can_be_spent_depends_on_the_resource(world: TermsWorld) -> None:
    at = ("--at", "2026-11-02T01:30")
    found = json_of(world, "entitlements", "alice", *at)
    assert found["spendable_usd"] == "80.00"
    assert [row["grant"] for row in found["scoped_grants"]] == ["manual:llm"]
    tokens = json_of(world, "entitlements", "alice", "--resource", "llm/tokens", *at)
    assert tokens["spendable_usd"] == "82.00"


def test_an_account_without_a_plan_of_its_own_has_the_default_one(world: TermsWorld) -> None:
    plan = json_of(world, "entitlements", "bob", "--at", "2026-11-02T04")["plan"]
    assert (plan["plan"], plan["line"], plan["billed_nano"]) == ("free", None, None)
    assert plan["meters"][0] | {"used": 1, "left": 2} == plan["meters"][0]


def test_charges_say_what_was_included_and_what_grants_paid(world: TermsWorld) -> None:
    rows = {
        (row["hour"][11:13], row["resource"]): row for row in json_of(world, "charges", "alice")
    }
    assert {key: (row["included"], row["drawn_nano"]) for key, row in rows.items()} == {
        ("01", "search/web"): (5, 0),
        ("02", "llm/tokens"): (0, 3 * NANO),
        ("02", "search/web"): (15, NANO),
    }
    assert "paid by grants" in world.run("charges", "alice").ok().out
    assert "paid by grants" not in world.run("charges", "bob").ok().out


def test_explain_names_the_meter_and_the_grants(world: TermsWorld) -> None:
    asked = ("explain", "alice", "search/web", "2026-11-02T02")
    (found,) = json_of(world, *asked)
    assert found["meter"]["meter"] == "search"
    assert (found["included"], found["uncovered_nano"]) == (15, 0)
    assert found["drawn"] == [{"grant": "manual:welcome", "nano": NANO}]
    shown = world.run(*asked).ok().out
    assert "15 by the plan pro, which includes 20 of search" in shown
    assert "1.00 USD paid by manual:welcome" in shown


def test_units_that_a_plan_includes_pay_no_tier_of_the_hour(tmp_path: Path) -> None:
    """Of ten searches the plan includes three; the others fill one tier and begin the next."""
    world = TermsWorld(tmp_path)
    hourly = price(**tiers("graduated", (5, "2", "0"), (None, "1", "0")), resource="search/web")
    world.rule_files({"rules/prices.toml": prices_toml([hourly]).encode()})
    world.use(10)
    world.pull()
    (found,) = json_of(world, "explain", "alice", "search/web", "2026-11-02T00")
    assert found["list_cost_nano"] == 12 * NANO
    assert found["window"] == {
        "from": "2026-11-02T00:00:00Z",
        "until": "2026-11-02T01:00:00Z",
        "included": 3,
        "before": 0,
        "counted": 7,
        "total": 7,
        "tiers": [
            {"tier": 1, "units": 5, "flat": True},
            {"tier": 2, "units": 2, "flat": True},
        ],
    }


def test_an_instant_that_is_cut_short_is_refused(world: TermsWorld) -> None:
    """`2026-1` is not some month from October on."""
    said = world.run("balance", "alice", "--at", "2026-1")
    assert said.code == 2
    assert "'2026-1' is not like 2026-11-21 or 2026-11-21T13:05 (UTC)" in said.err


def test_what_is_due_is_json_for_the_books(world: TermsWorld) -> None:
    found = json_of(world, "accounts", "--due", "--within", "1")
    assert list(found) == ["rule_book", "as_of", "due"]
    assert "state one of --due and --running-out" in world.run("accounts").err


def test_other_prices_are_tried_with_plans_and_grants(world: TermsWorld, tmp_path: Path) -> None:
    """Of 30 searches 20 are included; the grant pays of the rest what it has."""
    file = tmp_path / "prices.toml"
    file.write_bytes(PRICES)
    assert json_of(world, "reprice", str(file))["accounts"] == []
    file.write_bytes(PRICES.replace(b'"0.10"', b'"0.30"'))
    (row,) = json_of(world, "reprice", str(file))["accounts"]
    assert (row["user"], row["difference_nano"]) == ("alice", 2 * NANO)
    assert row["proposed_billed_cost_nano"] == 6 * NANO


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("prices.toml", b'"0.10"', b'"0.70"'),
        ("prices.toml", b'usd = "0.10"', b'window = "cycle"\nusd = "0.40"'),
        ("plans.toml", b"included = 20", b"included = 8"),
        ("plans.toml", b'credit_usd = "5.00"', b'credit_usd = "0.50"'),
    ],
)
def test_what_a_proposal_is_said_to_change_is_what_it_changes(
    tmp_path: Path, name: str, before: bytes, after: bytes
) -> None:
    world = TermsWorld(tmp_path / "world")
    world.pay_in("100.00")
    world.later(minutes=1)
    world.grant("welcome", "3.00", days=5)
    world.grant("llm", "2.00", scope=["llm/*"], priority=10)
    world.plan("pro", fee="30.00")
    for units in (5, 12, 9):
        world.later(hours=1)
        world.use(units)
        world.use(1_500, "llm/tokens")
        world.use(4, user="bob")
    world.pull()
    text = {"prices.toml": PRICES, "plans.toml": PLANS}[name]
    assert before in text
    file = tmp_path / name
    file.write_bytes(text.replace(before, after))
    with world.reading() as store:
        found = {
            row["user"]: row
            for row in reprice(store, read_proposed(file), 10**18, world.now)["accounts"]
        }
    was = {user: world.balance(user) for user in ("alice", "bob")}
    world.rule_files({f"rules/{name}": file.read_bytes()})
    world.pull()
    is_now = {user: world.balance(user) for user in was}
    assert set(found) == {user for user in was if was[user] != is_now[user]}
    assert "alice" in found
    for user, row in found.items():
        assert row["balance_nano"] == was[user]["balance_nano"]
        assert row["proposed_balance_nano"] == is_now[user]["balance_nano"]
        assert row["proposed_billed_cost_nano"] == is_now[user]["billed_cost_nano"]


def test_nobody_has_no_grants(world: TermsWorld) -> None:
    said = world.run("grants", "carol")
    assert said.code != 0
    assert "no account" in said.err
    assert world.run("grants", "bob").ok().out == "no grants of bob\n"
