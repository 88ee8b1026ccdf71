"""Beside the daemon's loop: when a round is made, what the till says of itself, and no delay."""

import time
from pathlib import Path

import pytest

from aggregator.notices.topups import teller as telling
from aggregator.notices.topups.rounds import TopupReport
from aggregator.notices.topups.teller import TopupTeller
from tests.aggregator.topups.charger import charger, config_of, posts, says
from tests.support.ledger.running import running_daemon
from tests.support.ledger.topups_world import ATTEMPT, TopupsWorld
from tests.support.receiver import ReceiverServer

_WAIT_S = 30


@pytest.fixture(autouse=True)
def without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test need not wait between two rounds."""
    monkeypatch.setattr(telling, "REST_S", 0.0)
    monkeypatch.setattr(telling, "_REST_OF_WORK", 0)


def _teller(world: TopupsWorld, till: ReceiverServer | None) -> TopupTeller:
    config = None if till is None else config_of(world, till)
    return TopupTeller(config, world.config.database_path, lambda: world.now)


def _round(world: TopupsWorld, teller: TopupTeller, *, pulled: bool = True) -> TopupReport | None:
    """Let time go on as the loop does: a pull, a round, its result."""
    if pulled:
        world.pull()
        teller.pulled(world.money_repos())
    teller.start()
    with world.ledger() as ledger:
        return teller.collect(ledger.store, _WAIT_S)


def _incidents(world: TopupsWorld) -> dict[str, str]:
    with world.reading() as store:
        return {row.kind: row.detail for row in store.notices.open_incidents()}


def test_a_round_is_made_after_each_pull(world: TopupsWorld) -> None:
    with charger() as till:
        teller = _teller(world, till)
        assert _round(world, teller, pulled=False) is None, "nothing was pulled yet"
        assert _round(world, teller) == TopupReport(told=1, posts=1, last="alice")
        assert _round(world, teller, pulled=False) is None
        assert _round(world, teller) == TopupReport(told=1, posts=1, last="alice")


def test_a_round_is_made_when_an_hour_turns(world: TopupsWorld) -> None:
    """A grant that ends with the hour leaves the account below its threshold without a pull."""
    world.later(minutes=55)
    with charger() as till:
        teller = _teller(world, till)
        assert _round(world, teller) is not None
        world.later(minutes=4)
        assert _round(world, teller, pulled=False) is None
        world.later(minutes=2)
        assert _round(world, teller, pulled=False) is not None


def test_a_till_is_asked_in_each_hour_although_nobody_is_due(world: TopupsWorld) -> None:
    world.begin(ATTEMPT)
    with charger() as till:
        teller = _teller(world, till)
        assert _round(world, teller) == TopupReport(posts=1)
        assert _round(world, teller) == TopupReport()
        world.later(hours=1)
        assert _round(world, teller) == TopupReport(posts=1)
        assert [post.accounts for post in posts(till)] == [(), ()]


def test_a_till_that_has_stopped_is_an_incident_until_its_next_answer(world: TopupsWorld) -> None:
    """It is asked again although nobody is due any more; a restart forgets nothing."""
    with charger() as till:
        teller = _teller(world, till)
        assert _round(world, teller) is not None
        assert _incidents(world) == {}
        says(till, "20 attempts within an hour")
        assert _round(world, teller) is not None
        assert _incidents(world) == {"topups stopped": "20 attempts within an hour"}
        world.begin(ATTEMPT)
        again = _teller(world, till)
        assert _round(world, again) is not None
        assert _incidents(world) == {"topups stopped": "20 attempts within an hour"}
        till.answer(503, times=1)
        assert _round(world, again) is not None
        assert _incidents(world) == {"topups stopped": "20 attempts within an hour"}
        says(till, None)
        assert _round(world, again) is not None
        assert _incidents(world) == {}


def test_without_a_till_no_incident_stays_open(world: TopupsWorld) -> None:
    with charger() as till:
        says(till, "stopped")
        assert _round(world, _teller(world, till)) is not None
    assert _incidents(world) == {"topups stopped": "stopped"}
    assert _round(world, _teller(world, None)) is None
    assert _incidents(world) == {}


def test_a_bug_in_a_round_ends_nothing(world: TopupsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> TopupReport:
        raise RuntimeError("a bug")

    with charger() as till:
        teller = _teller(world, till)
        with monkeypatch.context() as patch:
            patch.setattr("aggregator.notices.topups.rounds.TopupRound.run", broken)
            report = _round(world, teller)
            assert report is not None
            assert report.error
        assert _round(world, teller) == TopupReport(told=1, posts=1, last="alice")


def test_a_till_that_hangs_delays_nothing(world: TopupsWorld) -> None:
    """What the loop calls returns while the post waits, and begins no second one."""
    with charger() as till:
        till.answer("hang")
        world.pull()
        teller = _teller(world, till)
        began_s = time.monotonic()
        with world.ledger() as ledger:
            for _ in range(3):
                teller.pulled(world.money_repos())
                teller.start()
                assert teller.collect(ledger.store) is None
            world.pull_into(ledger)
        teller.close()
        assert time.monotonic() - began_s < 5
        assert len(till.got) <= 1


def test_rounds_rest_longer_than_they_work(
    world: TopupsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pulls on hints may follow each other within a second."""
    monkeypatch.setattr(telling, "REST_S", 3600.0)
    with charger() as till:
        teller = _teller(world, till)
        assert _round(world, teller) is not None
        assert _round(world, teller) is None
        assert len(till.got) == 1


def test_the_daemon_tells_the_till(tmp_path: Path) -> None:
    """A real daemon, with a till that hangs at first and a clock of its own."""
    world = TopupsWorld(tmp_path)
    world.settings |= {"pull_every_s": 5, "pull_jitter_s": 0, "silent_after_s": 0}
    world.let_be_due()
    with charger() as till:
        config = world.write_config()
        secret = config_of(world, till).secret_file
        with config.open("a") as file:
            file.write(f'[topup]\nurl = "{till.url}"\nsecret_file = "{secret}"\n')
        with running_daemon(tmp_path, config) as daemon:
            daemon.listen(lambda: bool(till.got))
            code, _ = daemon.leave()
        assert code == 0
        assert [account.user for account in posts(till)[0].accounts] == ["alice"]
