"""A repo that fails is left alone for longer and longer, and never for good."""

from datetime import UTC, datetime, timedelta

import pytest

from gitmeter.support.backoff import FIRST, LONGEST, Backoff, is_worth_a_log

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_wait_doubles_up_to_the_longest() -> None:
    backoff, waits, now = Backoff(), [], NOW
    for number in range(1, 10):
        assert backoff.failed("node-1", now) == number
        minutes = next(
            m for m in range(200) if not backoff.is_waiting("node-1", now + timedelta(minutes=m))
        )
        waits.append(minutes)
        now += timedelta(minutes=minutes)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert timedelta(minutes=1) == FIRST
    assert timedelta(hours=1) == LONGEST


def test_a_year_of_failures_changes_nothing() -> None:
    backoff, now = Backoff(), NOW
    for _ in range(10_000):
        now += LONGEST
        backoff.failed("node-1", now)
    assert backoff.is_waiting("node-1", now + LONGEST - timedelta(seconds=1))
    assert not backoff.is_waiting("node-1", now + LONGEST)


def test_failures_in_the_middle_of_a_wait_make_it_no_longer() -> None:
    """Hints do not wait, so one short outage may fail many times."""
    backoff = Backoff()
    for second in range(30):
        assert backoff.failed("node-1", NOW + timedelta(seconds=second)) == 1
    assert not backoff.is_waiting("node-1", NOW + FIRST)
    assert not backoff.is_asked_to_wait("node-1", NOW)


def test_a_clock_that_was_set_back_makes_no_wait_longer() -> None:
    backoff = Backoff()
    backoff.failed("node-1", NOW)
    assert not backoff.is_waiting("node-1", NOW - timedelta(days=365))


@pytest.mark.parametrize(
    ("asked_s", "waits_s"), [(None, 60), (5, 60), (90, 90), (7200, 7200), (10**9 - 1, 86_400)]
)
def test_a_server_is_left_alone_for_as_long_as_it_asks_within_reason(
    asked_s: int | None, waits_s: int
) -> None:
    backoff = Backoff()
    backoff.failed("node-1", NOW, asked_s=asked_s)
    assert backoff.is_waiting("node-1", NOW + timedelta(seconds=waits_s - 1))
    assert not backoff.is_waiting("node-1", NOW + timedelta(seconds=waits_s))
    assert backoff.is_asked_to_wait("node-1", NOW) == ((asked_s or 0) >= 60)
    backoff.failed("node-1", NOW, wait=False, asked_s=asked_s)
    assert not backoff.is_waiting("node-1", NOW)


def test_a_success_forgets_the_failures_of_that_repo_alone() -> None:
    backoff = Backoff()
    for name in ("node-1", "node-1", "node-2"):
        backoff.failed(name, NOW)
    backoff.succeeded("node-1")
    backoff.succeeded("never-failed")
    assert not backoff.is_waiting("node-1", NOW)
    assert backoff.is_waiting("node-2", NOW)
    assert backoff.failed("node-1", NOW) == 1


@pytest.mark.parametrize(
    ("errors", "logged"), [(1, True), (2, True), (3, False), (4, True), (6, False), (1024, True)]
)
def test_errors_are_logged_ever_more_rarely(errors: int, *, logged: bool) -> None:
    assert is_worth_a_log(errors) is logged
