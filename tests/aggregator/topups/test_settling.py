"""The balance that counts leaves out what was taken too lately to be trusted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.balances.topups import settling
from tests.support.ledger.topups_world import DESK, TopupsWorld
from wire_format.instants import format_ts
from wire_format.lines import Folder


@pytest.fixture
def world(tmp_path: Path) -> TopupsWorld:
    """Alice has 40.00 and used 1.00 of it on a node that is long known to be hers."""
    made = TopupsWorld(tmp_path)
    made.let_be_due(has="40.00")
    made.use(1_000, "llm/tokens")
    made.pull()
    made.later(hours=3, minutes=30)
    return made


def _balance(world: TopupsWorld) -> str:
    return str(world.state_of()["balance_usd"])


def _buy(world: TopupsWorld, ts: datetime | None = None) -> None:
    hour = world.now.replace(minute=0, second=0)
    stated: dict[str, Any] = {"user": "alice", "kind": "plan", "plan": "pro", "fee_usd": "30.00"}
    stated |= {"from": format_ts(hour), "until": format_ts(hour + timedelta(hours=240))}
    world.write(DESK, Folder.ACCOUNTS, ts=ts, **stated)


def test_usage_of_a_node_that_is_known_counts_at_once(world: TopupsWorld) -> None:
    world.use(36_000, "llm/tokens")
    assert world.stop() is None
    assert _balance(world) == "3.00"


@pytest.mark.parametrize("back", [timedelta(0), timedelta(minutes=50), timedelta(days=20)])
def test_a_stolen_node_makes_nobody_due_for_two_hours(world: TopupsWorld, back: timedelta) -> None:
    """Nor by commits that are dated back: this ledger's own clock tells how long it is known."""
    world.tell_use("stolen", 38_000, back=back)
    assert world.stop() == "enough"
    world.later(minutes=119)
    assert world.stop() == "enough"
    world.later(minutes=2)
    assert world.stop() is None
    assert _balance(world) == "1.00"


def test_a_stolen_node_that_bills_everybody_makes_nobody_due(tmp_path: Path) -> None:
    world = TopupsWorld(tmp_path, unconfirmed="10000.00")
    users = [f"user-{number:03}" for number in range(40)]
    for user in users:
        world.pay(f"pi_{user}", "40.00", user)
        world.consent(f"pi_{user}", user)
        world.set_topup(user)
    world.later(hours=25)
    for user in users:
        world.tell_use("stolen", 38_000, user=user, back=timedelta(0))
    world.pull()
    assert world.due() == []
    assert world.due(settle_h=0) == users, "without waiting all of them would be charged"


def test_what_the_others_cost_because_of_a_new_node_is_left_out_too(world: TopupsWorld) -> None:
    """It has used up what the plan includes, so later usage of a known node is billed."""
    world.use(30, "search/web")
    world.pull()
    before = _balance(world)
    world.later(hours=1)
    world.tell_use("stolen", 1, back=timedelta(0))
    world.use(1_000, "llm/tokens")
    world.pull()
    assert _balance(world) == before


def test_a_rebuilt_ledger_knows_since_when_nodes_are_known(world: TopupsWorld) -> None:
    world.use(36_000, "llm/tokens")
    world.pull()
    world.run("rebuild").ok()
    assert _balance(world) == "3.00"


def test_a_new_ledger_waits_until_it_knows(world: TopupsWorld) -> None:
    """Nothing of the old one is left: for two hours usage charges no card."""
    world.use(36_000, "llm/tokens")
    assert world.stop() is None
    world.forget()
    assert world.stop() == "enough"
    world.now = datetime.now(UTC)  # by which a process of its own has made the ledger again
    assert world.stop() == "enough"
    world.later(hours=2, minutes=1)
    assert world.stop() is None


def test_a_stolen_portal_that_buys_plans_makes_nobody_due_for_two_hours(
    world: TopupsWorld,
) -> None:
    """Nor by a `ts` that is dated back. After that the desk's daily fees bound what is taken."""
    world.use(13_000, "llm/tokens")
    world.later(hours=2)
    _buy(world, ts=world.now - timedelta(hours=20))
    assert world.stop() == "enough"
    with world.reading() as store:
        row = store.reports.account("alice")
        assert row is not None
        assert row["plans"] is not None, "the plan counts"
    world.later(hours=2, minutes=1)
    assert world.stop() is None


def test_the_fee_of_a_plan_counts_after_a_while(world: TopupsWorld) -> None:
    _buy(world)
    world.pull()
    whole = world.state_of(settle_h=0)["balance_usd"]
    assert (_balance(world), whole) == ("44.00", "14.00")
    world.later(hours=2, minutes=1)
    assert _balance(world) == whole


def test_what_a_desk_takes_counts_after_a_while(world: TopupsWorld) -> None:
    """What it gives counts at once."""
    stated: dict[str, Any] = {
        "user": "alice",
        "kind": "adjustment",
        "provider": "manual",
        "currency": "USD",
    }
    stated |= {"status": "succeeded", "reason": "a mistake"}
    world.write(DESK, amount="-37.00", external_ref="goodwill:1", **stated)
    world.write(DESK, amount="1.00", external_ref="goodwill:2", **stated)
    assert world.stop() == "enough"
    assert _balance(world) == "40.00"
    world.later(hours=2, minutes=1)
    assert world.stop() is None
    assert _balance(world) == "3.00"


def test_a_balance_with_grants_counts_whole(world: TopupsWorld) -> None:
    """The cheap question looks at the balance without grants, the exact one at all."""
    world.use(38_000, "llm/tokens")
    world.later(hours=1)
    world.grant("welcome", "10.00", days=30)
    assert world.stop() == "enough"
    with world.reading() as store:
        assert store.topups.near() == ["alice"]


def test_a_broken_variant_by_the_time_of_commits_is_caught(
    world: TopupsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the dates of its own commits a stolen node would be old at once."""

    def by_commits(self: settling.Settling, account_id: int) -> int:
        row = self._store._connection.execute(
            "SELECT count(*) FROM account_node WHERE account_id = ? AND first_commit_s > ?",
            (account_id, self._since_s),
        ).fetchone()
        return 10**12 if row[0] else 0

    monkeypatch.setattr(settling.Settling, "_new_nano", by_commits)
    with pytest.raises(AssertionError):
        test_a_stolen_node_makes_nobody_due_for_two_hours(world, timedelta(days=20))
