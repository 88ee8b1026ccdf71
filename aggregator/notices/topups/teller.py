"""When the till that charges is told who is below the threshold: beside the daemon's loop.

After each pull and at each hour border, in a thread with a connection of its own, so that neither
reading nor a till that hangs can delay billing.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from aggregator.config.sections import TopupConfig
from aggregator.incidents.kinds import IncidentKind
from aggregator.notices.topups.rounds import TopupReport, TopupRound
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore
from gitmeter.support.background import Background
from gitmeter.support.backoff import is_worth_a_log
from wire_format.instants import hour_of

REST_S: Final = 5.0
"""Between two rounds at least; pulls on hints may follow each other within a second."""

_REST_OF_WORK: Final = 9
"""A round rests this many times as long as it took, so it takes a tenth of a core at most."""

_SUBJECT: Final = "topups"
_DETAIL_CHARACTERS_MAX: Final = 1_000

_log = structlog.get_logger()


class TopupTeller:
    """Tells the till of `[topup]`; used by the loop's thread.

    Args:
        config: the till; None where no card is charged.
        path: the ledger.
        clock: the current time.
    """

    def __init__(
        self, config: TopupConfig | None, path: Path, clock: Callable[[], datetime]
    ) -> None:
        self._config = config
        self._path = path
        self._clock = clock
        self._background = Background[TopupReport]()
        self._repos: Collection[str] = ()
        self._is_due = self._is_over = self._was_behind = False
        self._hour: int | None = None
        self._asked_hour: int | None = None
        self._stopped: str | None = None
        self._was_heard = False  # what an earlier process filed may be open
        self._last = ""
        self._errors = 0
        self._began_s = self._rests_until_s = 0.0

    def pulled(self, repos: Collection[str]) -> None:
        """Let a round be made, because the ledger has changed or was found to be up to date.

        Args:
            repos: the names of the repos of the books, tills and desks that are to be read.
        """
        self._repos = repos
        self._hour = hour_of(self._clock())
        self._is_due = True

    def start(self) -> None:
        """Begin a round, if one is due and the one before has been collected and rested."""
        config = self._config
        if config is None or self._hour is None:
            return
        hour = hour_of(self._clock())
        self._is_due |= hour != self._hour
        if not (self._is_due and self._background.is_free):
            return
        if time.monotonic() < self._rests_until_s:
            return
        self._is_due, self._hour, self._began_s = False, hour, time.monotonic()
        # a till that has stopped, or was not heard in this hour, is asked although nobody is due
        asks = self._stopped is not None or self._asked_hour != hour
        work = TopupRound(self._path, config, self._repos, self._clock, lambda: self._is_over)
        after = self._last
        self._background.start(lambda: work.run(after, asks=asks))

    def collect(self, store: LedgerStore, wait_s: float = 0) -> TopupReport | None:
        """Log the result of a round that has ended, and file what the till says of itself.

        Args:
            store: the ledger, open for writing.
            wait_s: how long to wait for the round to end.

        Returns:
            The result; None without one.
        """
        if self._config is None:
            self._file(store, None)  # what was open when there was a till would stay so
            return None
        ended = self._background.collect(wait_s)
        if ended is None:
            return None
        now_s = time.monotonic()
        self._rests_until_s = now_s + max(REST_S, _REST_OF_WORK * (now_s - self._began_s))
        if (bug := ended.exception()) is not None:  # billing goes on
            _log.error("a round of automatic payments ended early", exc_info=bug)
            return TopupReport(error="the round ended without a result")
        self._note(store, report := ended.result())
        return report

    def close(self) -> None:
        """Begin nothing any more; what was not told is told after the next start."""
        self._is_over = True

    def _note(self, store: LedgerStore, report: TopupReport) -> None:
        self._last = report.last
        if report.is_behind != self._was_behind:
            self._was_behind = report.is_behind
            text = "waits for repos" if report.is_behind else "goes on"
            _log.info("telling of automatic payments", state=text)
        if report.posts:
            self._asked_hour = self._hour
            self._file(store, report.stopped)
            _log.info("accounts told below their threshold", accounts=report.told)
        if not report.error:
            self._errors = 0
            return
        self._errors += 1
        if is_worth_a_log(self._errors):
            _log.warning(
                "till not told of automatic payments",
                detail=report.error,
                consecutive_errors=self._errors,
            )

    def _file(self, store: LedgerStore, stopped: str | None) -> None:
        """Open or close the incident of a till that has stopped, where that is news."""
        if self._was_heard and stopped == self._stopped:
            return
        about: dict[About, str] = {}
        if stopped is not None:
            about[None, _SUBJECT] = stopped[:_DETAIL_CHARACTERS_MAX]
        with store.transaction():
            store.incidents.file_all(IncidentKind.TOPUPS_STOPPED, about, self._clock())
        self._was_heard, self._stopped = True, stopped
