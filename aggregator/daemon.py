"""The daemon: pull every few minutes, promote tiers once a day, keep mirrors small.

It tells systemd when it is ready, what it does, and that it is alive. The first SIGTERM or SIGINT
drains: the transaction at hand is finished and nothing new begins. The second interrupts.
"""

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final

import schedule
import sdnotify
import structlog

from aggregator.backoff import Backoff, is_worth_a_log
from aggregator.copies import Copying
from aggregator.incidents import BACKED_OFF
from aggregator.ledger import Ledger
from aggregator.maintenance import maintain, staggered
from aggregator.pull import Puller
from aggregator.repo_pull import RepoReport
from aggregator.state import State
from git_remote.runner import stop_running
from support.errors import GitmeterError
from wire_format.instants import hour_of

_TICK_S: Final = 1.0
_COPY: Final = "[copy]"
"""Stands for the copy remote among the names of repos, none of which has such letters."""

_MAINTENANCE_EVERY_MIN: Final = 10
_log = structlog.get_logger()


class Daemon:
    """Runs until it is told to stop.

    Args:
        state: locked by the caller.
        ledger: open for writing.
        clock: tells the time.
    """

    def __init__(self, state: State, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._ledger = ledger
        self._clock = clock
        self._signal: signal.Signals | None = None
        self._backoff = Backoff()
        self._systemd = sdnotify.SystemdNotifier()
        self._mirrors = staggered(state.config.mirrors_path)
        self._scheduler = schedule.Scheduler()
        self._maintenance: threading.Thread | None = None
        self._copying = Copying(state, ledger.connection, clock, self._is_stopping)

    def run(self) -> None:
        """Pull at once, then on schedule, until a signal comes."""
        self._handle_signals()
        config = self._state.config
        every = self._scheduler.every(config.pull_every_s)
        every.to(config.pull_every_s + config.pull_jitter_s).seconds.do(self._pull)
        self._scheduler.every(_MAINTENANCE_EVERY_MIN).minutes.do(self._maintain)
        self._scheduler.every().hour.do(self._promote)
        _log.info("started", repos=len(config.repo), state=str(config.state))
        self._systemd.notify("READY=1")
        self._pull()
        while self._signal is None:
            self._scheduler.run_pending()
            self._note_copies()
            self._alive()
            time.sleep(_TICK_S)
        _log.info("draining", signal=self._signal.name)
        self._systemd.notify("STOPPING=1")
        stop_running()
        _log.info("stopped")

    def _handle_signals(self) -> None:
        def drain(number: int, _frame: FrameType | None) -> None:
            # no log and no event here: their locks may be held by what the signal interrupted
            if self._signal is not None:
                raise KeyboardInterrupt
            self._signal = signal.Signals(number)

        signal.signal(signal.SIGTERM, drain)
        signal.signal(signal.SIGINT, drain)

    def _pull(self) -> None:
        started_s = time.monotonic()
        self._status("pulling")
        puller = Puller(self._state, self._ledger, self._clock, self._is_stopping)
        records = troubled = 0
        for report in puller.pull(self._on_progress, skip=self._is_waiting, on_wait=self._alive):
            self._note(report)
            records += report.admitted
            troubled += report.incident is not None
        self._status(f"{len(self._state.config.repo)} repos, {troubled} with an incident")
        _log.info(
            "pulled",
            records=records,
            incidents=troubled,
            duration_s=round(time.monotonic() - started_s, 3),
        )
        if not self._is_stopping():
            self._copying.start()

    def _note_copies(self) -> None:
        """Write down what the copy remote got meanwhile; billing never waits for it."""
        result = self._copying.collect()
        if result is None:
            return
        if result.copied:
            _log.info("copied", repos=len(result.copied))
        if not result.failures:
            self._backoff.succeeded(_COPY)
            return
        errors = self._backoff.failed(_COPY, self._clock(), wait=False)
        if is_worth_a_log(errors):
            name, failure = next(iter(result.failures.items()))
            _log.warning(
                "copy failed",
                repos=len(result.failures),
                repo=name,
                detail=failure.detail,
                consecutive_errors=errors,
            )

    def _is_stopping(self) -> bool:
        return self._signal is not None

    def _is_waiting(self, name: str) -> bool:
        return self._backoff.is_waiting(name, self._clock())

    def _on_progress(self, repo: str, done: int, total: int) -> None:
        """A long backlog is work, not a hang."""
        self._alive()
        if done == total or done % 100 == 0:
            self._status(f"{repo}: commit {done} of {total}")

    def _note(self, report: RepoReport) -> None:
        facts = {"repo": report.name, "outcome": str(report.outcome), "records": report.admitted}
        for kind in report.noticed:
            _log.warning(str(kind), **facts)
        if report.incident is None:
            self._backoff.succeeded(report.name)
            if report.commits:
                _log.info("applied", commits=report.commits, **facts)
            return
        wait = report.incident in BACKED_OFF
        errors = self._backoff.failed(
            report.name, self._clock(), wait=wait, asked_s=report.retry_after_s
        )
        if is_worth_a_log(errors):
            _log.warning(
                str(report.incident), detail=report.detail, consecutive_errors=errors, **facts
            )

    def _promote(self) -> None:
        self._ledger.promote_tiers(hour_of(self._clock()))

    def _maintain(self) -> None:
        """Pack one mirror beside the loop; the next one waits until it is done."""
        if self._maintenance is not None and self._maintenance.is_alive():
            return
        mirror = next(self._mirrors)
        if mirror is not None:
            self._maintenance = threading.Thread(target=_maintain, args=(mirror,), daemon=True)
            self._maintenance.start()

    def _alive(self) -> None:
        self._systemd.notify("WATCHDOG=1")
        if self._signal is not None:
            self._status("finishing the transaction at hand")

    def _status(self, text: str) -> None:
        self._systemd.notify(f"STATUS={text}")


def _maintain(mirror: Path) -> None:
    try:
        if maintain(mirror):
            _log.info("packed", mirror=mirror.name)
    except GitmeterError as error:
        _log.warning("maintenance failed", mirror=mirror.name, detail=str(error))
