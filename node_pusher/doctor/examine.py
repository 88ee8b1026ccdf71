"""`node-pusher doctor`: checks everything a node needs, and says what is wrong and what to do.

Nothing is changed, and every wait has a limit: each check runs in a thread of its own, and one that
does not end in time is a finding too.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from gitmeter.roles.role import Role
from gitmeter.support.background import Background
from gitmeter.support.errors import GitmeterError
from node_pusher.doctor.dates import check_dates
from node_pusher.doctor.findings import Examination, Finding, Severity, problem
from node_pusher.doctor.home import (
    check_disk,
    check_key,
    check_lock,
    check_push,
    check_settings,
    check_spool,
)
from node_pusher.doctor.remote import check_clock, check_remote, check_write
from node_pusher.doctor.system import check_listener, check_programs, check_timer
from node_pusher.home.home import Home
from node_pusher.home.settings_file import read_home

CHECK_TIMEOUT_S: Final = 30
"""Above the limits of the checks themselves."""

Check = Callable[[Examination], Iterable[Finding]]

CHECKS: Final[dict[str, Check]] = {
    "settings": check_settings,
    "spool": check_spool,
    "disk": check_disk,
    "lock": check_lock,
    "key": check_key,
    "remote": check_remote,
    "write": check_write,
    "push": check_push,
    "clock": check_clock,
    "dates": check_dates,
    "timer": check_timer,
    "listener": check_listener,
    "programs": check_programs,
}
_NO_HINT: Final = "see what the check says; it does not affect the other checks"


def examine(
    path: Path, role: Role, now: datetime, timeout_s: float = CHECK_TIMEOUT_S
) -> list[Finding]:
    """Examine the home in a folder.

    Args:
        path: the folder.
        role: the role that the home must have.
        now: the time by this machine's clock.
        timeout_s: how long a check may take.

    Returns:
        What was found, in the order of `CHECKS`; only about the settings if they cannot be read.
    """
    started_s = time.monotonic()
    ends_at_s = started_s + timeout_s
    loaded: list[Home] = []

    def load() -> Iterable[Finding]:
        loaded.append(read_home(path, role))
        return ()

    unusable = _Running("settings", load, ends_at_s).findings()
    if unusable:
        return unusable
    examination = Examination(loaded[0], now, started_s)
    running = [
        _Running(name, partial(check, examination), ends_at_s) for name, check in CHECKS.items()
    ]
    return [finding for each in running for finding in each.findings()]


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is a problem."""
    return all(finding.health is not Severity.PROBLEM for finding in findings)


class _Running:
    """A check that is running in a thread, which is abandoned if it takes too long."""

    def __init__(self, name: str, check: Callable[[], Iterable[Finding]], ends_at_s: float) -> None:
        self._name = name
        self._check = check
        self._ends_at_s = ends_at_s
        self._background = Background[list[Finding]]()
        self._background.start(self._run)

    def findings(self) -> list[Finding]:
        """What it found; waits for it until its time is up."""
        ended = self._background.collect(max(0, self._ends_at_s - time.monotonic()))
        if ended is None:
            says = "it did not end in time, so it was abandoned"
            return [problem(self._name, says, "check whether its disk or server hangs")]
        return ended.result()

    def _run(self) -> list[Finding]:
        found: list[Finding] = []
        try:
            found.extend(self._check())
        except (GitmeterError, OSError) as error:
            found.append(_of_error(self._name, error))
        return found


def _of_error(name: str, error: GitmeterError | OSError) -> Finding:
    return problem(name, str(error), getattr(error, "hint", "") or _NO_HINT)
