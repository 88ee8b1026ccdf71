"""Pushing in the background, beside requests that may wait for it.

However many lines were written while a push runs, the next push takes all of them.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from front.once import push_and_tell
from front.tables import HintTable
from gitmeter.support.backoff import is_worth_a_log
from gitmeter.support.errors import GitmeterError, with_hint
from node_pusher.home.home import Home

_log = structlog.get_logger()
_PAUSE_S: Final = 1
_PAUSE_MAX_S: Final = 60
_AHEAD_S: Final = 60


class NotPushedError(GitmeterError):
    """A line is on disk and not on the remote."""

    retry = True


class Pusher:
    """Pushes whenever it is told that there is something to push; one thread.

    Args:
        home: whose lines.
        hint: whom to tell; None for nobody.
        clock: the time in UTC, of commits.
    """

    def __init__(self, home: Home, hint: HintTable | None, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._hint = hint
        self._clock = clock
        self._changed = threading.Condition()
        self._wanted = 1  # what was left here by a process that died
        self._done = 0
        self._failures = 0
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="pusher", daemon=True)

    def start(self) -> None:
        """Start the thread, which first pushes what is there."""
        self._thread.start()

    def stop(self, wait_s: int = 30) -> None:
        """Push what is there once more, and end the thread.

        Args:
            wait_s: how long to wait for it; what is not pushed then stays in the spool.
        """
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._thread.join(wait_s)

    def wake(self) -> None:
        """Push soon."""
        with self._changed:
            self._wanted += 1
            self._changed.notify_all()

    def push(self, wait_s: int) -> None:
        """Push what is there now, and wait until the remote has it.

        Raises:
            NotPushedError: it has not in this time, or the push failed.
        """
        ends_at_s = time.monotonic() + wait_s
        with self._changed:
            self._wanted += 1
            ticket, failures = self._wanted, self._failures
            self._changed.notify_all()
            while self._done < ticket:
                left_s = ends_at_s - time.monotonic()
                if left_s <= 0 or self._failures > failures + 1:
                    raise NotPushedError("the remote did not take it in time")
                self._changed.wait(left_s)

    def _run(self) -> None:
        in_a_row = 0
        while True:
            with self._changed:
                while self._done >= self._wanted and not self._is_stopping:
                    self._changed.wait()
                is_last, ticket = self._is_stopping, self._wanted
            has_failed = self._done < ticket and not self._push(in_a_row)
            in_a_row = in_a_row + 1 if has_failed else 0
            with self._changed:
                if has_failed:
                    self._failures += 1
                else:
                    self._done = ticket
                self._changed.notify_all()
                if is_last:
                    return
                if has_failed:
                    self._changed.wait(min(_PAUSE_S << min(in_a_row, 6), _PAUSE_MAX_S))

    def _push(self, in_a_row: int) -> bool:
        try:
            report, untold = push_and_tell(self._home, self._hint, self._clock())
        except Exception as error:  # noqa: BLE001 - requests are still taken, and lines are on disk
            if is_worth_a_log(in_a_row + 1):
                _log.warning("push failed", why=_words(error), in_a_row=in_a_row + 1)
            return False
        if report.remark:
            _log.warning("push", remark=report.remark)
        if untold:
            _log.warning("the aggregator was not told", why=untold)
        if report.ahead:  # of this machine's clock: they stay in the spool until it has passed them
            again = threading.Timer(_AHEAD_S, self.wake)
            again.daemon = True
            again.start()
        if report.pushed:
            _log.info("pushed", commits=report.pushed, head=report.head)
        return True


def _words(error: Exception) -> str:
    return with_hint(error) or type(error).__name__
