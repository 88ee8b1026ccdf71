"""Attempts to charge a saved card, from the lines that say how they began and ended. Pure.

An attempt begins with a `pending` line of the till that charges, and ends with its `ended` line, or
with a payment that repeats its name, which another till writes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from wire_format.lines import Money, encode_lines
from wire_format.money import parse_nano

AUTOMATIC: Final = "auto:"
"""What the names of attempts begin with that no customer began by himself."""

NOT_TRIED: Final = "not tried"
"""The reason of an attempt that ended before the card was charged: no failure of the card."""

PAID_OTHERWISE: Final = "paid otherwise"
"""The reason of an attempt that waited for the customer while he paid by himself."""

NO_FAILURES: Final = frozenset({NOT_TRIED, PAID_OTHERWISE})
"""Reasons that are none of the card."""

_ATTEMPT_CHARS_MAX: Final = 128

_Key = tuple[str, str]
"""The account at a provider, and the name of an attempt."""


class AttemptLine(NamedTuple):
    """A line about an attempt, and when its commit was made, microseconds since 1970."""

    record: Money
    committed_us: int


class TopupAttempt(NamedTuple):
    """One attempt; times are those of commits, microseconds since 1970.

    Attributes:
        name: of the attempt.
        provider: the account at a provider.
        credit_nano: what it is to credit, in nano-dollars.
        began_us: when it began.
        ended_us: when it ended; None while it is open.
        reason: why nothing was paid; None while it is open, and where it was paid.
    """

    name: str
    provider: str
    credit_nano: int
    began_us: int
    ended_us: int | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still be paid."""
        return self.ended_us is None

    @property
    def is_paid(self) -> bool:
        """Whether it ended in a payment."""
        return self.ended_us is not None and self.reason is None

    @property
    def has_failed(self) -> bool:
        """Whether the card was asked for, and gave nothing."""
        return self.reason is not None and self.reason not in NO_FAILURES


def is_automatic(attempt: str | None) -> bool:
    """Whether an attempt is one that no customer began by himself."""
    return attempt is not None and attempt.startswith(AUTOMATIC)


def attempt_name(user: str, nonce: str) -> str:
    """The name of an attempt.

    Args:
        user: whose card it is.
        nonce: of 16 characters, for this attempt alone.
    """
    name = f"{AUTOMATIC}{user}:{nonce}"
    if len(name) <= _ATTEMPT_CHARS_MAX:
        return name
    return f"{AUTOMATIC}{hashlib.sha256(user.encode()).hexdigest()}:{nonce}"


def attempts_of(lines: Iterable[AttemptLine]) -> list[TopupAttempt]:
    """The automatic attempts that some lines are about, by when they began.

    A payment ends its attempt whatever else is said of it. Of lines that say the same thing again
    the earliest is believed. Where no line says how an attempt began, it began when it ended: a
    card was asked for all the same.

    Args:
        lines: `pending`, `ended` and succeeded payments, in any order; others are left aside.
    """
    begun: dict[_Key, AttemptLine] = {}
    ended: dict[_Key, AttemptLine] = {}
    paid: dict[_Key, dict[str | None, AttemptLine]] = defaultdict(dict)
    for line in sorted(lines, key=_order):
        record = line.record
        if record.attempt is None or not is_automatic(record.attempt):
            continue
        key = record.provider, record.attempt
        if record.kind == "pending":
            begun.setdefault(key, line)
        elif record.kind == "ended":
            ended.setdefault(key, line)
        elif record.kind == "payment" and record.status == "succeeded":
            paid[key].setdefault(record.external_ref, line)
    found = [
        _attempt(key, begun.get(key), ended.get(key), list(paid.get(key, {}).values()))
        for key in begun.keys() | ended.keys() | paid.keys()
    ]
    return sorted(found, key=lambda each: (each.began_us, each.provider, each.name))


def _attempt(
    key: _Key, begun: AttemptLine | None, ended: AttemptLine | None, paid: Sequence[AttemptLine]
) -> TopupAttempt:
    provider, name = key
    ends = paid[:1] or [each for each in [ended] if each is not None]
    ended_us = ends[0].committed_us if ends else None
    began_us = begun.committed_us if begun is not None else ended_us or 0
    promised_nano = 0 if begun is None else _credit_nano(begun.record)
    # what one attempt was paid twice was paid twice
    paid_nano = sum(_credit_nano(each.record) for each in paid)
    reason = None if paid or ended is None else ended.record.reason
    return TopupAttempt(name, provider, max(promised_nano, paid_nano), began_us, ended_us, reason)


def _credit_nano(record: Money) -> int:
    return parse_nano(record.credited_usd or record.amount)


def _order(line: AttemptLine) -> tuple[int, str, int, bytes]:
    return line.committed_us, line.record.node, line.record.seq, encode_lines((line.record,))
