"""Whether a card may be charged now: what stands in the way, and in which order it is asked."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.attempts import NOT_TRIED, TopupAttempt
from gitmeter.money.topups.judging import (
    FAILURES_MAX,
    TopupCase,
    TopupStop,
    failures,
    stop_of,
    stop_of_attempts,
)
from gitmeter.money.topups.settled import AutoTopup
from tests.gitmeter.money.topups.telling import TERMS, USD, us

NOW = 480.0
"""Hours after the start: the last day of November, at midnight."""
DUE = TopupCase(
    wanted=TERMS,
    settled_us=us(0),
    consent=TERMS,
    consented_us=us(0),
    is_suspended=False,
    is_in_question=False,
    taken_back_us=None,
    attempts=(),
    balance_nano=4 * USD,
)


def attempt(
    began: float, ended: float | None = None, reason: str | None = "card_declined", usd: int = 20
) -> TopupAttempt:
    """An attempt; without an end it is open."""
    ended_us = None if ended is None else us(ended)
    reason = None if ended is None else reason
    return TopupAttempt(f"auto:{began}", "stripe", usd * USD, us(began), ended_us, reason)


FAILED = tuple(attempt(hour, hour + 1) for hour in (10, 20, 30))
STOPS: dict[TopupStop, dict[str, Any]] = {
    TopupStop.OFF: {"wanted": None},
    TopupStop.NO_CONSENT: {"consent": None},
    TopupStop.BEYOND_CONSENT: {"consent": AutoTopup(20 * USD, 5 * USD, 99 * USD)},
    TopupStop.SUSPENDED: {"is_suspended": True},
    TopupStop.FAILED: {"attempts": FAILED},
    TopupStop.IN_QUESTION: {"is_in_question": True},
    TopupStop.TAKEN_BACK: {"taken_back_us": us(1)},
    TopupStop.OPEN: {"attempts": (attempt(0),)},
    TopupStop.RECENT: {"attempts": (attempt(NOW - 24, NOW - 23),)},
    TopupStop.MONTH: {"attempts": (attempt(0, 1, None, usd=81),)},
    TopupStop.ENOUGH: {"balance_nano": 5 * USD},
}
"""For each stop a case in which it is the only one."""


def test_an_account_below_its_own_threshold_is_charged() -> None:
    assert stop_of(DUE, us(NOW)) is None
    assert stop_of(DUE._replace(balance_nano=5 * USD - 1), us(NOW)) is None


@pytest.mark.parametrize("stop", TopupStop)
def test_each_thing_alone_stands_in_the_way(stop: TopupStop) -> None:
    assert stop_of(DUE._replace(**STOPS[stop]), us(NOW)) is stop


@given(st.sets(st.sampled_from(list(TopupStop)), min_size=1))
def test_of_several_the_first_is_told(stops: set[TopupStop]) -> None:
    """In the order in which they are listed."""
    ordered = [stop for stop in TopupStop if stop in stops]
    case = DUE
    for stop in reversed(ordered):
        changes = dict(STOPS[stop])
        attempts = (*case.attempts, *changes.pop("attempts", ()))
        case = case._replace(**changes, attempts=attempts)
    assert stop_of(case, us(NOW)) is ordered[0]


@pytest.mark.parametrize("stop", TopupStop)
def test_what_only_the_customer_can_mend_is_told_as_that(stop: TopupStop) -> None:
    asks = {"no consent", "beyond consent", "failed too often", "money taken back"}
    assert stop.needs_customer is (stop.value in asks)


@pytest.mark.parametrize(("taken_back", "stop"), [
    (-1, None), (0, TopupStop.TAKEN_BACK), (1, TopupStop.TAKEN_BACK),
])  # fmt: skip
def test_money_taken_back_asks_for_a_new_consent(taken_back: float, stop: TopupStop | None) -> None:
    case = DUE._replace(taken_back_us=us(taken_back))
    assert stop_of(case, us(NOW)) is stop


@pytest.mark.parametrize(
    ("attempts", "now", "stop"),
    [
        ([], NOW, None),
        ([attempt(0)], NOW, TopupStop.OPEN),
        ([attempt(0), attempt(1, 2)], NOW, TopupStop.OPEN),
        ([attempt(NOW - 23.99, NOW - 23.5)], NOW, TopupStop.RECENT),
        ([attempt(NOW - 30, NOW - 23.99)], NOW, TopupStop.RECENT),
        ([attempt(NOW - 25, NOW - 24)], NOW, None),
        ([attempt(NOW - 25, NOW - 1, NOT_TRIED)], NOW, TopupStop.RECENT),
        # a clock that was set back lets nothing begin before its time
        ([attempt(NOW, NOW + 1)], NOW - 1000, TopupStop.RECENT),
        ([attempt(0, 1, None, usd=80)], NOW, None),
        ([attempt(0, 1, None, usd=81)], NOW, TopupStop.MONTH),
        ([attempt(0, 1, usd=1000)], NOW, None),
        # by the border of the month, which is at NOW + 24
        ([attempt(0, 1, None, usd=81)], NOW + 23.99, TopupStop.MONTH),
        ([attempt(0, 1, None, usd=81)], NOW + 24, None),
        # one that began in one month and was paid in the next counts in both
        ([attempt(-300, 1, None, usd=81)], NOW, TopupStop.MONTH),
        ([attempt(470, NOW + 25, None, usd=81)], NOW + 60, TopupStop.MONTH),
        # the same month of another year is another
        ([attempt(-365 * 24, -365 * 24 + 1, None, usd=81)], NOW, None),
    ],
)
def test_what_earlier_attempts_have_against_another_one(
    attempts: list[TopupAttempt], now: float, stop: TopupStop | None
) -> None:
    assert stop_of_attempts(attempts, TERMS, us(now)) is stop


@pytest.mark.parametrize(
    ("attempts", "settled", "number"),
    [
        (FAILED, 0, FAILURES_MAX),
        (FAILED, 11, 2),
        (FAILED, 31, 0),
        ([attempt(10, 11), attempt(20, 21, NOT_TRIED), attempt(30)], 0, 1),
        ([attempt(10, 11), attempt(20, 21, None), attempt(30, 31)], 0, 1),
        # it counts when it ended, not when it began
        ([attempt(10, 50), attempt(20, 21, None)], 30, 1),
    ],
)
def test_failures_count_since_the_last_setting_and_payment(
    attempts: list[TopupAttempt], settled: float, number: int
) -> None:
    assert failures(attempts, us(settled)) == number


ATTEMPTS = st.lists(
    st.builds(
        attempt,
        st.integers(0, 900),
        st.none() | st.integers(900, 1000),
        st.sampled_from([None, NOT_TRIED, "card_declined"]),
        st.integers(1, 60),
    ),
    max_size=5,
)


@given(attempts=ATTEMPTS, now=st.integers(0, 1200), seed=st.integers(0, 9))
def test_what_is_judged_does_not_hang_on_the_order_of_attempts(
    attempts: list[TopupAttempt], now: int, seed: int
) -> None:
    case = DUE._replace(attempts=attempts)
    shuffled = random.Random(seed).sample(attempts, len(attempts))
    assert stop_of(case._replace(attempts=shuffled), us(now)) is stop_of(case, us(now))


@given(attempts=ATTEMPTS, more=ATTEMPTS, now=st.integers(0, 1200))
def test_more_attempts_never_let_a_card_be_charged(
    attempts: list[TopupAttempt], more: list[TopupAttempt], now: int
) -> None:
    """What the till that charges knows besides can only stop it."""
    if stop_of_attempts(attempts, TERMS, us(now)) is not None:
        assert stop_of_attempts([*attempts, *more], TERMS, us(now)) is not None


@given(attempts=ATTEMPTS, earlier=st.integers(0, 1200), later=st.integers(0, 1200))
def test_a_clock_that_was_set_back_never_lets_a_card_be_charged_sooner(
    attempts: list[TopupAttempt], earlier: int, later: int
) -> None:
    """What was begun at a time is known then, so within a day of the earlier time nothing is."""
    now, back = max(earlier, later), min(earlier, later)
    begun = [*attempts, attempt(now, now + 1)]
    assert stop_of_attempts(begun, TERMS, us(back)) is not None
