"""Whether a saved card may be charged now, and if not, what first stands in the way. Pure.

What is judged is a level, never a change: it does not matter how often anybody asks, nor what was
missed in between.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from gitmeter.money.topups.attempts import TopupAttempt
from gitmeter.money.topups.settled import AutoTopup
from wire_format.instants import DAY_US, month_of

FAILURES_MAX: Final = 3
"""So many failed attempts since the last setting or payment switch automatic payments off."""

PAUSE_US: Final = DAY_US
"""Between two attempts of one account, and after the end of one."""


class TopupStop(StrEnum):
    """Why a card is not charged, in the order in which it is asked."""

    OFF = "off"
    NO_CONSENT = "no consent"
    BEYOND_CONSENT = "beyond consent"
    SUSPENDED = "suspended"
    FAILED = "failed too often"
    IN_QUESTION = "payment in question"
    TAKEN_BACK = "money taken back"
    OPEN = "attempt open"
    RECENT = "within 24 hours"
    MONTH = "limit of the month"
    ENOUGH = "enough"

    @property
    def needs_customer(self) -> bool:
        """Whether it stays so until the customer does something."""
        return self in {
            TopupStop.NO_CONSENT,
            TopupStop.BEYOND_CONSENT,
            TopupStop.FAILED,
            TopupStop.TAKEN_BACK,
        }


class TopupCase(NamedTuple):
    """What is known of an account; times in microseconds since 1970, amounts in nano-dollars.

    Attributes:
        wanted: what is settled; None where automatic payments are off.
        settled_us: when the last setting about them was stated.
        consent: what the last consent allows; None where there is none that allows anything.
        consented_us: when that was given.
        is_suspended: whether services refuse the account.
        is_in_question: whether a payment of it waits, is undecided, or has a rival.
        taken_back_us: when money of it was refunded or disputed last; None if it never was.
        attempts: its automatic attempts, by when they began.
        balance_nano: the balance that counts.
    """

    wanted: AutoTopup | None
    settled_us: int
    consent: AutoTopup | None
    consented_us: int
    is_suspended: bool
    is_in_question: bool
    taken_back_us: int | None
    attempts: Sequence[TopupAttempt]
    balance_nano: int


def stop_of(case: TopupCase, now_us: int) -> TopupStop | None:
    """The first thing that stands in the way of charging a card; None if nothing does."""
    if case.wanted is None:
        return TopupStop.OFF
    if case.consent is None:
        return TopupStop.NO_CONSENT
    if not case.consent.covers(case.wanted):
        return TopupStop.BEYOND_CONSENT
    if case.is_suspended:
        return TopupStop.SUSPENDED
    if failures(case.attempts, case.settled_us) >= FAILURES_MAX:
        return TopupStop.FAILED
    if case.is_in_question:
        return TopupStop.IN_QUESTION
    if case.taken_back_us is not None and case.taken_back_us >= case.consented_us:
        return TopupStop.TAKEN_BACK
    if (stop := stop_of_attempts(case.attempts, case.wanted, now_us)) is not None:
        return stop
    return None if case.balance_nano < case.wanted.below_nano else TopupStop.ENOUGH


def stop_of_attempts(
    attempts: Sequence[TopupAttempt], wanted: AutoTopup, now_us: int
) -> TopupStop | None:
    """What earlier attempts have against another one; None if nothing.

    The ledger asks it about all lines that it has, and the till that charges about its own, which
    may be more. A clock that was set back lets nothing begin before its time.

    Args:
        attempts: of one account, by when they began.
        wanted: what is settled.
        now_us: the time.
    """
    if any(attempt.is_open for attempt in attempts):
        return TopupStop.OPEN
    last_us = max((max(each.began_us, each.ended_us or 0) for each in attempts), default=None)
    if last_us is not None and now_us - last_us < PAUSE_US:
        return TopupStop.RECENT
    if spent_nano(attempts, now_us) + wanted.amount_nano > wanted.month_nano:
        return TopupStop.MONTH
    return None


def spent_nano(attempts: Iterable[TopupAttempt], now_us: int) -> int:
    """What automatic payments credited that began or were paid in the calendar month of an instant.

    Args:
        attempts: of one account.
        now_us: the instant, microseconds since 1970.
    """
    month = month_of(now_us)
    return sum(
        each.credit_nano
        for each in attempts
        if each.is_paid and month in {month_of(each.began_us), month_of(each.ended_us or 0)}
    )


def failures(attempts: Sequence[TopupAttempt], settled_us: int) -> int:
    """How many attempts failed since the last setting, and since the last that was paid.

    Args:
        attempts: of one account, by when they began.
        settled_us: when automatic payments were settled last.
    """
    since_us = max([settled_us, *(each.ended_us or 0 for each in attempts if each.is_paid)])
    return sum(each.has_failed and (each.ended_us or 0) > since_us for each in attempts)
