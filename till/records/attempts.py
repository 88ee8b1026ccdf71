"""Attempts to charge saved cards: what is on disk of each before a provider hears of it.

The lines say which attempts there are and which have ended; what they do not say is here. An
attempt is open while it has neither an `ended` line nor was seen to be paid: its payment is a line
of another till.
"""

import sqlite3
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from front.memory_file import MemoryFile
from gitmeter.money.topups.attempts import AUTOMATIC, TopupAttempt
from gitmeter.money.topups.fuse import Begun
from wire_format.instants import to_us
from wire_format.money import parse_nano

_COLUMNS: Final = (
    "provider, attempt, user, amount, customer, method, nonce, posted_us, made_us, pushed_us,"
    " payment, asked_us, reason, paid_us"
)
_PENDING: Final = (
    "FROM lines AS p LEFT JOIN lines AS e ON e.provider = p.provider AND e.kind = 'ended'"
    " AND e.ref = p.ref LEFT JOIN attempts AS a ON a.provider = p.provider AND a.attempt = p.ref"
    f" WHERE p.kind = 'pending' AND substr(p.ref, 1, {len(AUTOMATIC)}) = '{AUTOMATIC}'"
)
_PUSHED_LATE_MAX: Final = timedelta(days=35)
"""A line lies at most so long before its commit."""

_LOST: Final = "ended"
"""The reason of an attempt that ended, where the words of it are in git alone."""


class AttemptKey(NamedTuple):
    """Which attempt.

    Attributes:
        provider: the account.
        attempt: its name.
    """

    provider: str
    attempt: str


class AttemptRow(NamedTuple):
    """What is on disk of an attempt beside its lines; times in microseconds since 1970.

    Attributes:
        key: which attempt.
        user: whose card it is.
        amount: what is charged and credited, in dollars.
        customer, method: the provider's names of him and his card; empty where that was lost.
        nonce: of the promise that is signed for it; empty where that was lost.
        posted_us: when the ledger said that it is due; 0 where that was lost.
        made_us: when it was made.
        pushed_us: when the remote was seen to have its line.
        payment: the provider's name of the charge.
        asked_us: when the customer was asked to confirm.
        reason: why it is being given up.
        paid_us: when it was seen to be paid.
    """

    key: AttemptKey
    user: str
    amount: str
    customer: str
    method: str
    nonce: str
    posted_us: int
    made_us: int
    pushed_us: int | None = None
    payment: str | None = None
    asked_us: int | None = None
    reason: str | None = None
    paid_us: int | None = None


class AttemptShown(NamedTuple):
    """An attempt as a person sees it; times in microseconds since 1970.

    Attributes:
        key: which attempt.
        user: whose card it is.
        amount: in dollars.
        began_us: when.
        ended_us: when it ended, or was seen to be paid; None while it is open.
        payment: the provider's name of the charge; None where there is none.
        is_paid: whether it ended in a payment.
        reason: why it ended otherwise, or is being given up; empty where that is not known here.
        asked_us: when the customer was asked to confirm; None if he was not.
    """

    key: AttemptKey
    user: str
    amount: str
    began_us: int
    ended_us: int | None
    payment: str | None
    is_paid: bool
    reason: str
    asked_us: int | None


