"""The daemon: pull on schedule and on the forge's hints, promote tiers, pack mirrors.

It notifies systemd when it is ready, what it is doing, and that it is alive. The first SIGTERM or
SIGINT drains: the current transaction is finished and nothing new is started. A second interrupts.
SIGHUP starts it again under the configuration as it is then, within the same process.
"""

import random
import signal
import time
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from types import FrameType
from typing import Any, Final

import schedule
import structlog

from aggregator.copies.schedule import Copying
from aggregator.daemon.asked import ALL, AskedPulls
from aggregator.daemon.copied import CopyLog
from aggregator.daemon.presence import Presence
from aggregator.daemon.reload import Reload
from aggregator.daemon.services import Services
from aggregator.fleet.registration_watch import RegistrationWatch
from aggregator.fleet.sweep import Sweep
from aggregator.incidents.kinds import BACKED_OFF
from aggregator.ledger.ledger import Ledger
from aggregator.mirrors.gc import Packing
from aggregator.mirrors.state import State
from aggregator.pulling.passes import Puller
from aggregator.pulling.repo_pass import RepoReport
from gitmeter.git_remote.runner import stop_running
from gitmeter.support.backoff import Backoff, is_worth_a_log
from wire_format.instants import hour_of

_TICK_S: Final = 1.0
_PATIENCE_S: Final = 10.0
"""How long a pass waits for remotes of which none answers."""
_MAINTENANCE_EVERY_MIN: Final = 10
_log = structlog.get_logger()

_Handler = Any
"""What `signal.signal` returns and takes."""


