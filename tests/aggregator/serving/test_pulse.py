"""What the loop says of itself, and when it is well."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.serving import health
from aggregator.serving.health import LOOP_AGE_MAX_S, PULL_GRACE_S
from aggregator.serving.pulse import HookResult, Pulse

START = datetime(2026, 1, 1, tzinfo=UTC)
WITHIN_S = 360
LATE_S = 2 * WITHIN_S + PULL_GRACE_S


class Loop:
    """A daemon's loop whose time is set by hand."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.pulse = Pulse(
            lambda: START + timedelta(seconds=self.passed_s),
            WITHIN_S,
            lambda: 5000 + self.passed_s,
        )

    def passes(self, seconds: float, *, alive: bool = True) -> None:
        """Let time pass, the loop telling at its end that it is alive."""
        self.passed_s += seconds
        if alive:
            self.pulse.tick()

    def pulls(self, seconds: float) -> None:
        """Pull all repos in this time."""
        self.pulse.pull_started()
        self.passes(seconds)
        self.pulse.pull_finished()

    @property
    def status(self) -> str:
        """What a check of health says now."""
        return health.judge(self.pulse.read()).status


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_the_first_pull_may_take_as_long_as_it_needs(loop: Loop) -> None:
    loop.pulse.pull_started()
    loop.passes(100_000)
    assert loop.status == "starting"
    loop.pulse.pull_finished()
    assert loop.status == "ok"


def test_a_silent_loop_is_failing(loop: Loop) -> None:
    """Also while it has never pulled."""
    for _ in range(2):
        loop.passes(LOOP_AGE_MAX_S, alive=False)
        assert loop.status != "failing"
        loop.passes(1, alive=False)
        assert loop.status == "failing"
        loop.pulls(1)


def test_an_old_pull_is_failing_until_there_is_a_new_one(loop: Loop) -> None:
    loop.pulls(10)
    loop.passes(LATE_S)
    assert loop.status == "ok"
    loop.passes(1)
    assert loop.status == "failing"
    loop.pulls(1)
    assert loop.status == "ok"


def test_an_interrupted_pull_counts_for_nothing(loop: Loop) -> None:
    loop.pulse.pull_started()
    loop.passes(5)
    loop.pulse.pull_finished(whole=False)
    beat = loop.pulse.read()
    assert (beat.pulls, beat.pulled_at, beat.pull_running_s) == (0, None, None)


def test_setting_the_wall_clock_makes_nobody_ill() -> None:
    """Ages come from the monotonic clock."""
    times = iter([START, START, START + timedelta(days=400)])
    pulse = Pulse(lambda: next(times), WITHIN_S, lambda: 1.0)
    for _ in range(2):
        pulse.pull_started()
        pulse.pull_finished()
    assert health.judge(pulse.read()).status == "ok"


def test_times_of_a_pull(loop: Loop) -> None:
    loop.passes(10)
    loop.pulls(7)
    loop.pulse.next_pull_in(300)
    loop.passes(20, alive=False)
    beat = loop.pulse.read()
    assert beat.started_at == START
    assert beat.pulled_at == START + timedelta(seconds=17)
    assert beat.next_pull_at == START + timedelta(seconds=317)
    assert (beat.pulls, beat.pull_duration_s, beat.pull_age_s, beat.loop_age_s) == (1, 7, 20, 20)


def test_the_answer_names_no_repo_and_no_error(loop: Loop) -> None:
    """It may be shown to whoever watches."""
    loop.pulse.reading(frozenset({"embedder-01"}))
    loop.pulse.listing_failed()
    loop.pulls(1)
    assert health.answer(loop.pulse.read()) == {
        "status": "ok",
        "reasons": [],
        "tests_count": False,
        "started_at": "2026-01-01T00:00:00Z",
        "loop_age_s": 0,
        "pulls": 1,
        "pulled_at": "2026-01-01T00:00:01Z",
        "pull_running_s": None,
        "next_pull_at": None,
    }


def test_what_was_listed_stays_when_listing_fails(loop: Loop) -> None:
    loop.pulse.listed(pending=2, vanished=1)
    loop.passes(60)
    loop.pulse.listing_failed()
    beat = loop.pulse.read()
    assert (beat.pending, beat.vanished, beat.listed_at) == (2, 1, START)
    assert beat.is_listing_failing
    loop.pulse.listed(pending=0, vanished=0)
    assert not loop.pulse.read().is_listing_failing


def test_the_last_whole_check_of_the_forge_stays_when_the_next_fails(loop: Loop) -> None:
    loop.passes(60)
    loop.pulse.forge_checked(is_complete=True)
    loop.passes(60)
    loop.pulse.forge_checked(is_complete=False)
    beat = loop.pulse.read()
    assert beat.forge_checked_at == START + timedelta(seconds=60)
    assert beat.is_forge_check_failing
    loop.pulse.forge_checked(is_complete=True)
    assert not loop.pulse.read().is_forge_check_failing


def test_posts_are_counted_by_result(loop: Loop) -> None:
    assert [loop.pulse.hook(HookResult.UNSIGNED) for _ in range(3)] == [1, 2, 3]
    hooks = loop.pulse.read().hooks
    assert hooks == dict.fromkeys(HookResult, 0) | {HookResult.UNSIGNED: 3}


def test_a_ledger_whose_file_is_gone_is_not_well(loop: Loop) -> None:
    """Once there was one: before the first pull none is expected."""
    assert health.judge(loop.pulse.read(), has_ledger=False).status == "starting"
    loop.pulls(1)
    found = health.answer(loop.pulse.read(), has_ledger=False)
    assert (found["status"], len(found["reasons"])) == ("failing", 1)
    assert health.judge(loop.pulse.read(), has_ledger=True).status == "ok"
