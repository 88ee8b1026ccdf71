"""Balances with grants: they run low when a grant ends, without any commit."""

from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.balances.low import balances_below
from aggregator.config.sections import NotifyConfig
from aggregator.config.settings import Config
from aggregator.daemon.services import Services
from aggregator.mirrors.state import State
from aggregator.notices.notifier import Notifier
from aggregator.reports import accounts
from aggregator.reports.preview import balances as previewed
from aggregator.serving.metrics import Metrics
from aggregator.serving.pulse import Pulse
from tests.aggregator.notices.telling import NOWHERE, Desk
from tests.aggregator.serving.measured import measured
from tests.support.ledger.terms_world import TermsWorld
from wire_format.money import NANO


@pytest.fixture
def world(tmp_path: Path) -> TermsWorld:
    """Alice owes 2 USD but for a grant of 20 that ends in two days; bob has money, carol none."""
    found = TermsWorld(tmp_path)
    found.pay_in("8.00")
    found.pay_in("8.00", user="bob")
    found.later(minutes=1)
    found.use(10_000, "llm/tokens")
    found.later(hours=1)
    found.grant("late", "20.00", days=2)
    found.grant("gift", "1.00", days=2, user="carol")
    found.plan("flat", hours=None, user="dora")
    found.pull()
    return found


def comparing(world: TermsWorld) -> Notifier:
    config = NotifyConfig(url=NOWHERE, balance_below_usd="5.00")
    return Notifier(config, world.config.state, lambda: world.now)


def told(world: TermsWorld) -> list[tuple[str, str]]:
    desk = Desk(world.config.state)
    return [(event["event"], event["user"]) for event in desk.told() if "user" in event]


def compare(world: TermsWorld) -> int:
    with world.ledger() as ledger:
        return comparing(world).compare(ledger.store)


def test_a_grant_that_ends_is_a_crossing(world: TermsWorld) -> None:
    """In the hour that it ends with it still counts: an instant belongs to the hour before it."""
    compare(world)
    assert told(world) == []
    world.now = world.now.replace(minute=0) + timedelta(days=2)
    assert compare(world) == 0
    world.later(seconds=1)
    assert compare(world) == 2
    assert sorted(told(world)) == [("balance_exhausted", "alice"), ("balance_exhausted", "carol")]
    assert compare(world) == 0


def test_the_daemon_compares_when_an_hour_has_turned(world: TermsWorld) -> None:
    """Nothing is pulled meanwhile."""
    settings = {"notify": {"url": NOWHERE, "balance_below_usd": "5.00"}}
    config = Config.model_validate(world.config.model_dump(exclude_unset=True) | settings)
    with world.ledger() as ledger:
        services = Services(State(config), ledger.store, lambda: world.now)
        services.collect()
        services.compare(is_whole=False)
        world.later(minutes=10)
        services.collect()
        assert told(world) == []
        world.later(days=2)
        services.collect()
        services.collect()
    assert [user for _, user in told(world)] == ["alice", "carol"]


@pytest.mark.parametrize(("days", "below"), [(0, 0), (3, 1)])
def test_every_balance_that_is_shown_or_compared_is_the_same(
    world: TermsWorld, days: int, below: int
) -> None:
    """What people see, what a preview compares, what notices cross and what is measured."""
    world.later(days=days)
    with world.reading() as store:
        shown = {row["user"]: row["balance_nano"] for row in accounts.balances(store, world.now)}
        assert previewed(store, world.now) == shown
        for bound_nano in (0, 5 * NANO, 100 * NANO):
            low = {
                row.user: row.balance_nano for row in balances_below(store, bound_nano, world.now)
            }
            expected = {user: nano for user, nano in shown.items() if nano < bound_nano}
            assert low == {user: nano for user, nano in expected.items() if user != "dora"}
    assert sum(nano < 0 for nano in shown.values()) == below
    clock = lambda: world.now  # noqa: E731 - the clock is a callable
    metrics = Metrics(world.config.database_path, Pulse(clock, 360), clock)
    assert measured(metrics.text())("gitmeter_accounts_below_zero") == below


def test_a_plan_credit_counts_while_its_cycle_runs(world: TermsWorld) -> None:
    world.pay_in("30.00", user="bob")
    world.later(minutes=1)
    world.plan("pro", fee="30.00", user="bob")
    world.pull()
    assert world.balance("bob")["balance_nano"] == 13 * NANO
    world.later(hours=1)
    assert world.balance("bob")["balance_nano"] == 13 * NANO
    world.later(hours=240)
    assert world.balance("bob")["balance_nano"] == 8 * NANO
