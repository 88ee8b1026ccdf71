"""What became of copying to the copy remote, in the log: not each time, while it keeps failing."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from aggregator.copies.schedule import Copying
from gitmeter.support.backoff import Backoff, is_worth_a_log

_COPY: Final = "[copy]"
"""The key of the one copy remote."""

_log = structlog.get_logger()


class CopyLog:
    """Stores and logs results of copying.

    Args:
        copying: copies in the background.
        clock: returns the current time, in UTC.
    """

    def __init__(self, copying: Copying, clock: Callable[[], datetime]) -> None:
        self._copying = copying
        self._clock = clock
        self._backoff = Backoff()

    def collect(self) -> None:
        """Store and log the result, if a run of it has ended."""
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
