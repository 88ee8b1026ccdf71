"""Compare the ledger with what was told, inside the transactions of the caller."""

import sqlite3
from datetime import datetime
from uuid import uuid4

from aggregator.config.settings import NotifyConfig
from aggregator.notices import events
from aggregator.notices.crossings import (
    Knowledge,
    Level,
    below_nano,
    cross_accounts,
    cross_incidents,
)
from aggregator.notices.events import StartCounts
from aggregator.store.outbox import told
from aggregator.store.outbox.queue import NewNotice
from aggregator.store.questions import notices


class Comparison:
    """One comparison.

    Args:
        connection: of the file of notices, in a write transaction.
        ledger: in a read transaction.
        config: has the threshold.
        now: the time.

    Attributes:
        began: what counts as told because nothing was compared before; None when something was.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        ledger: sqlite3.Connection,
        config: NotifyConfig,
        now: datetime,
    ) -> None:
        self.began: StartCounts | None = None
        self._connection = connection
        self._ledger = ledger
        self._threshold_nano = config.balance_below_nano
        self._now = now

    def compare(self) -> list[NewNotice]:
        """Note what is so now as told; returns what is new, incidents first."""
        is_first = not told.has_begun(self._connection)
        incidents, accounts = self._incidents(), self._accounts()
        if not is_first:
            return [*incidents, *accounts]
        levels = list(told.told_accounts(self._connection).values())
        self.began = StartCounts(
            len(incidents), levels.count(Level.LOW), levels.count(Level.EXHAUSTED)
        )
        told.note_begun(self._connection, self._now)
        return [events.of_start(self.began, uuid4(), self._now)]

    def _incidents(self) -> list[NewNotice]:
        before = told.told_incidents(self._connection)
        open_now = notices.open_incident_rows(self._ledger)
        repos = {key.repo for key in before}
        knowledge = Knowledge(
            notices.closed_incidents(self._ledger, repos), notices.looked_at(self._ledger)
        )
        now_s = int(self._now.timestamp())
        changes = cross_incidents(before, open_now, knowledge, now_s)
        told.save_incidents(self._connection, changes.saved, changes.forgotten)
        return [events.of_incident(row, uuid4(), self._now) for row in changes.opened]

    def _accounts(self) -> list[NewNotice]:
        """Nothing, while the books were never read: everybody would look exhausted."""
        if notices.has_unread_books(self._ledger):
            return []
        threshold_nano = self._threshold_nano
        before_nano = told.read_threshold_nano(self._connection)
        changes = cross_accounts(
            told.told_accounts(self._connection),
            notices.balances_below(self._ledger, below_nano(threshold_nano)),
            threshold_nano,
            threshold_nano if before_nano is None else before_nano,
        )
        told.save_accounts(self._connection, changes.levels)
        told.save_threshold_nano(self._connection, threshold_nano)
        if before_nano is None:  # the first comparison of balances: what is so counts as told
            return []
        return [
            events.of_account(crossing, threshold_nano, uuid4(), self._now)
            for crossing in changes.crossed
        ]
