"""Whether a card may be charged for an account that is said to be due. Pure.

The ledger has judged by all lines that it has read; this judges by the lines of the till itself,
which may be more. A level that is told again is judged again: nothing that was told before counts.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from gitmeter.money.topups.attempts import TopupAttempt
from gitmeter.money.topups.fuse import Begun, blows
from gitmeter.money.topups.judging import TopupStop, stop_of_attempts
from gitmeter.money.topups.settled import AutoTopup
from wire_format.instants import HOUR_S
from wire_format.writers import TopupLimits

US_PER_S: Final = 1_000_000
POST_AGE_MAX: Final = timedelta(minutes=10)
"""What is older is told again while it is so; replayed a year later it charges nobody."""

POST_AHEAD_MAX: Final = timedelta(minutes=5)
"""So much may the clocks of two machines differ."""

LIST_BACK: Final = timedelta(days=35)
"""For how long the provider is asked about charges: so long the ledger tells which it has."""

CLOCKS_APART_S: Final = HOUR_S
"""So much may the provider's clock be behind, where a charge is looked for by its time."""


class NotNow(StrEnum):
    """Why a card is not charged now, beside what attempts have against it."""

    POST_TOO_OLD = "the post is too old"
    STOPPED = "stopped until a person starts it again"
    NOT_SETTLED = "earlier attempts are not settled yet"
    NOTHING_WANTED = "nothing is to be charged"
    ENOUGH = "the balance is not below the threshold"
    NOT_SEEN = "the ledger has not read every line of this account"
    FUSE = "the fuse"
    NO_ACCOUNT = "no such account at a provider"
    CARD = "the card may not be charged"
    AT_PROVIDER = "the provider has a payment that the ledger has not"


class DueCase(NamedTuple):
    """What is known of an account that is said to be due; amounts in nano-dollars.

    Attributes:
        posted_us: when the ledger was read, in microseconds since 1970.
        is_stopped: whether nothing is charged until a person starts it again.
        is_settled: whether everything was settled in this epoch of the home.
        wanted: what the customer settled.
        balance_nano: the balance that counts.
        seen_seq: the highest number of this till's lines that the ledger has billed.
        last_seq: of this till's last line about the account; 0 without one.
        attempts: of the account, by this till's own lines, by when they began.
        begun: attempts of all accounts, at least those of the last hour.
        limits: of an hour.
    """

    posted_us: int
    is_stopped: bool
    is_settled: bool
    wanted: AutoTopup
    balance_nano: int
    seen_seq: int
    last_seq: int
    attempts: Sequence[TopupAttempt]
    begun: Sequence[Begun]
    limits: TopupLimits


def is_recent(posted_us: int, now_us: int) -> bool:
    """Whether a post is new enough to charge by."""
    age = timedelta(microseconds=now_us - posted_us)
    return -POST_AHEAD_MAX <= age <= POST_AGE_MAX


def decide(case: DueCase, now_us: int) -> NotNow | TopupStop | None:
    """The first thing that stands in the way of charging a card; None if nothing does.

    Args:
        case: what is known.
        now_us: the time, in microseconds since 1970.
    """
    if not is_recent(case.posted_us, now_us):
        return NotNow.POST_TOO_OLD
    if case.is_stopped:
        return NotNow.STOPPED
    if not case.is_settled:
        return NotNow.NOT_SETTLED
    if case.wanted.amount_nano <= 0:
        return NotNow.NOTHING_WANTED
    if case.balance_nano >= case.wanted.below_nano:
        return NotNow.ENOUGH
    if case.seen_seq < case.last_seq:
        return NotNow.NOT_SEEN
    if (stop := stop_of_attempts(case.attempts, case.wanted, now_us)) is not None:
        return stop
    if blows(case.begun, case.wanted.amount_nano, case.limits, now_us):
        return NotNow.FUSE
    return None
