"""A clock that goes on only when it is told to."""

from datetime import UTC, datetime, timedelta
from typing import Final

STARTS_AT: Final = datetime(2026, 11, 21, 13, tzinfo=UTC)


class Clock:
    """The time of a simulated provider.

    Args:
        at: where it starts; None for this machine's own time, which goes on by itself.
    """

    def __init__(self, at: datetime | None = STARTS_AT) -> None:
        self._at = at
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """The time now."""
        return (self._at or datetime.now(UTC)) + self._ahead

    def advance(self, **by: float) -> datetime:
        """Let time pass: `advance(days=2, seconds=1)`."""
        self._ahead += timedelta(**by)
        return self()

    @property
    def unix(self) -> int:
        """Whole seconds since 1970."""
        return int(self().timestamp())
