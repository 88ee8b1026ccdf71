"""Whether the time by this machine's clock can be the time. Pure.

A machine without a battery starts in 1970 and is set right once it reaches a time server. What is
recorded before that would be billed in an hour that was decades ago.
"""

from datetime import UTC, datetime
from typing import Final

from node_pusher.spool.outcomes import SpoolError

CLOCK_FLOOR: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""No version of this program is older."""


class ClockError(SpoolError):
    """This machine's clock is certainly wrong; the same call may work once it is set."""

    retry = True


def usable(now: datetime) -> datetime:
    """The time by this machine's clock, if it can be that.

    Raises:
        ClockError: it cannot.
    """
    if now < CLOCK_FLOOR:
        raise ClockError(
            f"this machine's clock is wrong: it says {now:%Y-%m-%d}; nothing was recorded"
            " or committed",
            hint="set the clock (timedatectl set-ntp true), then try again",
        )
    return now
