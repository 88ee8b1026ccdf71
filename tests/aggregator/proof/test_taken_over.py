"""A rebuilt ledger says what the one before said, also where git does not have it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.ledger.world import World, money_line, usage_line


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Incidents of every sort: of a head, of records, of the books, and one that is over."""
    made = World(tmp_path)
    made.rules()
    made.pay(money_line(ts="2025-01-01T00:00:00Z"))
    made.usage(usage_line(seq=1), usage_line(seq=1, ts="2025-01-01T00:40:00Z"))
    made.usage(usage_line(node="node-2", user="b:2"), repo="node-2")
    never = made.repo("node-3").path
    never.rename(never.with_name("away"))
    made.pull()
    made.usage(usage_line(seq=2, units=2))
    made.repo("node-2").orphan({"usage/2025/06/01/9.jsonl": usage_line(node="node-2", seq=9)})
    made.rules(b"no rules")
    made.pull()
    made.run("pull")
    return made


def said(world: World) -> dict[str, Any]:
    """All that commands say, but for when incidents were last seen."""
    return {
        "balances": world.run("balance", "--json").ok().json,
        "nodes": world.run("nodes", "--json").ok().json,
        "incidents": world.run("incidents", "--all", "--json").ok().json,
        "text": world.run("balance").ok().out,
    }


def test_after_a_rebuild_all_is_said_as_before(world: World) -> None:
    before = said(world)
    assert before["balances"][0]["discount_tier"] != "none"
    kinds = {row["kind"] for row in before["incidents"] if row["closed_at"] is None}
    assert kinds == {"sequence reused", "rewritten", "bad rule book", "repo gone"}
    run = world.run("rebuild").ok()
    assert "next pull" not in run.err
    after = said(world)
    for found in (before, after):
        for row in found["incidents"]:
            row.pop("seen_at")
        found["incidents"].sort(key=lambda row: (row["kind"], row["opened_at"]))
    assert after == before
    assert world.verify().matches


def test_what_is_not_billed_in_full_is_so_since_the_same_time(tmp_path: Path) -> None:
    """Its incidents belong to no repo."""
    world = World(tmp_path, charge_cost_max_usd=1)
    world.rules()
    world.pay(money_line())
    world.usage(usage_line(resource="new/thing"), usage_line(seq=2, units=10**6))
    world.pull()
    before = {(row["kind"], row["subject"]): row["opened_at"] for row in world.incidents()}
    assert {kind for kind, _ in before} == {"unpriced usage", "record beyond limit"}
    world.run("rebuild").ok()
    after = {(row["kind"], row["subject"]): row["opened_at"] for row in world.incidents()}
    assert after == before


@pytest.mark.parametrize("is_gone", [False, True])
def test_where_the_ledger_before_is_of_no_use_it_says_what_is_not_known(
    world: World, *, is_gone: bool
) -> None:
    """The next pull finds it out again."""
    path = world.config.database_path
    if is_gone:
        world.forget()
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 1")
    run = world.run("rebuild").ok()
    assert "the next pull finds out" in run.err
    shown = world.run("balance").ok().out
    assert "last pull: not known since the rebuild" in shown
    assert "newest commit billed: 20" in shown
    assert {row["kind"] for row in world.incidents()} == {"sequence reused", "bad rule book"}
    world.run("pull")
    assert "last pull: 20" in world.run("balance").ok().out
    assert {"rewritten", "repo gone"} <= {row["kind"] for row in world.incidents()}


def test_a_balance_names_the_nodes_that_are_silent(world: World) -> None:
    from aggregator.incidents.silence import file_silence

    with world.ledger() as ledger, ledger.store.transaction():
        file_silence(ledger.store, world.config, world.now)
    shown = world.run("balance", "alice").ok().out
    assert "silent, so that their usage may be missing: node-1" in shown
    assert "node-1" in world.run("balance", "alice", "--json").ok().json["silent_nodes"]
