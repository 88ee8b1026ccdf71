"""When to look again at a repo that failed. Pure: told the time by its caller."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=1)
NONE: Final = timedelta(0)


@dataclass
class _Failures:
    count: int
    again_at: datetime


class Backoff:
    """Doubles the wait after each failure in a row, from a minute to an hour."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def failed(
        self, name: str, now: datetime, *, wait: bool = True, asked_s: int | None = None
    ) -> int:
        """Note a failure.

        Args:
            name: what failed.
            now: when.
            wait: whether to leave it alone for a while, or only to count.
            asked_s: for how long its server asked to be left alone, at most until `LONGEST`.

        Returns:
            How many there were in a row.
        """
        before = self._failures.get(name)
        count = 1 if before is None else before.count + 1
        # the exponent is bounded, so that a year of failures cannot overflow
        delay = max(FIRST * 2 ** min(count - 1, 16), timedelta(seconds=asked_s or 0))
        self._failures[name] = _Failures(count, now + (min(delay, LONGEST) if wait else NONE))
        return count

    def succeeded(self, name: str) -> None:
        """Forget the failures of a repo."""
        self._failures.pop(name, None)

    def is_waiting(self, name: str, now: datetime) -> bool:
        """Whether the repo should be left alone for now."""
        failures = self._failures.get(name)
        return failures is not None and now < failures.again_at


def is_worth_a_log(consecutive_errors: int) -> bool:
    """The 1st, 2nd, 4th, 8th ... error in a row is logged, the others only counted."""
    return consecutive_errors & (consecutive_errors - 1) == 0
