"""Deliver what waits in the outbox, one notice after the other.

A notice is posted first and noted as delivered after: a process that dies in between posts it again
under the same id. Nothing of it touches the ledger.
"""

import random
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.config.settings import NotifyConfig
from aggregator.notices.receiver import Receiver
from aggregator.notices.retries import (
    REFUSED_IN_A_ROW_MAX,
    Answer,
    Outcome,
    after_refusal,
    after_trouble,
)
from aggregator.store.connection import write_transaction
from aggregator.store.outbox import connection as outbox
from aggregator.store.outbox import queue
from aggregator.store.outbox.connection import NoticesError
from aggregator.store.outbox.queue import WaitingNotice
from gitmeter.support.errors import GitmeterError

AGAIN_AFTER_S: Final = 60
"""When the file of notices cannot be used."""


class Delivery(NamedTuple):
    """How a run ended.

    Attributes:
        delivered: how many notices the receiver took.
        given_up: how many are not tried any more.
        waiting: how many are left.
        error: what went wrong last; empty when nothing did.
        errors: how many times in a row the receiver took none.
        next_at_s: when there is something to do again, seconds since 1970; None when nothing waits.
    """

    delivered: int = 0
    given_up: int = 0
    waiting: int = 0
    error: str = ""
    errors: int = 0
    next_at_s: int | None = None


def chance_percent() -> int:
    """From 0 to 100, at random."""
    return random.randint(0, 100)


class Run:
    """One run over what is due.

    Args:
        connection: of the file of notices; this run's alone.
        config: where the receiver is.
        clock: tells the time.
        stopping: asked before each post whether to stop early.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        config: NotifyConfig,
        clock: Callable[[], datetime],
        stopping: Callable[[], bool],
    ) -> None:
        self._connection = connection
        self._config = config
        self._clock = clock
        self._stopping = stopping
        self._delivered = self._given_up = self._refused = 0
        self._error = ""

    def run(self) -> Delivery:
        """Post until nothing is due, the receiver takes none, or it is time to stop."""
        if self._next() is not None:
            try:
                receiver = Receiver(self._config, self._clock)
            except GitmeterError as error:
                self._note_trouble(Answer(Outcome.TROUBLE, str(error)))
            else:
                with receiver:
                    while (notice := self._next()) is not None:
                        self._note(notice, receiver.post(*notice[1:4]))
        return self._ended()

    def _next(self) -> WaitingNotice | None:
        now_s = self._now_s()
        if self._stopping() or queue.read_receiver(self._connection).wait_until_s > now_s:
            return None
        return queue.next_due(self._connection, now_s)

    def _now_s(self) -> int:
        return int(self._clock().timestamp())

    def _note(self, notice: WaitingNotice, answer: Answer) -> None:
        if answer.outcome is Outcome.TAKEN:
            with write_transaction(self._connection):
                queue.note_delivered(self._connection, notice.id, self._clock())
            self._delivered += 1
            self._refused = 0
            return
        self._error = answer.detail
        if answer.outcome is Outcome.REFUSED:
            self._note_refused(notice, answer)
            return
        with write_transaction(self._connection):
            queue.note_failed(self._connection, notice.id, answer.detail, self._clock())
            self._wait(answer)

    def _note_refused(self, notice: WaitingNotice, answer: Answer) -> None:
        retry = after_refusal(notice, answer, self._now_s(), chance_percent())
        self._refused += 1
        with write_transaction(self._connection):
            queue.note_failed(self._connection, notice.id, answer.detail, self._clock(), retry)
            if retry.is_given_up:
                queue.note_given_up(self._connection, notice.id, self._clock())
                self._given_up += 1
            if self._refused >= REFUSED_IN_A_ROW_MAX:
                self._wait(answer)

    def _note_trouble(self, answer: Answer) -> None:
        self._error = answer.detail
        with write_transaction(self._connection):
            self._wait(answer)

    def _wait(self, answer: Answer) -> None:
        """Leave the receiver alone for a while."""
        before = queue.read_receiver(self._connection)
        after = after_trouble(before, answer, self._now_s(), chance_percent())
        queue.save_receiver(self._connection, after)

    def _ended(self) -> Delivery:
        receiver = queue.read_receiver(self._connection)
        next_at_s = queue.next_due_at_s(self._connection)
        if next_at_s is not None:
            next_at_s = max(next_at_s, receiver.wait_until_s)
        return Delivery(
            self._delivered,
            self._given_up,
            queue.count_waiting(self._connection),
            self._error,
            receiver.errors,
            next_at_s,
        )


def deliver(
    path: Path,
    config: NotifyConfig,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> Delivery:
    """Deliver what is due, over a connection of its own; what goes wrong is the answer.

    Args:
        path: the file of notices.
        config: where the receiver is.
        clock: tells the time.
        stopping: asked before each post whether to stop early.
    """
    try:
        connection = outbox.open_notices(path)
        try:
            return Run(connection, config, clock, stopping).run()
        except sqlite3.Error as error:
            raise outbox.broken(path, error) from error
        finally:
            connection.close()
    except NoticesError as error:
        return Delivery(error=str(error), next_at_s=int(clock().timestamp()) + AGAIN_AFTER_S)