class Daemon:
    """Pulls until a signal stops it.

    Args:
        state: the state directory, locked by the caller.
        ledger: the ledger, open for writing.
        clock: returns the current time, in UTC.
        reload: says when the configuration is to be taken over again.
    """

    def __init__(
        self, state: State, ledger: Ledger, clock: Callable[[], datetime], reload: Reload
    ) -> None:
        self._reload = reload
        self._is_obsolete = False
        self._state = state
        self._ledger = ledger
        self._clock = clock
        self._signal: signal.Signals | None = None
        self._backoff = Backoff()
        self._pull_at_s = 0.0
        self._scheduler = schedule.Scheduler()
        self._packing = Packing(
            state.config.mirrors_path, self._is_stopping, state.config.fetch_memory_bytes_max
        )
        self._copying = Copying(state, ledger.store, clock, self._is_stopping)
        self._copies = CopyLog(self._copying, clock)
        self._registrations = RegistrationWatch(state)
        self._sweep = Sweep(state, clock, self._is_stopping)
        self._requests = AskedPulls(state.config.state)
        self._requests.clear()
        self._services = Services(state, ledger.store, clock)
        self._puller = Puller(state, ledger, clock, self._is_stopping)
        self._presence = Presence(self._services.pulse, lambda: self._signal is not None)
        self._alive = self._presence.alive
        ledger.store.on_step(self._alive)

    def run(self) -> bool:
        """Pull at once, then on schedule and on hints, until SIGTERM or SIGINT arrives.

        Returns:
            Whether to start again: the configuration is to be reloaded, or the file of the ledger
            is gone and has to be made again.

        Raises:
            GitmeterError: the listener's address or secret cannot be used.
            KeyboardInterrupt: a second signal arrived.
        """
        before = self._handle_signals()
        try:
            self._run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._signal is None

    def _run(self) -> None:
        config = self._state.config
        self._scheduler.every(_MAINTENANCE_EVERY_MIN).minutes.do(self._packing.start)
        self._scheduler.every().hour.do(self._promote)
        with self._services:
            _log.info("started", repos=len(config.repo), state=str(config.state))
            self._presence.notify("READY=1")
            self._pull()
            while not self._is_over():
                self._scheduler.run_pending()
                if time.monotonic() >= self._pull_at_s:
                    self._pull()
                self._pull_hinted()
                self._pull_asked()
                self._copies.collect()
                self._services.collect()
                self._alive()
                self._services.hints.wait(_TICK_S)
            if self._signal is not None:
                _log.info("draining", signal=self._signal.name)
            self._presence.notify("RELOADING=1" if self._signal is None else "STOPPING=1")
            self._puller.stop()
            stop_running()
        _log.info("stopped" if self._signal is not None else "starting again")

    def _is_over(self) -> bool:
        """Whether to leave the loop: to end, or to start again."""
        if self._signal is None and not self._ledger.store.is_in_place():
            _log.warning("the file of the ledger is gone or another: making it again from git")
            self._is_obsolete = True
        if self._reload.is_due():
            _log.info("reloading the configuration")
            self._is_obsolete = True
        return self._is_stopping()

    def _handle_signals(self) -> "dict[signal.Signals, _Handler]":
        """Drain from now on; returns the handlers so far."""

        def drain(number: int, _frame: FrameType | None) -> None:
            # no log and no event here: their locks may be held by what the signal interrupted
            if self._signal is not None:
                raise KeyboardInterrupt
            self._signal = signal.Signals(number)

        return {n: signal.signal(n, drain) for n in (signal.SIGTERM, signal.SIGINT)}

    def _pull(self) -> None:
        """Make one pass over all repos that are due, and schedule the next.

        The next pass is timed by the monotonic clock: if the wall clock is set back, billing must
        not stop until it has caught up.
        """
        started_s = time.monotonic()
        self._presence.status("pulling")
        pulse = self._services.pulse
        pulse.pull_started()
        self._read_registrations()
        found = self._sweep.due(self._ledger.store, self._alive)
        self._services.note_listing(self._sweep)
        now = self._clock()
        # what kept repos from answering was the forge, and it is back
        waits = self._backoff.is_asked_to_wait if self._sweep.is_back else self._backoff.is_waiting
        due = {name for name in found if not waits(name, now)}
        records, troubled = self._pull_repos(due, is_whole=self._sweep.is_current)
        pulse.pull_finished(whole=not self._is_stopping())
        repos = len(self._state.config.repo)
        self._presence.status(f"{repos} repos, {troubled} with an incident")
        _log.info(
            "pulled",
            due=len(due),
            records=records,
            incidents=troubled,
            duration_s=round(time.monotonic() - started_s, 3),
        )
        if not self._is_stopping():
            self._services.compare(is_whole=True)
            self._copying.start()
        config = self._state.config
        pause_s = config.pull_every_s + random.uniform(0, config.pull_jitter_s)
        self._pull_at_s = time.monotonic() + pause_s
        pulse.next_pull_in(pause_s)

    def _read_registrations(self) -> set[str]:
        """Take changed registrations over; returns their repos, of which nothing is remembered."""
        changed = self._registrations.refresh(self._ledger.store, self._clock())
        self._forget(changed)
        return changed

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._backoff.succeeded(name)
            self._sweep.forget(name)

    def _pull_asked(self) -> None:
        """Pull the repos that a person asks for, whatever is known or expected of them."""
        asked = self._requests.take()
        if ALL in asked:
            self._forget(repo.name for repo in self._state.config.repo)
            self._pull()
        elif asked:
            changed = self._read_registrations()
            self._forget(asked)
            self._pull_repos(asked | changed, is_whole=False)
            self._services.compare(is_whole=False)
        if asked and not self._is_stopping():
            self._requests.clear()

    def _pull_hinted(self) -> None:
        """Pull repos that were pushed to or just registered, and go on with what was left.

        Their back-off is ignored, since a server that takes pushes answers again; only a wait that
        the server asked for is kept.
        """
        hinted = self._hinted()
        if hinted or self._puller.has_more:
            self._pull_repos(hinted, is_whole=False)
            self._services.compare(is_whole=False)

    def _hinted(self) -> AbstractSet[str]:
        """The repos that the forge says were pushed to, and those of changed registrations."""
        now, found = self._clock(), self._services.hints.due(time.monotonic())
        hinted = {name for name in found if not self._backoff.is_asked_to_wait(name, now)}
        is_look_due = self._services.unknown.is_look_due(time.monotonic())
        if hinted or is_look_due or self._registrations.has_news():
            # a key may have been registered for the very push that is hinted at or just fetched
            hinted |= self._read_registrations()
        return hinted

    def _pull_repos(self, due: AbstractSet[str], *, is_whole: bool) -> tuple[int, int]:
        """Pull repos by name; return how many records are new and how many repos have incidents.

        Repos that are hinted meanwhile are pulled as well. A slow remote and a long backlog do not
        delay the next pass: they are left to it.
        """
        records = troubled = 0
        self._services.hooks.begin(due)
        for report in self._puller.pull(
            self._on_progress,
            skip=lambda name: name not in due,
            on_wait=self._alive,
            is_whole=is_whole,
            also=self._hinted,
            patience_s=_PATIENCE_S,
        ):
            self._note(report)
            self._sweep.note(report)
            self._services.hooks.note(report)
            records += report.admitted
            troubled += report.incident is not None
        return records, troubled

    def _is_stopping(self) -> bool:
        return self._signal is not None or self._is_obsolete

    def _on_progress(self, repo: str, done: int, total: int) -> None:
        """Report progress to systemd: a long backlog must not look like a hang."""
        self._alive()
        if done == total or done % 100 == 0:
            self._presence.status(f"{repo}: commit {done} of {total}")

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
