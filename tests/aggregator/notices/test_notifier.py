"""Telling beside a loop that must not wait."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.notices import notifier as notifying
from aggregator.notices.delivery import DeliveryReport
from aggregator.notices.notifier import Notifier
from tests.aggregator.notices.telling import Desk
from tests.support.ledger.world import World, money_line, usage_line
from tests.support.receiver import ReceiverServer

PATIENCE_S = 30


def until(found: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def collected(notifier: Notifier) -> DeliveryReport:
    results: list[DeliveryReport | None] = [None]

    def is_over() -> bool:
        results[0] = notifier.collect()
        return results[0] is not None

    until(is_over)
    assert results[0] is not None
    return results[0]


def test_it_delivers_while_the_loop_goes_on(desk: Desk, server: ReceiverServer) -> None:
    """A receiver that hangs keeps only the thread waiting; what is new meanwhile goes next."""
    notifier = desk.notifier()
    notifier.deliver()
    assert collected(notifier).delivered == 0
    held = threading.Event()
    server.meeting = lambda _event: held.wait(PATIENCE_S)
    desk.usd("alice", 4)
    assert desk.compare(notifier) == 1
    notifier.deliver()
    assert notifier.collect() is None
    desk.usd("alice", 0)
    assert desk.compare(notifier) == 1
    notifier.deliver()
    held.set()
    first = collected(notifier)
    notifier.deliver()
    assert first.delivered + (collected(notifier).delivered if first.delivered == 1 else 0) == 2
    assert [event["event"] for event in server.taken()] == ["balance_low", "balance_exhausted"]


def test_nothing_is_begun_while_nothing_is_due(desk: Desk, server: ReceiverServer) -> None:
    notifier = desk.notifier()
    notifier.deliver()
    collected(notifier)
    desk.later(days=1)
    notifier.deliver()
    assert notifier.collect() is None
    assert notifier._background.is_free


def test_it_comes_back_when_the_receiver_was_down(desk: Desk, server: ReceiverServer) -> None:
    notifier = desk.notifier()
    server.answer(503, times=1)
    desk.usd("alice", 0)
    desk.compare(notifier)
    notifier.deliver()
    assert collected(notifier).waiting == 1
    notifier.deliver()
    assert notifier._background.is_free
    desk.later(seconds=10)
    notifier.deliver()
    assert collected(notifier).delivered == 1


def test_what_was_left_is_delivered_after_a_restart(desk: Desk, server: ReceiverServer) -> None:
    desk.usd("alice", 0)
    desk.compare()
    notifier = desk.notifier()
    notifier.deliver()
    assert collected(notifier).delivered == 1


def test_it_drains_when_it_is_closed(desk: Desk, server: ReceiverServer) -> None:
    for number in range(50):
        desk.usd(f"user-{number}", 0)
    notifier = desk.notifier()
    desk.compare(notifier)
    notifier.close()
    assert len(server.taken()) == 50


def test_it_does_not_wait_for_ever_when_it_is_closed(
    desk: Desk, server: ReceiverServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is in the outbox, to be delivered by the next one."""
    monkeypatch.setattr(notifying, "DRAIN_S", 0)
    monkeypatch.setattr(notifying, "_JOIN_S", 0)
    held = threading.Event()
    server.meeting = lambda _event: held.wait(PATIENCE_S)
    for user in ("alice", "bob"):
        desk.usd(user, 0)
    notifier = desk.notifier()
    desk.compare(notifier)
    notifier.deliver()
    until(lambda: True)
    notifier.close()
    held.set()
    collected(notifier)
    assert len(server.taken()) < 2
    next_one = desk.notifier()
    next_one.deliver()
    collected(next_one)
    assert {event["user"] for event in server.taken()} == {"alice", "bob"}


def test_a_disk_that_takes_nothing_stops_nothing(desk: Desk, tmp_path: Path) -> None:
    """The notice is found again once there is room."""
    desk.usd("alice", 0)
    moved = desk.path.with_name("moved")
    desk.path.rename(moved)
    desk.path.mkdir()
    notifier = desk.notifier()
    assert desk.compare(notifier) == 0
    notifier.deliver()
    assert "cannot be used" in collected(notifier).error
    desk.path.rmdir()
    moved.rename(desk.path)
    assert desk.compare(notifier) == 1


def pulled(world: World, notifier: Notifier) -> list[str]:
    """What one pass tells, as the daemon does it."""
    with world.ledger() as ledger:
        world.pull_into(ledger)
        notifier.compare(ledger.store)
    notifier.close()
    return []


def test_whole_pulls_tell_once_across_a_rebuild(tmp_path: Path, server: ReceiverServer) -> None:
    """Payments, usage and a rewritten repo, told once, though the ledger is made again twice."""
    desk = Desk(tmp_path / "state", server.url)
    world = World(tmp_path)
    notifier = desk.notifier
    world.rules()
    world.pay(money_line(amount="10.00"))
    pulled(world, notifier())
    world.usage(usage_line(seq=1, units=7200))
    pulled(world, notifier())
    world.forget()
    pulled(world, notifier())
    writer = world.repo("node-1")
    world.usage(usage_line(seq=2, units=7200))
    pulled(world, notifier())
    tip = writer.tip()
    assert tip is not None
    world.forget()
    pulled(world, notifier())
    pulled(world, notifier())
    told = [event["event"] for event in server.taken()]
    assert told == ["started", "balance_low", "balance_exhausted"]
    (tmp_path / "remotes" / "node-1.git").rename(tmp_path / "away")
    for _ in range(2):
        pulled(world, notifier())
        world.forget()
        pulled(world, notifier())
    assert [e["event"] for e in server.taken()][3:] == ["incident_opened"]
    assert server.taken()[-1]["kind"] == IncidentKind.REPO_GONE
