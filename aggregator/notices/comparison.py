"""Compare the ledger with what was announced before, inside the caller's transactions."""

from datetime import datetime
from uuid import uuid4

from aggregator.balances.low import balances_below
from aggregator.config.sections import NotifyConfig
from aggregator.notices import events
from aggregator.notices.crossings import (
    Knowledge,
    Level,
    below_nano,
    cross_accounts,
    cross_incidents,
)
from aggregator.notices.events import StartCounts
from aggregator.notices.topups.attempts import KEPT, attempts_now, cross_attempts
from aggregator.store.outbox.outbox import Outbox
from aggregator.store.outbox.queue import NewNotice
from aggregator.store.store import LedgerStore
from wire_format.instants import to_us


class Comparison:
    """One comparison.

    Args:
        outbox: the notices, in a write transaction.
        ledger: the ledger, in a read transaction.
        config: holds the threshold.
        now: the current time.

    Attributes:
        began: what counts as announced because this is the first comparison; None otherwise.
    """

    def __init__(
        self,
        outbox: Outbox,
        ledger: LedgerStore,
        config: NotifyConfig,
        now: datetime,
    ) -> None:
        self.began: StartCounts | None = None
        self._outbox = outbox
        self._ledger = ledger
        self._threshold_nano = config.balance_below_nano
        self._now = now

    def compare(self) -> list[NewNotice]:
        """Save the current state as announced; returns what is new, incidents first."""
        is_first = not self._outbox.announced.has_begun()
        incidents, accounts, attempts = self._incidents(), self._accounts(), self._attempts()
        if not is_first:
            return [*incidents, *accounts, *attempts]
        levels = list(self._outbox.announced.accounts().values())
        self.began = StartCounts(
            len(incidents), levels.count(Level.LOW), levels.count(Level.EXHAUSTED)
        )
        self._outbox.announced.note_begun(self._now)
        return [events.of_start(self.began, uuid4(), self._now)]

    def _incidents(self) -> list[NewNotice]:
        before = self._outbox.announced.incidents()
        open_now = self._ledger.notices.open_incidents()
        repos = {key.repo for key in before}
        knowledge = Knowledge(
            self._ledger.notices.closed_incidents(repos), self._ledger.notices.checked_repos()
        )
        now_s = int(self._now.timestamp())
        changes = cross_incidents(before, open_now, knowledge, now_s)
        self._outbox.announced.save_incidents(changes.saved, changes.forgotten)
        over = [events.of_closed(key, uuid4(), self._now) for key in changes.closed]
        return over + [events.of_incident(row, uuid4(), self._now) for row in changes.opened]

    def _accounts(self) -> list[NewNotice]:
        """Nothing until the books have been read: every account would look exhausted."""
        if self._ledger.notices.has_unread_books():
            return []
        threshold_nano = self._threshold_nano
        before_nano = self._outbox.announced.threshold_nano()
        changes = cross_accounts(
            self._outbox.announced.accounts(),
            balances_below(self._ledger, below_nano(threshold_nano), self._now),
            threshold_nano,
            threshold_nano if before_nano is None else before_nano,
        )
        self._outbox.announced.save_accounts(changes.levels)
        self._outbox.announced.save_threshold_nano(threshold_nano)
        if before_nano is None:  # the first comparison of balances: they count as announced
            return []
        return [
            events.of_account(crossing, threshold_nano, uuid4(), self._now)
            for crossing in changes.crossed
        ]

    def _attempts(self) -> list[NewNotice]:
        """What became of automatic payments; those of the first comparison count as announced."""
        announced = self._outbox.announced
        told = announced.attempts()
        found = attempts_now(self._ledger, told, self._now)
        crossed = cross_attempts(told, found, to_us(self._now))
        forgotten_s = int((self._now - 2 * KEPT).timestamp())
        announced.save_attempts((crossing.told for crossing in crossed), forgotten_s)
        if not announced.have_attempts_begun():
            announced.note_attempts_begun(self._now)
            return []
        return [events.of_attempt(crossing, uuid4(), self._now) for crossing in crossed]
