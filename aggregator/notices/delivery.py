"""Deliver the notices in the outbox, one after the other.

A notice is first posted and then marked as delivered: a process that dies in between posts it again
under the same id. The ledger is not touched.
"""

import random
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.config.sections import NotifyConfig
from aggregator.notices.receiver import Receiver
from aggregator.notices.retries import (
    REFUSED_IN_A_ROW_MAX,
    PostOutcome,
    PostResult,
    after_refusal,
    after_trouble,
)
from aggregator.store.outbox.errors import NoticesError
from aggregator.store.outbox.outbox import Outbox
from aggregator.store.outbox.queue import WaitingNotice
from gitmeter.support.errors import GitmeterError, with_hint

AGAIN_AFTER_S: Final = 60
"""The next attempt when the file of notices cannot be used."""


class DeliveryReport(NamedTuple):
    """The result of a run.

    Attributes:
        delivered: number of notices that the receiver accepted.
        given_up: number of notices that are not tried any more.
        waiting: number of notices still in the outbox.
        error: the last error; empty without one.
        errors: how many times in a row the receiver accepted nothing.
        next_at_s: when the next notice is due, seconds since 1970; None when none waits.
    """

    delivered: int = 0
    given_up: int = 0
    waiting: int = 0
    error: str = ""
    errors: int = 0
    next_at_s: int | None = None


def chance_percent() -> int:
    """A random number from 0 to 100."""
    return random.randint(0, 100)


class Run:
    """One run over the notices that are due.

    Args:
        outbox: the notices; used by this run alone.
        config: the receiver.
        clock: the current time.
        stopping: called before each post; true to stop early.
    """

    def __init__(
        self,
        outbox: Outbox,
        config: NotifyConfig,
        clock: Callable[[], datetime],
        stopping: Callable[[], bool],
    ) -> None:
        self._outbox = outbox
        self._config = config
        self._clock = clock
        self._stopping = stopping
        self._delivered = self._given_up = self._refused = 0
        self._error = ""

    def run(self) -> DeliveryReport:
        """Post until nothing is due, the receiver accepts nothing, or it is time to stop."""
        if self._next() is not None:
            try:
                receiver = Receiver(self._config, self._clock)
            except GitmeterError as error:
                self._note_trouble(PostResult(PostOutcome.TROUBLE, with_hint(error)))
            else:
                with receiver:
                    while (notice := self._next()) is not None:
                        self._note(notice, receiver.post(*notice[1:4]))
        return self._ended()

    def _next(self) -> WaitingNotice | None:
        now_s = self._now_s()
        if self._stopping() or self._outbox.queue.receiver().wait_until_s > now_s:
            return None
        return self._outbox.queue.next_due(now_s)

    def _now_s(self) -> int:
        return int(self._clock().timestamp())

    def _note(self, notice: WaitingNotice, result: PostResult) -> None:
        if result.outcome is PostOutcome.TAKEN:
            with self._outbox.transaction():
                self._outbox.queue.note_delivered(notice.id, self._clock())
            self._delivered += 1
            self._refused = 0
            return
        self._error = result.detail
        if result.outcome is PostOutcome.REFUSED:
            self._note_refused(notice, result)
            return
        with self._outbox.transaction():
            self._outbox.queue.note_failed(notice.id, result.detail, self._clock())
            self._wait(result)

    def _note_refused(self, notice: WaitingNotice, result: PostResult) -> None:
        retry = after_refusal(notice, result, self._now_s(), chance_percent())
        self._refused += 1
        with self._outbox.transaction():
            self._outbox.queue.note_failed(notice.id, result.detail, self._clock(), retry)
            if retry.is_given_up:
                self._outbox.queue.note_given_up(notice.id, self._clock())
                self._given_up += 1
            if self._refused >= REFUSED_IN_A_ROW_MAX:
                self._wait(result)

    def _note_trouble(self, result: PostResult) -> None:
        self._error = result.detail
        with self._outbox.transaction():
            self._wait(result)

    def _wait(self, result: PostResult) -> None:
        """Send nothing to the receiver for a while."""
        before = self._outbox.queue.receiver()
        after = after_trouble(before, result, self._now_s(), chance_percent())
        self._outbox.queue.save_receiver(after)

    def _ended(self) -> DeliveryReport:
        receiver = self._outbox.queue.receiver()
        next_at_s = self._outbox.queue.next_due_at_s()
        if next_at_s is not None:
            next_at_s = max(next_at_s, receiver.wait_until_s)
        return DeliveryReport(
            self._delivered,
            self._given_up,
            self._outbox.queue.count_waiting(),
            self._error,
            receiver.errors,
            next_at_s,
        )


def deliver(
    path: Path,
    config: NotifyConfig,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> DeliveryReport:
    """Deliver the notices that are due, over a connection of its own; errors are in the report.

    Args:
        path: the file of notices.
        config: the receiver.
        clock: the current time.
        stopping: called before each post; true to stop early.
    """
    try:
        with closing(Outbox(path)) as outbox, outbox.errors():
            return Run(outbox, config, clock, stopping).run()
    except NoticesError as error:
        return DeliveryReport(
            error=with_hint(error), next_at_s=int(clock().timestamp()) + AGAIN_AFTER_S
        )
