"""Files the incident of webhooks that do not arrive, and ends it."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

import structlog

from aggregator.daemon.missing_hooks import FoundPush, MissingHooks
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.state import State
from aggregator.pulling.repo_pass import RepoReport
from aggregator.serving.pulse import Pulse
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore

_log = structlog.get_logger()


class HookWatch:
    """Judges from what is read and what the listener counts; used by the loop's thread.

    Args:
        state: the state directory, with the configuration.
        store: the ledger, open for writing.
        clock: returns the current time, in UTC.
        pulse: counts the requests to the webhook.
    """

    def __init__(
        self, state: State, store: LedgerStore, clock: Callable[[], datetime], pulse: Pulse
    ) -> None:
        self._state = state
        self._store = store
        self._clock = clock
        self._pulse = pulse
        self._missing = MissingHooks()
        self._is_open: bool | None = None  # of an earlier process perhaps

    @property
    def _url(self) -> str | None:
        """The address of the webhook; None if none is expected."""
        config = self._state.config
        return config.forge.webhook_url if config.forge and config.listen else None

    def begin(self, names: Iterable[str]) -> None:
        """Note that repos are about to be read."""
        self._missing.begin(names, time.monotonic())

    def note(self, report: RepoReport) -> None:
        """Note what was found in a repo."""
        found = None
        if report.commits and self._is_registered(report.name):
            found = FoundPush(time.monotonic(), self._clock())
        is_whole = report.incident is None and report.behind == 0
        self._missing.read(report.name, found, is_whole=is_whole)

    def _is_registered(self, name: str) -> bool:
        """Whether the forge is known to send webhooks about a repo: it has a number there."""
        repo = self._state.configured.get(name)
        return repo is not None and repo.forge_id is not None

    def file(self, *, is_whole: bool) -> None:
        """Open or close the incident.

        Args:
            is_whole: whether to state the present numbers in one that is open already.
        """
        counts = self._pulse.read().hooks
        self._missing.heard(self._pulse.accepted_s, counts)
        url = self._url
        missing = self._missing.judge(time.monotonic(), counts) if url else None
        is_over = url is None or self._missing.has_heard
        if missing is None and (not is_over or self._is_open is False):
            return
        if missing is not None and self._is_open and not is_whole:
            return
        about: dict[About, str] = {}
        if missing is not None and url is not None:
            about[None, "webhooks"] = missing.sentence(url)
            if not self._is_open:
                _log.warning("no webhooks", pushes=missing.pushes)
        with self._store.transaction():
            self._store.incidents.file_all(IncidentKind.NO_WEBHOOKS, about, self._clock())
        self._is_open = bool(about)
