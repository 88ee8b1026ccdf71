"""What became of automatic payments is announced once, as levels, also by a rebuilt ledger."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.sections import NotifyConfig
from aggregator.notices.notifier import Notifier
from aggregator.store.outbox.outbox import NOTICES_NAME, Outbox
from tests.support.ledger.topups_world import ATTEMPT, TopupsWorld

OTHER = "auto:alice:0000000000000002"


class Announcing:
    """A world whose notices are kept.

    Attributes:
        world: the world.
    """

    def __init__(self, world: TopupsWorld) -> None:
        self.world = world
        self._seen = 0

    def news(self) -> list[dict[str, Any]]:
        """Pull and compare, as a process that was just started; what is new about payments."""
        self.world.pull()
        return self.compared()

    def compared(self) -> list[dict[str, Any]]:
        """Compare alone."""
        state = self.world.config.state
        config = NotifyConfig(url="http://127.0.0.1:9/events", balance_below_usd="0.00")
        notifier = Notifier(config, state, lambda: self.world.now)
        with self.world.ledger() as ledger:
            notifier.compare(ledger.store)
        with closing(Outbox(state / NOTICES_NAME)) as outbox:
            bodies = [json.loads(row.body) for row in outbox.queue.rows(undelivered=False)]
        new, self._seen = bodies[self._seen :], len(bodies)
        return [body for body in new if body["event"].startswith("topup_")]


@pytest.fixture
def told(world: TopupsWorld) -> Announcing:
    """Announcing has begun."""
    found = Announcing(world)
    assert found.news() == []
    return found


def test_an_attempt_that_is_paid_is_announced(told: Announcing) -> None:
    world = told.world
    world.begin()
    assert told.news() == []
    began = world.now
    world.later(minutes=1)
    world.pay("pi_auto", "20.00", attempt=ATTEMPT)
    (notice,) = told.news()
    assert {name: notice[name] for name in notice if name not in {"v", "id", "at"}} == {
        "event": "topup_paid",
        "user": "alice",
        "attempt": ATTEMPT,
        "provider": "stripe",
        "amount_usd": "20.00",
        "amount_nano": 20_000_000_000,
        "began_at": f"{began:%Y-%m-%dT%H:%M:%SZ}",
        "ended_at": f"{world.now:%Y-%m-%dT%H:%M:%SZ}",
        "reason": None,
        "failures": 0,
        "switched_off": False,
    }
    assert told.news() == []


def test_failures_are_announced_and_the_third_says_that_it_is_off(told: Announcing) -> None:
    world = told.world
    found = []
    for number in range(3):
        name = f"auto:alice:{100 + number:016d}"
        world.begin(name)
        world.later(minutes=1)
        world.end("card_declined", name)
        found += told.news()
        world.later(hours=25)
    assert [each["event"] for each in found] == ["topup_failed"] * 3
    assert [(each["failures"], each["switched_off"]) for each in found] == [
        (1, False), (2, False), (3, True)
    ]  # fmt: skip
    assert {each["reason"] for each in found} == {"card_declined"}


def test_an_attempt_that_takes_long_is_announced_and_what_becomes_of_it(
    told: Announcing,
) -> None:
    """Time alone makes it late, without a line."""
    world = told.world
    world.begin()
    world.later(minutes=14)
    assert told.news() == []
    world.later(minutes=1)
    assert [each["event"] for each in told.compared()] == ["topup_waits"]
    assert told.news() == []
    world.later(hours=60)
    world.end("authentication_required")
    assert [each["event"] for each in told.news()] == ["topup_failed"]


def test_a_card_that_was_never_asked_is_no_news(told: Announcing) -> None:
    told.world.begin()
    told.world.later(minutes=30)
    told.world.end("not tried")
    assert told.news() == []


def test_what_was_missed_in_between_is_one_notice(told: Announcing) -> None:
    """It began, waited and was paid while nobody looked."""
    world = told.world
    world.begin()
    world.later(hours=2)
    world.pay("pi_auto", "20.00", attempt=ATTEMPT)
    assert [each["event"] for each in told.news()] == ["topup_paid"]


def test_a_rebuilt_ledger_announces_nothing_twice(told: Announcing) -> None:
    world = told.world
    world.begin()
    world.end("card_declined")
    world.begin(OTHER)
    world.later(minutes=20)
    assert [each["event"] for each in told.news()] == ["topup_failed", "topup_waits"]
    world.forget()
    assert told.news() == []
    world.run("rebuild").ok()
    assert told.news() == []


def test_what_is_there_when_announcing_begins_counts_as_announced(world: TopupsWorld) -> None:
    """Also in a file of an earlier version, which knows nothing of attempts."""
    world.begin()
    world.later(minutes=20)
    found = Announcing(world)
    assert found.news() == []
    path: Path = world.config.state / NOTICES_NAME
    with closing(Outbox(path)) as outbox:
        outbox._connection.execute("DROP TABLE told_attempt")
        outbox._connection.execute("DELETE FROM meta WHERE key = 'attempts_began_at'")
        outbox._connection.execute("PRAGMA user_version = 1")
    assert found.news() == []
    world.pay("pi_auto", "20.00", attempt=ATTEMPT)
    assert [each["event"] for each in found.news()] == ["topup_paid"]


def test_what_is_long_over_is_forgotten_and_never_announced_again(told: Announcing) -> None:
    world = told.world
    world.begin()
    world.end("card_declined")
    assert len(told.news()) == 1
    world.later(days=30)
    assert told.news() == []
    with closing(Outbox(world.config.state / NOTICES_NAME)) as outbox:
        assert outbox.announced.attempts() == {}
    assert told.news() == []
