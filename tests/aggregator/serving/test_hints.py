"""Hints: none lost, none for the same repo twice in two seconds, the first at once."""

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from aggregator.serving.hints import COALESCE_S, Hints

NAMES = ("a", "b", "c")
STEPS = st.lists(
    st.one_of(st.sampled_from(NAMES), st.floats(0, 5, allow_nan=False, allow_infinity=False)),
    max_size=60,
)


@given(STEPS)
def test_no_hint_is_lost_or_handed_out_too_often(steps: list[str | float]) -> None:
    """Whatever the order of hints and takings.

    A name is taken after each hint for it, at once when it was not taken in the last two seconds,
    and never more often than that.
    """
    hints, now_s = Hints(), 1000.0
    waiting: set[str] = set()
    taken_s: dict[str, float] = {}
    for step in steps:
        if isinstance(step, str):
            hints.hint(step)
            waiting.add(step)
            continue
        now_s += step
        due = hints.due(now_s)
        free = {n for n in NAMES if n not in taken_s or taken_s[n] + COALESCE_S <= now_s}
        assert due == waiting & free
        waiting -= due
        taken_s |= dict.fromkeys(due, now_s)
    assert hints.due(now_s + COALESCE_S) == waiting


def test_many_hints_are_one_look() -> None:
    hints = Hints()
    for _ in range(50):
        hints.hint("a")
    assert hints.due(1.0) == {"a"}
    assert hints.due(100.0) == frozenset()


def test_a_hint_during_the_fetch_is_kept_for_the_next() -> None:
    """What was pushed while the repo was being fetched may have been missed by that fetch."""
    hints = Hints()
    hints.hint("a")
    assert hints.due(0.0) == {"a"}
    hints.hint("a")
    assert hints.due(0.5) == frozenset()
    assert hints.due(2.0) == {"a"}


def test_nothing_to_wait_for_ends_with_the_time() -> None:
    assert not Hints().wait(0.01)


def test_waiting_ends_when_a_hint_is_there_already() -> None:
    hints = Hints()
    hints.hint("a")
    assert hints.wait(60)


def test_waiting_ends_when_another_thread_hints() -> None:
    hints = Hints()
    waiting = threading.Thread(target=hints.wait, args=[86_400], daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    hints.hint("a")
    waiting.join(60)
    assert not waiting.is_alive()
    assert hints.due(time.monotonic()) == {"a"}


def test_waiting_does_not_end_for_a_repo_that_was_just_taken() -> None:
    """Or the loop would spin for two seconds."""
    hints = Hints()
    hints.hint("a")
    hints.due(time.monotonic())
    hints.hint("a")
    assert not hints.wait(0.05)
    assert hints.wait(60)
    assert hints.due(time.monotonic()) == {"a"}


def test_hints_of_many_threads_all_arrive() -> None:
    hints = Hints()
    threads = [threading.Thread(target=hints.hint, args=[f"n{i}"]) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hints.due(0.0) == {f"n{i}" for i in range(50)}
