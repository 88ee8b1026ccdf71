"""The daily comparison of the forge with its setup, beside the daemon's loop."""

from collections.abc import Callable
from datetime import datetime

import structlog

from aggregator.config.nodes_dir import read_registrations
from aggregator.config.settings import Config
from aggregator.fleet.drift.comparison import check
from aggregator.fleet.drift.differences import OF_LISTING, Drift
from aggregator.forge import open_forge
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.state import State
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore
from gitmeter.support.background import Background
from gitmeter.support.errors import GitmeterError

_log = structlog.get_logger()


class DriftCheck:
    """Checks the forge in a thread of its own, and files incidents in the caller's.

    Args:
        state: the state directory, with the configuration.
        clock: returns the present time in UTC.
    """

    def __init__(self, state: State, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock
        self._background = Background[tuple[Drift, ...] | None]()

    def start(self) -> None:
        """Start a check, unless there is no forge or the last check is still running."""
        config = self._state.config
        if config.forge is not None and self._background.is_free:
            self._background.start(lambda: _drifts(config))

    def collect(self, store: LedgerStore) -> None:
        """File what a finished check found; incidents that it no longer finds are closed.

        Args:
            store: the ledger, open for writing.
        """
        ended = self._background.collect()
        if ended is None:
            return
        if (bug := ended.exception()) is not None:  # billing continues
            _log.error("forge not checked", exc_info=bug)
            return
        found = ended.result()
        if found is None:
            return
        repos = {repo.name: repo for repo in self._state.config.repo}
        about: dict[About, str] = {}
        with store.transaction():
            for drift in found:
                if drift.what in OF_LISTING:
                    continue  # the listing finds these within minutes
                repo = repos.get(drift.repo)
                row = repo and store.repos.row(repo.identity)
                subject = drift.what if row else f"{drift.repo} {drift.what}".strip()
                about[row.id if row else None, subject] = drift.sentence
            store.incidents.file_all(IncidentKind.DRIFT, about, self._clock())
        _log.info("forge checked", drifts=len(found))


def _drifts(config: Config) -> tuple[Drift, ...] | None:
    """What differs on the forge; None if it cannot be asked."""
    if config.forge is None:
        return None
    try:
        registered = read_registrations(config.nodes_dir)
        return check(open_forge(config.forge), config, registered).drifts
    except GitmeterError as error:  # a forge that does not answer is an incident of the listing
        _log.warning("forge not checked", detail=str(error))
        return None
