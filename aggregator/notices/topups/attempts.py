"""What became of automatic payments, compared with what was announced of them.

An attempt has a level: it waits, it failed, it was paid. A higher one than was announced is
announced, so it does not matter what happened in between, nor whether the ledger was rebuilt.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from aggregator.balances.topups.cases import attempts_in
from aggregator.store.outbox.announced import ToldAttempt
from aggregator.store.store import LedgerStore
from gitmeter.money.topups.attempts import NO_FAILURES, TopupAttempt, is_automatic
from gitmeter.money.topups.judging import FAILURES_MAX, failures
from gitmeter.money.topups.stated import KINDS, terms_at
from wire_format.instants import to_us
from wire_format.writers import NO_WRITERS

WAITS_AFTER: Final = timedelta(minutes=15)
"""How long an attempt takes that needs nobody: after that the customer has to confirm it, or the
provider is slow."""

KEPT: Final = timedelta(days=14)
"""How long after its beginning anything is announced of an attempt; it ends within some days."""

_SECOND_US: Final = 1_000_000


class AttemptLevel(StrEnum):
    """How far an attempt has come that is worth a word."""

    WAITS = "waits"
    FAILED = "failed"
    PAID = "paid"


_ORDER: Final = {level: place for place, level in enumerate(AttemptLevel)}


class AttemptNow(NamedTuple):
    """An attempt with what it means to its account.

    Attributes:
        user: whose card it is.
        attempt: the attempt.
        failures: how many have failed since the last setting or payment.
    """

    user: str
    attempt: TopupAttempt
    failures: int

    @property
    def is_switched_off(self) -> bool:
        """Whether so many failed that none is made until something is settled anew."""
        return self.failures >= FAILURES_MAX


class AttemptCrossing(NamedTuple):
    """An attempt that reached a higher level."""

    now: AttemptNow
    level: AttemptLevel

    @property
    def told(self) -> ToldAttempt:
        """How it is remembered."""
        attempt = self.now.attempt
        return ToldAttempt(attempt.name, self.level, attempt.began_us // _SECOND_US)


def level_of(attempt: TopupAttempt, now_us: int) -> AttemptLevel | None:
    """The level of an attempt; None while it is young, and where the card was not asked."""
    if attempt.is_paid:
        return AttemptLevel.PAID
    if attempt.has_failed:
        return AttemptLevel.FAILED
    is_late = now_us - attempt.began_us >= WAITS_AFTER // timedelta(microseconds=1)
    return AttemptLevel.WAITS if attempt.is_open and is_late else None


def cross_attempts(
    announced: Mapping[str, str], found: Iterable[AttemptNow], now_us: int
) -> list[AttemptCrossing]:
    """The attempts that reached a higher level than was announced, by when they began.

    Args:
        announced: the level that was announced of each attempt, by name.
        found: attempts as they are.
        now_us: the time, microseconds since 1970.
    """
    crossed = []
    for each in sorted(found, key=lambda each: (each.attempt.began_us, each.attempt.name)):
        level, before = level_of(each.attempt, now_us), announced.get(each.attempt.name)
        is_higher = before is None or (
            level is not None and _ORDER[level] > _ORDER[AttemptLevel(before)]
        )
        if level is not None and is_higher:
            crossed.append(AttemptCrossing(each, level))
    return crossed


def attempts_now(
    ledger: LedgerStore, announced: Mapping[str, str], now: datetime
) -> list[AttemptNow]:
    """The attempts of the last days, of those accounts alone of which something may be announced.

    Args:
        ledger: the ledger, in a view.
        announced: the level that was announced of each attempt, by name.
        now: the time.
    """
    now_us, since_us = to_us(now), to_us(now - KEPT)
    lines = [r for r in ledger.topups.attempts_since(since_us) if is_automatic(r.attempt)]
    over = {name for name, level in announced.items() if level != AttemptLevel.WAITS}
    over |= {r.attempt or "" for r in lines if r.kind == "ended" and r.reason in NO_FAILURES}
    users = {r.user for r in lines if r.kind == "pending" and r.attempt not in over}
    found: list[AttemptNow] = []
    for user in sorted(users):
        row = ledger.reports.account(user)
        if row is None:
            continue
        attempts = attempts_in(ledger.topups.lines(row["id"]))
        settled_us = terms_at(
            ledger.account_lines.counted(user, KINDS), NO_WRITERS, now_us
        ).settled_us
        failed = failures(attempts, settled_us)
        found += [AttemptNow(user, each, failed) for each in attempts if each.began_us >= since_us]
    return found
