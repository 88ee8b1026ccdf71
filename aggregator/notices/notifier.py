"""Send each incident and low balance exactly once, beside the daemon's loop.

What was announced is kept in a file of its own beside the ledger, so that it survives a rebuild.
New notices enter its outbox in the transaction that marks them as announced, so a process may die
at any point: what was not marked is found again, and what was marked is delivered under the same
id.
"""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from aggregator.config.sections import NotifyConfig
from aggregator.notices.comparison import Comparison
from aggregator.notices.delivery import AGAIN_AFTER_S, DeliveryReport, deliver
from aggregator.store.outbox.errors import NoticesError
from aggregator.store.outbox.outbox import NOTICES_NAME, Outbox
from aggregator.store.store import LedgerStore
from gitmeter.support.background import Background
from gitmeter.support.backoff import is_worth_a_log
from gitmeter.support.errors import with_hint

KEPT: Final = timedelta(days=90)
"""How long notices that were delivered or given up can be looked up."""

DRAIN_S: Final = 10
"""How long delivery goes on when the daemon stops; the rest waits in the outbox."""

_JOIN_S: Final = 15
_SIDE_FILES: Final = ("", "-wal", "-shm")
_log = structlog.get_logger()


class Notifier:
    """Delivers notices to the webhook of `[notify]` without delaying the loop.

    Errors are logged and retried; they never stop billing.

    Args:
        config: the receiver and the threshold.
        folder: the state directory.
        clock: the current time.
    """

    def __init__(self, config: NotifyConfig, folder: Path, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._path = folder / NOTICES_NAME
        self._clock = clock
        self._background = Background[DeliveryReport]()
        self._is_fresh = True
        self._next_at_s: int | None = None
        self._stop_at_s: float | None = None
        self._failures = 0

    def compare(self, ledger: LedgerStore) -> int:
        """Put what is new since the last comparison into the outbox.

        Call it in the thread of `ledger`, after a pull that was not interrupted: an incomplete
        ledger has neither all incidents nor all payments.

        Returns:
            The number of new notices.
        """
        try:
            new = self._compare(ledger)
        except NoticesError as error:
            self._failures += 1
            if is_worth_a_log(self._failures):
                _log.warning(
                    "notices cannot be kept",
                    detail=with_hint(error),
                    consecutive_errors=self._failures,
                )
            return 0
        self._failures = 0
        self._is_fresh |= new > 0
        return new

    def _compare(self, ledger: LedgerStore) -> int:
        try:
            return self._compare_with_file(ledger)
        except NoticesError as error:
            if not error.is_damaged:
                raise
            aside = self._set_aside()
            _log.warning("notices were damaged", detail=with_hint(error), kept_as=str(aside))
            return self._compare_with_file(ledger)

    def _compare_with_file(self, ledger: LedgerStore) -> int:
        now = self._clock()
        with (
            closing(Outbox(self._path)) as outbox,
            outbox.errors(),
            outbox.transaction(),
            ledger.view(),
        ):
            comparison = Comparison(outbox, ledger, self._config, now)
            new = comparison.compare()
            outbox.queue.add(new, now)
            outbox.queue.prune(int((now - KEPT).timestamp()))
        if comparison.began is not None and any(comparison.began):
            _log.warning("current state counts as announced", **comparison.began._asdict())
        return len(new)

    def _set_aside(self) -> Path:
        for suffix in _SIDE_FILES:
            beside = self._path.with_name(self._path.name + suffix)
            if beside.exists():
                beside.replace(self._path.with_name(f"{self._path.name}.damaged{suffix}"))
        return self._path.with_name(f"{self._path.name}.damaged")

    def deliver(self) -> None:
        """Start a delivery in a thread, if anything is due and the last run has been collected."""
        if not self._background.is_free:
            return
        is_due = self._next_at_s is not None and self._clock().timestamp() >= self._next_at_s
        if not (self._is_fresh or is_due):
            return
        self._is_fresh = False
        self._background.start(
            lambda: deliver(self._path, self._config, self._clock, self._is_over)
        )

    def _is_over(self) -> bool:
        return self._stop_at_s is not None and time.monotonic() >= self._stop_at_s

    def collect(self, wait_s: float = 0) -> DeliveryReport | None:
        """Log the result of a finished run, and return it; None without one.

        Args:
            wait_s: how long to wait for the run to finish.
        """
        ended = self._background.collect(wait_s)
        if ended is None:
            return None
        if (bug := ended.exception()) is None:
            result = ended.result()
        else:  # billing goes on
            _log.error("delivering ended early", exc_info=bug)
            again_at_s = int(self._clock().timestamp()) + AGAIN_AFTER_S
            result = DeliveryReport(
                error="the delivery ended without a result", next_at_s=again_at_s
            )
        self._next_at_s = result.next_at_s
        if result.delivered:
            _log.info("notices delivered", notices=result.delivered)
        if result.given_up:
            _log.warning("notices given up", notices=result.given_up, detail=result.error)
        if result.error and is_worth_a_log(result.errors):
            _log.warning(
                "delivery failed",
                detail=result.error,
                waiting=result.waiting,
                consecutive_errors=result.errors,
            )
        return result

    def close(self) -> None:
        """Deliver what is due for a few more seconds; the rest waits for the next start."""
        self._stop_at_s = time.monotonic() + DRAIN_S
        self.collect()
        self.deliver()
        self.collect(_JOIN_S)
