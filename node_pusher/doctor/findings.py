"""What `doctor` finds, and durations in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.support.terminal import counted
from node_pusher.home.home import Home

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_COUNT_MIN: Final = 2
"""The least number of a unit to use it: `36 hours` says more than `1 day`."""


class Severity(StrEnum):
    """What a finding means."""

    OK = "ok"
    WARNING = "warning"
    """Nothing is lost or late yet, or that is not known."""
    PROBLEM = "problem"
    """Records are not sent, will not be billed, or are in danger."""


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        check: the name of the check.
        health: how bad it is.
        says: what was found, in a sentence.
        do: what to do next; empty if there is nothing to do.
    """

    check: str
    health: Severity
    says: str
    do: str = ""


@dataclass(frozen=True)
class Examination:
    """What the checks examine.

    Attributes:
        home: the home.
        now: the time by this machine's clock when the examination began.
        started_s: the monotonic clock at that moment, in seconds.
    """

    home: Home
    now: datetime
    started_s: float

    @property
    def path(self) -> Path:
        """The folder of the home."""
        return self.home.path


def ok(check: str, says: str) -> Finding:
    """A finding that all is well."""
    return Finding(check, Severity.OK, says)


def warning(check: str, says: str, do: str) -> Finding:
    """A finding that nothing is lost or late yet, or that this is not known."""
    return Finding(check, Severity.WARNING, says, do)


def problem(check: str, says: str, do: str) -> Finding:
    """A finding that records are not sent, will not be billed, or are in danger."""
    return Finding(check, Severity.PROBLEM, says, do)


def in_words(span: timedelta) -> str:
    """A duration in words: `36 hours`."""
    seconds = abs(span) // timedelta(seconds=1)
    for unit, size_s in _UNITS:
        if seconds >= _COUNT_MIN * size_s:
            return f"{seconds // size_s} {unit}s"
    return counted(seconds, "second")
