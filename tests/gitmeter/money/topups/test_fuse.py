"""The fuse over all automatic payments: at most so many, and so much, within any hour."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.fuse import Begun, blows
from tests.gitmeter.money.topups.telling import USD, us
from wire_format.writers import TopupLimits

LIMITS = TopupLimits(3, 100 * USD)


def begun(*told: tuple[float, int]) -> list[Begun]:
    """Attempts, by hours and dollars."""
    return [Begun(us(hours), usd * USD) for hours, usd in told]


@pytest.mark.parametrize(
    ("told", "wanted", "is_blown"),
    [
        ([], 100, False),
        ([], 101, True),
        ([(9.5, 10), (9.6, 10)], 10, False),
        ([(9.5, 10), (9.6, 10), (9.7, 10)], 10, True),
        ([(9.0, 10), (9.6, 10), (9.7, 10)], 10, False),
        ([(9.01, 10), (9.6, 10), (9.7, 10)], 10, True),
        ([(9.5, 80)], 20, False),
        ([(9.5, 80)], 21, True),
        ([(9.0, 80)], 21, False),
        # what is dated after now counts, whatever it is that was set back
        ([(50.0, 80)], 21, True),
    ],
)
def test_one_too_many_or_too_much_within_the_last_hour(
    told: list[tuple[float, int]], wanted: int, *, is_blown: bool
) -> None:
    assert blows(begun(*told), wanted * USD, LIMITS, us(10)) is is_blown


TOLD = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 60)), max_size=6)


@given(told=TOLD, more=TOLD, now=st.integers(0, 12), seed=st.integers(0, 9))
def test_it_hangs_on_the_set_of_attempts_and_more_of_them_never_mend_it(
    told: list[tuple[float, int]], more: list[tuple[float, int]], now: int, seed: int
) -> None:
    found = blows(begun(*told), 20 * USD, LIMITS, us(now))
    shuffled = random.Random(seed).sample(told, len(told))
    assert blows(begun(*shuffled), 20 * USD, LIMITS, us(now)) is found
    assert blows(begun(*told, *more), 20 * USD, LIMITS, us(now)) or not found


@given(st.lists(st.tuples(st.integers(0, 240), st.integers(1, 60)), max_size=40))
def test_whoever_asks_before_each_attempt_stays_within_both_in_every_hour(
    wanted: list[tuple[int, int]],
) -> None:
    """Asked every minute or less often, by a clock that runs on."""
    done: list[Begun] = []
    for minute, usd in sorted(wanted):
        if not blows(done, usd * USD, LIMITS, us(minute / 60)):
            done += begun((minute / 60, usd))
    for first in done:
        hour = [each for each in done if first.at_us <= each.at_us < us(1) - us(0) + first.at_us]
        assert len(hour) <= LIMITS.hour_max
        assert sum(each.credit_nano for each in hour) <= LIMITS.hour_max_nano
