"""Virtual time: one true time, and machines whose clocks are off."""

from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2025, 1, 6, 12, tzinfo=UTC)


class TrueTime:
    """The time that everybody should have.

    Attributes:
        now: the time; only the simulation moves it.
    """

    def __init__(self) -> None:
        self.now = START

    def pass_by(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span


class Clock:
    """One machine's clock.

    Attributes:
        offset: how far it is ahead of the true time.
        latest: the latest time it ever showed.
    """

    def __init__(self, time: TrueTime) -> None:
        self._time = time
        self.offset = timedelta()
        self.latest = time.now

    @property
    def true(self) -> datetime:
        """What it should show."""
        return self._time.now

    def __call__(self) -> datetime:
        """What it shows."""
        shown = self._time.now + self.offset
        self.latest = max(self.latest, shown)
        return shown