class ChargeAttempts:
    """The attempts of a till that charges.

    Args:
        file: where they are, beside the index of lines.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def add(self, row: AttemptRow) -> None:
        """Note an attempt, on disk.

        Raises:
            MemoryFileError: its name was used before.
        """
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row.key, *row[1:]),
            )

    def forget(self, key: AttemptKey) -> None:
        """Forget an attempt that has no line."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM attempts WHERE provider = ? AND attempt = ?", key)

    def row(self, key: AttemptKey) -> AttemptRow | None:
        """What is on disk of an attempt; None if nothing."""
        query = f"SELECT {_COLUMNS} FROM attempts WHERE provider = ? AND attempt = ?"  # noqa: S608 - a constant
        with self._file.reading() as connection:
            found = connection.execute(query, key).fetchone()
        return None if found is None else _row(found)

    def note_pushed(self, key: AttemptKey, now: datetime) -> None:
        """Note that the remote has its line."""
        self._set(key, "pushed_us = ifnull(pushed_us, ?)", to_us(now))

    def note_payment(self, key: AttemptKey, payment: str) -> None:
        """Note what the provider calls the charge."""
        self._set(key, "payment = ?", payment)

    def note_asked(self, key: AttemptKey, now: datetime) -> None:
        """Note that the customer is asked to confirm."""
        self._set(key, "asked_us = ifnull(asked_us, ?)", to_us(now))

    def note_reason(self, key: AttemptKey, reason: str) -> None:
        """Note why it is given up, before that is done."""
        self._set(key, "reason = ifnull(reason, ?)", reason)

    def note_paid(self, key: AttemptKey, now: datetime) -> None:
        """Note that it is paid."""
        self._set(key, "paid_us = ifnull(paid_us, ?), reason = NULL", to_us(now))

    def open(self, provider: str) -> list[AttemptKey]:
        """Attempts that begin, or are neither ended nor seen to be paid, the earliest first."""
        begun = (
            f"SELECT p.provider, p.ref {_PENDING} AND p.provider = ?1 AND e.ref IS NULL"
            " AND a.paid_us IS NULL ORDER BY p.seq"
        )
        rows_alone = (
            "SELECT provider, attempt FROM attempts AS a WHERE provider = ?1 AND NOT EXISTS ("
            "SELECT 1 FROM lines AS p WHERE p.provider = a.provider AND p.kind = 'pending'"
            " AND p.ref = a.attempt) ORDER BY made_us, attempt"
        )
        with self._file.reading() as connection:
            found = [*connection.execute(begun, (provider,))]
            found += connection.execute(rows_alone, (provider,))
        return [AttemptKey(*each) for each in found]

    def of_user(self, user: str) -> list[TopupAttempt]:
        """The attempts of an account by this till's lines, by when they began.

        Times are those of lines, or when their push was seen, which is after their commit.
        """
        query = (
            "SELECT p.ref, p.provider, ifnull(p.credited_usd, p.amount),"
            " max(p.ts_us, ifnull(a.pushed_us, 0)), a.paid_us, e.ts_us, a.reason"
            f" {_PENDING} AND p.user = ? ORDER BY 4, 2, 1"
        )
        with self._file.reading() as connection:
            rows = connection.execute(query, (user,)).fetchall()
        return [_attempt(*row) for row in rows]

    def last_seq(self, user: str) -> int:
        """The number of this till's last line about an account; 0 without one."""
        with self._file.reading() as connection:
            (found,) = connection.execute(
                "SELECT ifnull(max(seq), 0) FROM lines WHERE user = ?", (user,)
            ).fetchone()
        return int(found)

    def begun_since(self, at: datetime) -> list[Begun]:
        """Attempts of all accounts whose line, or its push, is after a time."""
        query = (
            "SELECT max(p.ts_us, ifnull(a.pushed_us, 0)) AS at_us, ifnull(p.credited_usd, p.amount)"
            f" {_PENDING} AND p.ts_us > ? AND max(p.ts_us, ifnull(a.pushed_us, 0)) > ?"
        )
        with self._file.reading() as connection:
            rows = connection.execute(query, (to_us(at - _PUSHED_LATE_MAX), to_us(at))).fetchall()
        return [Begun(at_us, parse_nano(usd)) for at_us, usd in rows]

    def shown(self, user: str | None = None) -> list[AttemptShown]:
        """Attempts for a person, the earliest first."""
        query = (
            "SELECT p.provider, p.ref, p.user, p.amount, p.ts_us, e.ts_us, a.payment, a.paid_us,"
            f" ifnull(a.reason, ''), a.asked_us {_PENDING}"
            " AND (?1 IS NULL OR p.user = ?1) ORDER BY p.ts_us, p.seq"
        )
        with self._file.reading() as connection:
            rows = connection.execute(query, (user,)).fetchall()
        return [_shown(*row) for row in rows]

    def _set(self, key: AttemptKey, change: str, value: object) -> None:
        with self._file.writing() as connection:
            connection.execute(
                f"UPDATE attempts SET {change} WHERE provider = ? AND attempt = ?",  # noqa: S608 - constants
                (value, *key),
            )


def _row(found: sqlite3.Row) -> AttemptRow:
    return AttemptRow(AttemptKey(*found[:2]), *found[2:])


def _shown(  # noqa: PLR0913 - the columns
    provider: str,
    attempt: str,
    user: str,
    amount: str,
    began_us: int,
    ended_us: int | None,
    payment: str | None,
    paid_us: int | None,
    reason: str,
    asked_us: int | None,
) -> AttemptShown:
    return AttemptShown(
        key=AttemptKey(provider, attempt),
        user=user,
        amount=amount,
        began_us=began_us,
        ended_us=ended_us if paid_us is None else paid_us,
        payment=payment,
        is_paid=paid_us is not None,
        reason=reason,
        asked_us=asked_us,
    )


def _attempt(
    name: str,
    provider: str,
    usd: str,
    began_us: int,
    paid_us: int | None,
    ended_us: int | None,
    reason: str | None,
) -> TopupAttempt:
    if paid_us is not None:
        return TopupAttempt(name, provider, parse_nano(usd), began_us, paid_us)
    why = None if ended_us is None else (reason or _LOST)
    return TopupAttempt(name, provider, parse_nano(usd), began_us, ended_us, why)
