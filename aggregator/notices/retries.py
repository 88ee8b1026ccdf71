"""When a notice is tried again. Pure: told the time and the chance by its caller.

Two things can be wrong. The receiver may be down or busy: then no notice is tried for a while. Or
it answers and does not want this one: then this one, and those about the same subject after it,
wait alone, and it is given up in the end.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.store.outbox.queue import ReceiverState, Retry, WaitingNotice
from gitmeter.support.backoff import asked_wait, doubled_wait

FIRST_WAIT: Final = timedelta(seconds=10)
GIVEN_UP_AFTER: Final = timedelta(days=7)
REFUSED_IN_A_ROW_MAX: Final = 5
"""A receiver that wants none of so many different notices wants none at all for now."""

_SECOND: Final = timedelta(seconds=1)
_PERCENT: Final = 100
_JITTER_PERCENT: Final = 25


class PostOutcome(StrEnum):
    """What became of an attempt."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The receiver does not want this notice."""
    TROUBLE = "trouble"
    """The receiver takes none for now."""


class PostResult(NamedTuple):
    """What a receiver said.

    Attributes:
        outcome: what that means.
        detail: in its words or ours.
        retry_after_s: for how long it asked to be left alone; None when it did not.
    """

    outcome: PostOutcome
    detail: str
    retry_after_s: int | None = None


def wait_s(failures: int, asked_s: int | None, chance_percent: int) -> int:
    """How long to wait: 10 s after the first failure, twice that after each, at most an hour.

    Args:
        failures: how many there were in a row, this one included.
        asked_s: for how long the receiver asked to be left alone; never less than this, up to a
            day.
        chance_percent: from 0 to 100; up to a quarter is taken off, so that not everybody who
            lost the receiver at the same moment comes back at the same moment.
    """
    longest_s = doubled_wait(failures, FIRST_WAIT) // _SECOND
    own_s = longest_s - longest_s * _JITTER_PERCENT * chance_percent // _PERCENT**2
    return max(own_s, asked_wait(asked_s) // _SECOND)


def after_trouble(
    before: ReceiverState, result: PostResult, now_s: int, chance_percent: int
) -> ReceiverState:
    """How the receiver is once it took none."""
    errors = before.errors + 1
    until_s = now_s + wait_s(errors, result.retry_after_s, chance_percent)
    return ReceiverState(errors, until_s, result.detail)


def after_refusal(
    notice: WaitingNotice, result: PostResult, now_s: int, chance_percent: int
) -> Retry:
    """When a notice that the receiver did not want is tried again, if at all."""
    since_s = now_s if notice.refused_since_s is None else notice.refused_since_s
    pause_s = wait_s(notice.attempts + 1, result.retry_after_s, chance_percent)
    return Retry(now_s + pause_s, since_s, now_s - since_s >= GIVEN_UP_AFTER.total_seconds())
