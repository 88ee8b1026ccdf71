"""What runs beside the daemon's loop: listener, notices, what is due, the forge's daily check."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from aggregator.config.sections import ListenConfig
from aggregator.daemon.hook_watch import HookWatch
from aggregator.daemon.unknown_pushes import UnknownPushes
from aggregator.fleet.drift.daily_check import DriftCheck
from aggregator.fleet.pushed import pushed_repos
from aggregator.fleet.sweep import Sweep
from aggregator.incidents.silence import file_silence
from aggregator.mirrors.state import State
from aggregator.notices.notifier import Notifier
from aggregator.notices.topups.teller import TopupTeller
from aggregator.serving.hints import Hints
from aggregator.serving.pulse import Pulse
from aggregator.serving.webhook import Push
from aggregator.store.store import LedgerStore
from wire_format.instants import hour_of

if TYPE_CHECKING:
    from aggregator.serving.listener import HttpListener


class Services:
    """Services that are started and stopped with the loop. None of them can delay billing.

    Args:
        state: the state directory, with the configuration.
        store: the ledger, open for writing; used by the loop's thread alone.
        clock: returns the current time, in UTC.

    Attributes:
        hints: the repos that the forge's webhooks name as pushed to.
        unknown: the pushes to repos that are not registered.
        hooks: whether webhooks arrive, judged by what is read.
        pulse: the state of the loop, as health and metrics report it.
    """

    def __init__(self, state: State, store: LedgerStore, clock: Callable[[], datetime]) -> None:
        config = state.config
        self._state = state
        self._store = store
        self._clock = clock
        self.hints = Hints()
        self.unknown = UnknownPushes()
        within_s = config.pull_every_s + config.pull_jitter_s
        self.pulse = Pulse(clock, within_s, tests_count=config.test)
        self.hooks = HookWatch(state, store, clock, self.pulse)
        self._drift = DriftCheck(state, clock)
        self._notifier = (
            None if config.notify is None else Notifier(config.notify, config.state, clock)
        )
        self._compared_hour: int | None = None
        self._topups = TopupTeller(config.topup, config.database_path, clock)
        self._listener = None if config.listen is None else self._listening(config.listen)

    def __enter__(self) -> Self:
        if self._listener is not None:
            self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._drift.stop()
        if self._listener is not None:
            self._listener.stop()
        self._topups.close()
        if self._notifier is not None:
            self._notifier.close()

    def note_listing(self, sweep: Sweep) -> None:
        """Pass to the pulse which repos are read and what the forge lists."""
        repos = self._state.config.repo
        self.pulse.reading(frozenset(repo.name for repo in repos if not repo.is_retired))
        if sweep.is_failing:
            self.pulse.listing_failed()
        elif (found := sweep.findings) is not None:
            self.pulse.listed(pending=len(found.pending), vanished=len(found.vanished))

    def compare(self, *, is_whole: bool) -> None:
        """After a pass, file silent nodes and missing webhooks, and tell what changed and is due.

        Args:
            is_whole: whether all repos were brought up to date; silence is judged only then.
        """
        if is_whole:
            with self._store.transaction():
                file_silence(self._store, self._state.config, self._clock())
        self.hooks.file(is_whole=is_whole)
        self._compare()
        repos = self._state.config.repo
        self._topups.pulled(
            [each.name for each in repos if each.role != "usage" and not each.is_retired]
        )
        self._topups.start()

    def _compare(self) -> None:
        if self._notifier is not None:
            self._compared_hour = hour_of(self._clock())
            self._notifier.compare(self._store)
            self._notifier.deliver()

    def _has_hour_turned(self) -> bool:
        """Whether another clock hour began since balances were compared: grants end with one."""
        compared = self._compared_hour
        return compared is not None and compared != hour_of(self._clock())

    def collect(self) -> None:
        """Start background work that is due, store what has ended, and deliver waiting notices."""
        self._drift.start()
        is_complete = self._drift.collect(self._store)
        if is_complete is not None:
            self.pulse.forge_checked(is_complete=is_complete)
        if self._notifier is not None:
            if self._has_hour_turned():
                self._compare()
            self._notifier.collect()
            self._notifier.deliver()
        self._topups.collect(self._store)
        self._topups.start()

    def _listening(self, config: ListenConfig) -> "HttpListener":
        # a web server is dozens of modules, of no use to a daemon that does not listen
        from aggregator.serving.listener import HttpListener

        database_path = self._state.config.database_path
        return HttpListener(
            config, self.hints, self._pushed, self.pulse, database_path, self._clock
        )

    def _pushed(self, push: Push) -> frozenset[str]:
        """Return the names of the repos that a push is about.

        Called in the listener's threads: safe because the configuration is replaced as a whole.
        """
        config = self._state.config
        forge_url = None if config.forge is None else config.forge.url
        found = pushed_repos(config.repo, push, forge_url)
        if not found and all(repo.forge_id != push.repo_id for repo in config.repo):
            self.unknown.note(time.monotonic())
        return found
