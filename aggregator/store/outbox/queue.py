"""Notices as rows, delivered or not, and the state of the receiver."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_ts


class NewNotice(NamedTuple):
    """A notice to put into the outbox.

    Attributes:
        delivery: the id that the receiver sees.
        event: the kind of notice.
        subject: an account, a repo or a kind of incident, whose notices are delivered in order.
        body: the body that is posted.
    """

    delivery: str
    event: str
    subject: str
    body: bytes


class WaitingNotice(NamedTuple):
    """A notice that is still to be delivered.

    Attributes:
        id: its row.
        delivery: the id that the receiver sees.
        event: the kind of notice.
        body: the body that is posted.
        attempts: how often it was tried.
        refused_since_s: since when the receiver refuses it, seconds since 1970; None while it was
            never refused.
    """

    id: int
    delivery: str
    event: str
    body: bytes
    attempts: int
    refused_since_s: int | None


class ReceiverState(NamedTuple):
    """The state of the receiver.

    Attributes:
        errors: how many attempts in a row failed.
        wait_until_s: nothing is posted before then, seconds since 1970.
        error: why the last attempt failed; None after a notice that it took.
    """

    errors: int
    wait_until_s: int
    error: str | None


class Retry(NamedTuple):
    """When a refused notice is tried again.

    Attributes:
        next_at_s: not tried before then, seconds since 1970.
        refused_since_s: since when the receiver refuses it, seconds since 1970.
        is_given_up: whether it is not tried again.
    """

    next_at_s: int
    refused_since_s: int
    is_given_up: bool


class NoticeRow(NamedTuple):
    """A notice as `aggregator notices` lists it; times in UTC, as text or in seconds since 1970."""

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
    """Notices, delivered or not, and the state of the receiver.

    Every method that writes works inside the caller's transaction.
    """

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
        """Remove notices made before then (seconds since 1970) that were delivered or given up."""
        self._connection.execute(
            "DELETE FROM notice WHERE made_at_s < ?"
            " AND (delivered_at IS NOT NULL OR given_up_at IS NOT NULL)",
            (before_s,),
        )

    def next_due(self, now_s: int) -> WaitingNotice | None:
        """The oldest notice that may be tried now and is the first to wait of its subject."""
        row = self._connection.execute(
            "SELECT id, delivery, event, body, attempts, refused_since_s FROM first_in_line"
            " WHERE next_at_s <= ? ORDER BY id LIMIT 1",
            (now_s,),
        ).fetchone()
        return None if row is None else WaitingNotice(*row)

    def next_due_at_s(self) -> int | None:
        """When a notice may be tried next, `wait_until_s` aside; None where none waits."""
        row = self._connection.execute("SELECT min(next_at_s) FROM first_in_line").fetchone()
        return None if row[0] is None else int(row[0])

    def count_waiting(self) -> int:
        """How many notices are still to be delivered."""
        row = self._connection.execute(
            "SELECT count(*) FROM notice WHERE delivered_at IS NULL AND given_up_at IS NULL"
        ).fetchone()
        return int(row[0])

    def note_delivered(self, notice_id: int, now: datetime) -> None:
        """Record that the receiver took a notice."""
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
        """Record that an attempt failed.

        Args:
            notice_id: the notice's row.
            error: why it failed.
            now: the time (UTC).
            retry: when to try a refused notice again; None where it was not the notice's fault.
        """
        next_at_s, since_s = (
            (0, None) if retry is None else (retry.next_at_s, retry.refused_since_s)
        )
        self._connection.execute(
            "UPDATE notice SET attempts = attempts + 1, tried_at = ?, error = ?, next_at_s = ?,"
            " refused_since_s = coalesce(?, refused_since_s) WHERE id = ?",
            (format_ts(now), error, next_at_s, since_s, notice_id),
        )

    def note_given_up(self, notice_id: int, now: datetime) -> None:
        """Record that a notice is not tried again."""
        self._connection.execute(
            "UPDATE notice SET given_up_at = ? WHERE id = ?", (format_ts(now), notice_id)
        )

    def receiver(self) -> ReceiverState:
        """The state of the receiver."""
        row = self._connection.execute(
            "SELECT errors, wait_until_s, error FROM receiver"
        ).fetchone()
        return ReceiverState(*row)

    def save_receiver(self, state: ReceiverState) -> None:
        """Write the state of the receiver."""
        self._connection.execute(
            "UPDATE receiver SET errors = ?, wait_until_s = ?, error = ?", state
        )

    def make_due(self) -> int:
        """Make every undelivered notice due now, also those given up; returns how many."""
        changed = self._connection.execute(
            "UPDATE notice SET next_at_s = 0, given_up_at = NULL, refused_since_s = NULL"
            " WHERE delivered_at IS NULL"
        )
        self.save_receiver(ReceiverState(0, 0, None))
        return changed.rowcount

    def rows(self, *, undelivered: bool) -> list[NoticeRow]:
        """Notices, oldest first: all, or only those that were not delivered."""
        rows = self._connection.execute(
            "SELECT delivery, event, subject, made_at, body, attempts, tried_at, next_at_s, error,"
            " delivered_at, given_up_at FROM notice WHERE delivered_at IS NULL OR NOT ?"
            " ORDER BY id",
            (undelivered,),
        )
        return [NoticeRow(*row) for row in rows]
