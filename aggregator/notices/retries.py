"""When a notice is retried. Pure: the caller provides time and randomness.

Two things can go wrong. The receiver may be down or busy: then nothing is posted for a while. Or it
responds and refuses a notice: then only that one and later ones about the same subject wait, and it
is given up in the end.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.store.outbox.queue import ReceiverState, Retry, WaitingNotice
from gitmeter.support.backoff import asked_wait, doubled_wait

FIRST_WAIT: Final = timedelta(seconds=10)
GIVEN_UP_AFTER: Final = timedelta(days=7)
REFUSED_IN_A_ROW_MAX: Final = 5
"""A receiver that refuses so many different notices in a row is treated as in trouble."""

_SECOND: Final = timedelta(seconds=1)
_PERCENT: Final = 100
_JITTER_PERCENT: Final = 25


class PostOutcome(StrEnum):
    """The result of an attempt, in one word."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The receiver refuses this notice."""
    TROUBLE = "trouble"
    """The receiver accepts no notice for now."""


class PostResult(NamedTuple):
    """The result of posting one notice.

    Attributes:
        outcome: whether the receiver accepted it.
        detail: the status and the receiver's message, or our own description.
        retry_after_s: how long the receiver asks to wait, in seconds; None if it does not say.
    """

    outcome: PostOutcome
    detail: str
    retry_after_s: int | None = None


def wait_s(failures: int, asked_s: int | None, chance_percent: int) -> int:
    """How long to wait: 10 s after the first failure, doubled after each, at most an hour.

    Args:
        failures: number of failures in a row, this one included.
        asked_s: how long the receiver asks to wait; the result is not less, up to a day.
        chance_percent: random, from 0 to 100; takes off up to a quarter, so that clients that lost
            the receiver at the same moment do not return at the same moment.
    """
    longest_s = doubled_wait(failures, FIRST_WAIT) // _SECOND
    own_s = longest_s - longest_s * _JITTER_PERCENT * chance_percent // _PERCENT**2
    return max(own_s, asked_wait(asked_s) // _SECOND)


def after_trouble(
    before: ReceiverState, result: PostResult, now_s: int, chance_percent: int
) -> ReceiverState:
    """The state of the receiver after it accepted nothing."""
    errors = before.errors + 1
    until_s = now_s + wait_s(errors, result.retry_after_s, chance_percent)
    return ReceiverState(errors, until_s, result.detail)


def after_refusal(
    notice: WaitingNotice, result: PostResult, now_s: int, chance_percent: int
) -> Retry:
    """When a refused notice is retried, if at all."""
    since_s = now_s if notice.refused_since_s is None else notice.refused_since_s
    pause_s = wait_s(notice.attempts + 1, result.retry_after_s, chance_percent)
    return Retry(now_s + pause_s, since_s, now_s - since_s >= GIVEN_UP_AFTER.total_seconds())
