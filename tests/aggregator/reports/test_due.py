"""Which plans are to be renewed, as which, and for how much."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.reports.terms.due import due
from tests.support.ledger.terms_world import PLANS, TermsWorld
from tests.support.writers import DESK_TEXT
from wire_format.explanation import canonical
from wire_format.instants import format_ts
from wire_format.lines import Folder

SOON = timedelta(hours=3)


def due_of(world: TermsWorld, within: timedelta = SOON) -> list[dict[str, Any]]:
    world.pull()
    with world.reading() as store:
        found = due(store, world.now, within)
    assert len(found["rule_book"]) == 64
    listed: list[dict[str, Any]] = found["due"]
    return listed


@pytest.fixture
def world(tmp_path: Path) -> TermsWorld:
    """Alice has a plan that ends in two hours, and the money for another."""
    found = TermsWorld(tmp_path)
    found.pay_in("100.00")
    found.later(hours=1)
    found.plan("pro", fee="30.00")
    found.later(hours=238)
    return found


def test_a_plan_is_due_shortly_before_its_end(world: TermsWorld) -> None:
    world.now -= timedelta(hours=2)
    assert due_of(world) == []
    world.now += timedelta(hours=2)
    assert due_of(world) == [
        {
            "user": "alice",
            "plan": "pro",
            "from": "2026-11-12T01:00:00Z",
            "until": "2026-11-22T01:00:00Z",
            "fee_usd": "30.00",
            "affordable": True,
            "balance_usd": "70.00",
            "reason": None,
        }
    ]


def test_a_plan_whose_next_line_is_there_is_not_due(world: TermsWorld) -> None:
    world.settle("plan", plan="pro", fee_usd="30.00",
        **{"from": "2026-11-12T01:00:00Z", "until": "2026-11-22T01:00:00Z"})  # fmt: skip
    assert due_of(world) == []


def test_a_plan_that_ended_is_due_for_a_while_from_its_end_on(world: TermsWorld) -> None:
    world.later(hours=24)
    assert [row["from"] for row in due_of(world)] == ["2026-11-12T01:00:00Z"]
    world.later(days=3)
    assert due_of(world) == []


def test_a_grant_pays_no_fee(world: TermsWorld) -> None:
    """What was used and what no grant paid of it leaves less than the fee."""
    world.grant("gift", "500.00", scope=["other/*"])
    world.use(100_000, "llm/tokens")
    (row,) = due_of(world)
    # half the price after a week, and 5.00 of it from the credit of the cycle
    assert (row["affordable"], row["balance_usd"]) == (False, "25.00")
    assert row["reason"] == "it has 25.00 USD without grants, and the fee is 30.00 USD"


@pytest.mark.parametrize(
    ("next_plan", "plan", "fee_usd", "reason"),
    [
        ("starter", "starter", "20.00", None),
        ("flat", "flat", None, None),
        ("none", None, None, "the account asks for no further period"),
        ("free", None, None, "the default plan 'free' follows without a line"),
        ("gone", None, None, "there is no plan 'gone' at that time"),
    ],
)
def test_what_follows_is_what_the_account_asks_for(
    world: TermsWorld, next_plan: str, plan: str | None, fee_usd: str | None, reason: str | None
) -> None:
    world.settle("setting", next_plan=next_plan)
    world.later(minutes=1)
    (row,) = due_of(world)
    assert (row["plan"], row["fee_usd"], row["reason"]) == (plan, fee_usd, reason)
    assert row["affordable"] is (reason is None)


SOLD = PLANS.replace(b'name = "starter"\n', b'name = "starter"\nsold_by = ["desk"]\n')


@pytest.mark.parametrize(
    ("asked", "plan"),
    [
        ([("desk", "starter")], "starter"),
        ([("desk", "flat")], "pro"),
        ([("desk", "none")], None),
        ([("desk", "starter"), ("desk", "pro")], "pro"),
        ([("books", "flat"), ("desk", "pro2")], "flat"),
        ([("books", "flat"), ("desk", "starter")], "starter"),
        ([("desk", "starter"), ("books", "pro2")], "pro2"),
    ],
)
def test_a_desk_asks_only_for_plans_that_desks_sell(
    world: TermsWorld, asked: list[tuple[str, str]], plan: str | None
) -> None:
    """The books would write any other as their own line, which nothing judges as a sale."""
    world.rule_files({"rules/plans.toml": SOLD, "rules/writers.toml": DESK_TEXT.encode()})
    for number, (writer, name) in enumerate(asked, 1):
        world.later(minutes=1)
        if writer == "books":
            world.settle("setting", next_plan=name)
        else:
            values = {"v": 2, "node": "desk-1", "seq": number, "ts": format_ts(world.now)}
            line = canonical(
                values | {"user": "alice", "kind": "setting", "next_plan": name}, Folder.ACCOUNTS
            )
            path = f"accounts/2026/11/11/{number:016d}.jsonl"
            world.repo("desk-1", role="desk").commit({path: line}, when=world.now)
    world.later(minutes=1)
    (row,) = due_of(world)
    assert row["plan"] == plan


MAPPED = (
    PLANS
    + b"""
[[plan_map]]
old = "pro"
new = "pro2"
from = 2026-11-10T00:00:00Z
prices_until = 2026-11-20T00:00:00Z
"""
)


def test_a_replaced_plan_is_renewed_as_its_successor_at_the_old_price_for_a_while(
    world: TermsWorld,
) -> None:
    world.rule_files({"rules/plans.toml": MAPPED})
    (row,) = due_of(world)
    assert (row["plan"], row["fee_usd"]) == ("pro2", "30.00")
    world.later(hours=2)
    world.plan("pro2", fee="30.00")
    world.pay_in("100.00")
    world.later(hours=239)
    (row,) = due_of(world)
    assert (row["plan"], row["fee_usd"]) == ("pro2", "45.00")


def test_the_old_price_is_kept_for_as_long_as_it_is_promised(world: TermsWorld) -> None:
    """Over as many renewals as there are, but not after a gap."""
    long = MAPPED.replace(b"2026-11-20T", b"2026-12-20T")
    world.rule_files({"rules/plans.toml": long})
    world.later(hours=2)
    world.pay_in("100.00")
    world.plan("pro2", fee="30.00")
    world.later(hours=239)
    (row,) = due_of(world)
    assert (row["plan"], row["fee_usd"]) == ("pro2", "30.00")
    world.later(hours=5)
    world.plan("pro2", fee="45.00")
    world.later(hours=239)
    (row,) = due_of(world)
    assert (row["plan"], row["fee_usd"]) == ("pro2", "45.00")
