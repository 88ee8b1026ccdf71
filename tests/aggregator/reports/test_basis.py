"""What an answer about one account stands on: its nodes, and of which more may follow."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.incidents.silence import file_silence
from tests.support.ledger.world import World, money_line, usage_line

FIRST = datetime(2025, 6, 1, 10, tzinfo=UTC)


def use(world: World, node: str, *lines: bytes, hours: int = 0) -> None:
    """Lines of a node in a commit of their own."""
    name = f"usage/2025/06/01/{hours:016d}.jsonl"
    world.repo(node).commit({name: b"".join(lines)}, when=FIRST + timedelta(hours=hours))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Alice uses two nodes of three; the first commit of one of them is read last."""
    world = World(tmp_path)
    world.repo("books")
    world.rules()
    use(world, "node-1", usage_line(node="node-1", user="alice"), hours=5)
    use(world, "node-1", usage_line(node="node-1", user="bob", seq=2), hours=7)
    use(world, "node-2", usage_line(node="node-2", user="alice"), hours=6)
    use(world, "node-3", usage_line(node="node-3", user="bob"), hours=8)
    world.pull()
    world.repo("old", node="node-1")
    use(world, "old", usage_line(node="node-1", user="alice"), hours=2)
    world.pull()
    return world


def basis(world: World, *command: str) -> dict[str, object]:
    found = world.run(*(command or ("balance", "alice")), "--json").ok().json
    return {key: found[key] for key in ("nodes", "nodes_billed_until", "waiting_for")}


def at(hours: int) -> str:
    return f"2025-06-01T{10 + hours:02d}:00:00Z"


def test_the_nodes_of_an_account_are_those_that_wrote_its_usage(world: World) -> None:
    """Each with its first commit, also where a copy of it was read earlier, and its newest."""
    expected = {
        "nodes": [
            {"node": "node-1", "first_commit_at": at(2), "newest_commit_at": at(7)},
            {"node": "node-2", "first_commit_at": at(6), "newest_commit_at": at(6)},
        ],
        "nodes_billed_until": at(7),
        "waiting_for": [],
    }
    for command in ("balance", "grants", "entitlements"):
        assert basis(world, command, "alice") == expected
    assert basis(world, "balance", "alice", "--at", "2025-06-02") == expected
    said = world.run("balance", "alice").ok().out
    assert f"usage by 2 nodes, billed until {at(7)}" in said
    assert "more may follow" not in said
    assert world.verify().matches


def test_an_account_is_waiting_for_its_own_nodes_alone(world: World) -> None:
    """A gap of node-2 and the silence of all: node-3, which it never used, is not named."""
    use(world, "node-2", usage_line(node="node-2", user="bob", seq=3), hours=9)
    world.pull()
    gap = [{"node": "node-2", "why": ["gaps"]}]
    assert basis(world)["waiting_for"] == gap
    with world.ledger() as ledger, ledger.store.transaction():
        file_silence(ledger.store, world.config, world.now)
    silent = [{"node": "node-1", "why": ["silent"]}, {"node": "node-2", "why": ["silent", "gaps"]}]
    assert basis(world)["waiting_for"] == silent
    said = world.run("balance", "alice").ok().out
    assert "  more may follow of node-2: silent, gaps\n" in said
    assert "more may follow of node-3" not in said
    use(world, "node-2", usage_line(node="node-2", user="bob", seq=2), hours=10)
    world.pull()
    assert "gaps" not in str(basis(world)["waiting_for"])


def test_commits_that_are_held_are_waited_for(world: World) -> None:
    """A commit ahead of the clock was fetched, and is not billed."""
    ahead = world.now - FIRST + timedelta(days=3)
    use(world, "node-2", usage_line(node="node-2", seq=2), hours=ahead // timedelta(hours=1))
    world.pull()
    assert basis(world)["waiting_for"] == [{"node": "node-2", "why": ["commits behind"]}]


def test_who_used_nothing_waits_for_nobody(world: World) -> None:
    world.pay(money_line(user="carol"))
    world.pull()
    nothing: dict[str, object] = {"nodes": [], "nodes_billed_until": None, "waiting_for": []}
    assert basis(world, "balance", "carol") == nothing
    assert "billed until" not in world.run("balance", "carol").ok().out
