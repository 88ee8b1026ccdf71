"""How long to wait before trying again. Pure: the caller passes the time in."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

FIRST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=1)
ASKED_MAX: Final = timedelta(days=1)
"""A server that asks to be left alone for longer is asked again after a day."""


def doubled_wait(failures: int, first: timedelta) -> timedelta:
    """The wait after failures in a row: `first` after one, twice that after each, to an hour."""
    # the exponent is bounded, so that a year of failures cannot overflow
    return min(first * (1 << min(failures - 1, 16)), LONGEST)


def asked_wait(asked_s: int | None) -> timedelta:
    """The wait that a server asked for, in seconds; at most a day, none where it did not ask."""
    return min(timedelta(seconds=asked_s or 0), ASKED_MAX)


class _Failures(NamedTuple):
    in_a_row: int
    since: datetime
    wait: timedelta
    is_asked: bool

    def is_waiting(self, now: datetime) -> bool:
        # before `since`: the clock was set back meanwhile, and must not make the wait longer
        return self.since <= now < self.since + self.wait


class Backoff:
    """Doubles the wait after each failure in a row, from a minute to an hour."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def failed(
        self, name: str, now: datetime, *, wait: bool = True, asked_s: int | None = None
    ) -> int:
        """Note a failure; one during a wait does not extend it.

        Args:
            name: what failed.
            now: when.
            wait: whether to wait before the next try, or only to count.
            asked_s: the wait that its server asked for; at most `ASKED_MAX` is granted.

        Returns:
            How many there were in a row.
        """
        before = self._failures.get(name)
        theirs = asked_wait(asked_s)
        if before is not None and before.is_waiting(now) and wait and not theirs:
            return before.in_a_row
        count = 1 if before is None else before.in_a_row + 1
        own = doubled_wait(count, FIRST)
        delay = max(own, theirs) if wait else timedelta(0)
        self._failures[name] = _Failures(count, now, delay, theirs >= own)
        return count

    def succeeded(self, name: str) -> None:
        """Forget its failures."""
        self._failures.pop(name, None)

    def is_waiting(self, name: str, now: datetime) -> bool:
        """Whether its wait is not over."""
        failures = self._failures.get(name)
        return failures is not None and failures.is_waiting(now)

    def is_asked_to_wait(self, name: str, now: datetime) -> bool:
        """Whether its server asked for the wait, so that not even a hint ends it."""
        return self.is_waiting(name, now) and self._failures[name].is_asked


def is_worth_a_log(consecutive_errors: int) -> bool:
    """Whether to log an error: the 1st, 2nd, 4th, 8th ... in a row; others are only counted."""
    return consecutive_errors & (consecutive_errors - 1) == 0
