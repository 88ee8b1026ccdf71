"""Whether a card may be charged: what stands in the way, in the order in which it is asked."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.attempts import TopupAttempt
from gitmeter.money.topups.fuse import Begun
from gitmeter.money.topups.judging import TopupStop
from gitmeter.money.topups.settled import AutoTopup
from tests.till.place import START
from till.charging.deciding import DueCase, NotNow, decide
from wire_format.instants import DAY_US, HOUR_US, to_us
from wire_format.money import NANO
from wire_format.writers import TopupLimits

NOW_US = to_us(START)
MINUTE_US = 60 * 10**6
WANTED = AutoTopup(20 * NANO, 5 * NANO, 100 * NANO)
FREE = DueCase(
    posted_us=NOW_US - MINUTE_US,
    is_stopped=False,
    is_settled=True,
    wanted=WANTED,
    balance_nano=3 * NANO,
    seen_seq=7,
    last_seq=7,
    attempts=(),
    begun=(),
    limits=TopupLimits(3, 100 * NANO),
)


def attempt(began_us: int, ended_us: int | None = None, reason: str | None = None) -> TopupAttempt:
    return TopupAttempt("auto:alice:1", "stripe", 20 * NANO, began_us, ended_us, reason)


BLOCKS: list[tuple[dict[str, Any], NotNow | TopupStop]] = [
    ({"posted_us": NOW_US - 11 * MINUTE_US}, NotNow.POST_TOO_OLD),
    ({"is_stopped": True}, NotNow.STOPPED),
    ({"is_settled": False}, NotNow.NOT_SETTLED),
    ({"wanted": WANTED._replace(amount_nano=0)}, NotNow.NOTHING_WANTED),
    ({"balance_nano": 5 * NANO}, NotNow.ENOUGH),
    ({"seen_seq": 6}, NotNow.NOT_SEEN),
    ({"attempts": (attempt(NOW_US - DAY_US * 2),)}, TopupStop.OPEN),
    ({"begun": (Begun(NOW_US, 1),) * 3}, NotNow.FUSE),
]
"""In the order in which they are asked."""


def test_nothing_stands_in_the_way() -> None:
    assert decide(FREE, NOW_US) is None


@pytest.mark.parametrize(("changed", "stop"), BLOCKS, ids=lambda each: str(each)[:30])
def test_one_thing_stands_in_the_way(changed: dict[str, Any], stop: NotNow | TopupStop) -> None:
    assert decide(FREE._replace(**changed), NOW_US) is stop


def test_of_several_the_first_is_told() -> None:
    for i, (_, stop) in enumerate(BLOCKS):
        all_of: dict[str, Any] = {}
        for changed, _ in reversed(BLOCKS[i:]):
            all_of |= changed
        assert decide(FREE._replace(**all_of), NOW_US) is stop


@pytest.mark.parametrize(
    ("attempts", "stop"),
    [
        ((attempt(NOW_US - 23 * HOUR_US, NOW_US - 22 * HOUR_US, "declined"),), TopupStop.RECENT),
        ((attempt(NOW_US - 30 * HOUR_US, NOW_US - 23 * HOUR_US, "declined"),), TopupStop.RECENT),
        ((attempt(NOW_US - 25 * HOUR_US, NOW_US - 24 * HOUR_US, "declined"),), None),
        ((attempt(NOW_US - 25 * HOUR_US, NOW_US - 24 * HOUR_US),) * 5, TopupStop.MONTH),
        ((attempt(NOW_US - 25 * HOUR_US, NOW_US - 24 * HOUR_US),) * 4, None),
        ((attempt(NOW_US - 50 * DAY_US, NOW_US - 49 * DAY_US),) * 5, None),
    ],
)
def test_what_earlier_attempts_have_against_it(
    attempts: tuple[TopupAttempt, ...], stop: TopupStop | None
) -> None:
    assert decide(FREE._replace(attempts=attempts), NOW_US) is stop


@pytest.mark.parametrize(
    ("age", "is_taken"),
    [
        (timedelta(minutes=10), True),
        (timedelta(minutes=10, microseconds=1), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-5, microseconds=-1), False),
        (timedelta(days=365), False),
    ],
)
def test_how_old_a_post_may_be(age: timedelta, is_taken: bool) -> None:  # noqa: FBT001
    case = FREE._replace(posted_us=to_us(START - age))
    assert decide(case, NOW_US) is (None if is_taken else NotNow.POST_TOO_OLD)


@pytest.mark.parametrize(
    ("begun", "stop"),
    [
        ([(0, 20)] * 2, None),
        ([(0, 20)] * 3, NotNow.FUSE),
        ([(HOUR_US, 20)] * 3, None),
        ([(HOUR_US - 1, 20)] * 3, NotNow.FUSE),
        ([(0, 80)], None),
        ([(0, 81)], NotNow.FUSE),
        ([(-HOUR_US, 20)] * 3, NotNow.FUSE),
    ],
)
def test_the_fuse_counts_attempts_and_money_of_an_hour(
    begun: list[tuple[int, int]], stop: NotNow | None
) -> None:
    """Also what is dated ahead, so that a clock that was set back opens nothing."""
    case = FREE._replace(begun=tuple(Begun(NOW_US - age, usd * NANO) for age, usd in begun))
    assert decide(case, NOW_US) is stop


@given(
    seen=st.integers(0, 10),
    last=st.integers(0, 10),
    balance=st.integers(-(10**12), 10**12),
    is_settled=st.booleans(),
    is_stopped=st.booleans(),
)
def test_nobody_is_charged_while_the_ledger_is_behind_or_the_balance_suffices(
    seen: int,
    last: int,
    balance: int,
    is_settled: bool,  # noqa: FBT001
    is_stopped: bool,  # noqa: FBT001
) -> None:
    case = FREE._replace(
        seen_seq=seen,
        last_seq=last,
        balance_nano=balance,
        is_settled=is_settled,
        is_stopped=is_stopped,
    )
    may = seen >= last and balance < WANTED.below_nano and is_settled and not is_stopped
    assert (decide(case, NOW_US) is None) == may
