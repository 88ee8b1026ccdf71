"""The daily comparison of the forge with its setup, beside the daemon's loop.

A check that did not see everything is repeated after a minute, then after twice as long each time,
up to an hour. Until one is complete, an incident says why, and what an earlier check found of the
part that was not seen stays open.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from typing import Final

import structlog

from aggregator.config.nodes_dir import read_registrations
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.drift.comparison import Checked, check
from aggregator.fleet.drift.differences import OF_LISTING, What
from aggregator.forge import open_forge
from aggregator.forge.interface import ForgeError
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.state import State
from aggregator.store.incident_rows import About, IncidentRow
from aggregator.store.store import LedgerStore
from gitmeter.support.background import Background
from gitmeter.support.backoff import FIRST, asked_wait, doubled_wait, is_worth_a_log
from gitmeter.support.errors import GitmeterError, with_hint

EVERY_S: Final = 86_400
PAUSE_S: Final = 0.2
"""Before each repo but the first, so that a large fleet does not bring the forge to limit us."""

_NAMED: Final = 3
_log = structlog.get_logger()


class _StoppedError(Exception):
    """The daemon stops, and nobody waits for this check any more."""


class DriftCheck:
    """Checks the forge in a thread of its own, and files incidents in the caller's.

    Args:
        state: the state directory, with the configuration.
        clock: returns the present time in UTC.
        monotonic_s: the monotonic clock, in seconds, by which checks are timed.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._background = Background[Checked | GitmeterError]()
        self._stopping = threading.Event()
        self._failures = 0
        self._due_s: float | None = None

    def start(self) -> None:
        """Start a check if one is due, unless there is no forge or the last is still running."""
        config = self._state.config
        forge = config.forge
        is_due = self._due_s is None or self._monotonic_s() >= self._due_s
        if forge is not None and is_due and self._background.is_free:
            self._background.start(lambda: self._look(config, forge))

    def stop(self) -> None:
        """Let a check that is running end without a result; does not wait for it."""
        self._stopping.set()

    def collect(self, store: LedgerStore) -> bool | None:
        """File what a finished check found; incidents that it no longer finds are closed.

        Args:
            store: the ledger, open for writing.

        Returns:
            Whether everything was looked at; None if no check has finished.
        """
        ended = self._background.collect()
        forge = self._state.config.forge
        if ended is None or forge is None or isinstance(ended.exception(), _StoppedError):
            return None
        found = _found(ended)
        fault = _fault(found)
        unchecked: dict[About, str] = {}
        if fault:
            unchecked[None, "check"] = f"{fault}; the token is that of {forge.token_file}"
        with store.transaction():
            if isinstance(found, Checked):
                self._file_drifts(store, found)
            store.incidents.file_all(IncidentKind.FORGE_UNCHECKED, unchecked, self._clock())
        self._note(found, fault)
        return not fault

    def _look(self, config: Config, forge: ForgeConfig) -> Checked | GitmeterError:
        """Check the forge, in a thread; an error is a result."""
        try:
            registered = read_registrations(config.nodes_dir)
            return check(open_forge(forge, self._pause), config, registered, between=self._pause)
        except GitmeterError as error:
            return error

    def _pause(self, pause_s: float = PAUSE_S) -> None:
        """Wait in the thread of the check.

        Raises:
            _StoppedError: the daemon stops.
        """
        if self._stopping.wait(pause_s):
            raise _StoppedError

    def _file_drifts(self, store: LedgerStore, found: Checked) -> None:
        repos = {repo.name: repo for repo in self._state.config.repo}
        about: dict[About, str] = {}
        for drift in found.drifts:
            repo = repos.get(drift.repo)
            is_table = repo is not None and repo.forge_id is None
            if drift.what in OF_LISTING and not (is_table and drift.what is What.MISSING):
                continue  # the listing finds these within minutes
            row = repo and store.repos.row(repo.identity)
            subject = drift.what if row else f"{drift.repo} {drift.what}".strip()
            about[row.id if row else None, subject] = drift.sentence
        open_now = store.incidents.open_of_kind(IncidentKind.DRIFT)
        kept = frozenset(row.id for row in open_now if _repo_of(row) in found.unseen)
        store.incidents.file_all(IncidentKind.DRIFT, about, self._clock(), kept=kept)

    def _note(self, found: Checked | GitmeterError, fault: str) -> None:
        """Log the result, and set the time of the next check."""
        if not fault:
            self._failures = 0
            self._due_s = self._monotonic_s() + EVERY_S
            _log.info("forge checked")
            return
        self._failures += 1
        asked_s = found.retry_after_s if isinstance(found, ForgeError) else None
        wait = max(doubled_wait(self._failures, FIRST), asked_wait(asked_s))
        self._due_s = self._monotonic_s() + wait.total_seconds()
        if is_worth_a_log(self._failures):
            _log.warning("forge not checked", detail=fault, consecutive_errors=self._failures)


def _found(ended: Future[Checked | GitmeterError]) -> Checked | GitmeterError:
    """The result of a check; billing continues whatever bug of ours it has."""
    bug = ended.exception()
    if bug is None:
        return ended.result()
    _log.error("forge not checked by a bug", exc_info=bug)
    return GitmeterError(f"{type(bug).__name__}: {bug}", hint="please report this bug")


def _fault(found: Checked | GitmeterError) -> str:
    """Why not everything was looked at; empty if it was."""
    if isinstance(found, GitmeterError):
        return with_hint(found)
    return _shown(found.unseen)


def _shown(unseen: Mapping[str, str]) -> str:
    """The first few of what was not seen, by name."""
    first = sorted(unseen)[:_NAMED]
    said = [f"{name or 'the organisation'}: {unseen[name]}" for name in first]
    if more := len(unseen) - len(first):
        said.append(f"and {more} more")
    return "; ".join(said)


def _repo_of(row: IncidentRow) -> str:
    """The repo that a difference is about; empty for the organisation as a whole."""
    is_named = row.repo or row.subject in set(What)
    return row.repo if is_named else row.subject.partition(" ")[0]
