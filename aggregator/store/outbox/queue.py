"""Notices to be delivered, those that were, and how the receiver is."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_ts


class NewNotice(NamedTuple):
    """A notice to put into the outbox.

    Attributes:
        delivery: the id that the receiver sees.
        event: what kind it is.
        subject: an account or a repo; its notices are delivered in order.
        body: what is posted.
    """

    delivery: str
    event: str
    subject: str
    body: bytes


class WaitingNotice(NamedTuple):
    """A notice that is to be delivered.

    Attributes:
        id: its row.
        delivery: the id that the receiver sees.
        event: what kind it is.
        body: what is posted.
        attempts: how many there were.
        refused_since_s: since when the receiver does not want it; None while it never said so.
    """

    id: int
    delivery: str
    event: str
    body: bytes
    attempts: int
    refused_since_s: int | None


class ReceiverState(NamedTuple):
    """How the receiver is.

    Attributes:
        errors: how many times in a row it took none.
        wait_until_s: it is left alone until then, seconds since 1970.
        error: what it said last, or what was wrong; None when it took a notice since.
    """

    errors: int
    wait_until_s: int
    error: str | None


class Retry(NamedTuple):
    """When a refused notice is tried again.

    Attributes:
        next_at_s: not before.
        refused_since_s: since when the receiver does not want it.
        is_given_up: whether it is not tried any more.
    """

    next_at_s: int
    refused_since_s: int
    is_given_up: bool


class NoticeRow(NamedTuple):
    """A notice as it is shown."""

    delivery: str
    event: str
    subject: str
    made_at: str
    body: bytes
    attempts: int
    tried_at: str | None
    next_at_s: int
    error: str | None
    delivered_at: str | None
    given_up_at: str | None


class QueueRows:
    """Notices to be delivered, those that were, and how the receiver is."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, notices: Iterable[NewNotice], now: datetime) -> None:
        """Put notices into the outbox, in this order."""
        at, at_s = format_ts(now), int(now.timestamp())
        self._connection.executemany(
            "INSERT INTO notice (delivery, event, subject, body, made_at, made_at_s)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(*notice, at, at_s) for notice in notices],
        )

    def prune(self, before_s: int) -> None:
        """Remove notices from before then that nothing is to be done about any more."""
        self._connection.execute(
            "DELETE FROM notice WHERE made_at_s < ?"
            " AND (delivered_at IS NOT NULL OR given_up_at IS NOT NULL)",
            (before_s,),
        )

    def next_due(self, now_s: int) -> WaitingNotice | None:
        """The oldest notice that may be tried now and is the first of its subject."""
        row = self._connection.execute(
            "SELECT id, delivery, event, body, attempts, refused_since_s FROM first_in_line"
            " WHERE next_at_s <= ? ORDER BY id LIMIT 1",
            (now_s,),
        ).fetchone()
        return None if row is None else WaitingNotice(*row)

    def next_due_at_s(self) -> int | None:
        """When a notice may be tried next, the receiver's own wait aside; None when none waits."""
        row = self._connection.execute("SELECT min(next_at_s) FROM first_in_line").fetchone()
        return None if row[0] is None else int(row[0])

    def count_waiting(self) -> int:
        """How many notices are to be delivered."""
        row = self._connection.execute(
            "SELECT count(*) FROM notice WHERE delivered_at IS NULL AND given_up_at IS NULL"
        ).fetchone()
        return int(row[0])

    def note_delivered(self, notice_id: int, now: datetime) -> None:
        """Write down that the receiver took a notice."""
        self._connection.execute(
            "UPDATE notice SET attempts = attempts + 1, tried_at = ?2, delivered_at = ?2,"
            " error = NULL"
            " WHERE id = ?1",
            (notice_id, format_ts(now)),
        )
        self.save_receiver(ReceiverState(0, 0, None))

    def note_failed(
        self,
        notice_id: int,
        error: str,
        now: datetime,
        retry: Retry | None = None,
    ) -> None:
        """Write down that the receiver did not take a notice, and when to try it again alone."""
        next_at_s, since_s = (
            (0, None) if retry is None else (retry.next_at_s, retry.refused_since_s)
        )
        self._connection.execute(
            "UPDATE notice SET attempts = attempts + 1, tried_at = ?, error = ?, next_at_s = ?,"
            " refused_since_s = coalesce(?, refused_since_s) WHERE id = ?",
            (format_ts(now), error, next_at_s, since_s, notice_id),
        )

    def note_given_up(self, notice_id: int, now: datetime) -> None:
        """Write down that a notice is not tried any more."""
        self._connection.execute(
            "UPDATE notice SET given_up_at = ? WHERE id = ?", (format_ts(now), notice_id)
        )

    def receiver(self) -> ReceiverState:
        """How the receiver is."""
        row = self._connection.execute(
            "SELECT errors, wait_until_s, error FROM receiver"
        ).fetchone()
        return ReceiverState(*row)

    def save_receiver(self, state: ReceiverState) -> None:
        """Write down how the receiver is."""
        self._connection.execute(
            "UPDATE receiver SET errors = ?, wait_until_s = ?, error = ?", state
        )

    def make_due(self) -> int:
        """Let every notice that was not delivered be tried again now; returns how many."""
        changed = self._connection.execute(
            "UPDATE notice SET next_at_s = 0, given_up_at = NULL, refused_since_s = NULL"
            " WHERE delivered_at IS NULL"
        )
        self.save_receiver(ReceiverState(0, 0, None))
        return changed.rowcount

    def rows(self, *, undelivered: bool) -> list[NoticeRow]:
        """Notices, the oldest first: all, or those that were not delivered."""
        rows = self._connection.execute(
            "SELECT delivery, event, subject, made_at, body, attempts, tried_at, next_at_s, error,"
            " delivered_at, given_up_at FROM notice WHERE delivered_at IS NULL OR NOT ?"
            " ORDER BY id",
            (undelivered,),
        )
        return [NoticeRow(*row) for row in rows]
