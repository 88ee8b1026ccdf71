"""Running a real program, and killing it at a random moment of its life.

A kill takes either the program alone, as the kernel does when memory is short (its git goes on as
an orphan), or the program and everything it started, as systemd does when a unit is stopped the
hard way. Most kills wait until the program is seen at work, and strike some time after that.
"""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from statistics import median
from typing import Final, Literal, NamedTuple

Scope = Literal["alone", "family"]

POLL_S: Final = 0.002
END_S: Final = 120
"""How long an undisturbed run may take before it counts as hung."""

_KEPT: Final = 9
_AT_WORK_SHARE: Final = 0.65
_AFTER_WORK_BEGAN: Final = 0.7
"""Kills of a program at work come within this part of its whole duration."""

_LATE: Final = 1.05
_ORPHAN_S: Final = 30


class Aim(NamedTuple):
    """When and what to kill.

    Attributes:
        delay_s: after the start, or after the program was seen at work.
        at_work: wait for that first.
        scope: `alone` leaves its children running.
    """

    delay_s: float
    at_work: bool
    scope: Scope


class Ending(NamedTuple):
    """How a run ended.

    Attributes:
        code: exit code; negative when a signal ended it.
        aim: how it was to be killed; None when it was left alone.
        hit: whether the kill met a living process.
        at_work: whether files that it writes had changed by then, or a git program of its ran.
        git: whether a git program that it started ran at that moment.
        out, err: what it wrote.
        duration_s: from its start to its end.
    """

    code: int
    aim: Aim | None
    hit: bool
    at_work: bool
    git: bool
    out: str
    err: str
    duration_s: float


class Pace:
    """How long a program takes, learnt from the runs that came to their end."""

    def __init__(self, guess_s: float) -> None:
        self._durations: deque[float] = deque([guess_s], maxlen=_KEPT)

    def note(self, ending: Ending) -> None:
        """Learn from a run that was not killed."""
        if not ending.hit:
            self._durations.append(ending.duration_s)

    @property
    def typical_s(self) -> float:
        """The median of the last runs."""
        return median(self._durations)

    def aim(self, rng: Random, *, longest_s: float | None = None) -> Aim:
        """A moment between the start and a little after the typical end."""
        span_s = self.typical_s if longest_s is None else longest_s
        at_work = rng.random() < _AT_WORK_SHARE
        part = rng.uniform(0, _AFTER_WORK_BEGAN if at_work else _LATE)
        return Aim(part * span_s, at_work, rng.choice(("alone", "family")))


class Runner:
    """Starts programs, and remembers the orphans that kills left behind."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._orphans: set[int] = set()

    def run(
        self,
        command: Sequence[str],
        aim: Aim | None = None,
        *,
        stdin: int = subprocess.DEVNULL,
        writes: Sequence[Path] = (),
    ) -> Ending:
        """Run a command to its end, or until the aim's moment comes.

        Args:
            command: program and arguments.
            aim: when to kill it.
            stdin: a file descriptor.
            writes: files that change when it is at work.

        Raises:
            TimeoutError: it was to come to its end and does not.
        """
        before = _marks(writes)
        started = time.monotonic()
        with subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        ) as process:
            hit = git = at_work = False
            if aim is not None:
                _wait_for_moment(process, aim, before, writes)
                at_work = _marks(writes) != before
                hit, git = self._kill(process, aim.scope)
            try:
                out, err = process.communicate(timeout=END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise TimeoutError(f"runs for {END_S} s and more: {' '.join(command)}") from None
        return Ending(
            process.returncode,
            aim,
            hit and process.returncode == -signal.SIGKILL,
            at_work or git,
            git,
            out.decode(errors="replace"),
            err.decode(errors="replace"),
            time.monotonic() - started,
        )

    def _kill(self, process: "subprocess.Popen[bytes]", scope: Scope) -> tuple[bool, bool]:
        """Kill what still lives; returns whether it did, and whether git ran below it."""
        if process.poll() is not None:
            return False, False
        if scope == "alone":
            below = _descendants(process.pid)
            process.kill()
            self._orphans.update(below)
            return True, bool(below)
        os.kill(process.pid, signal.SIGSTOP)  # so that it starts nothing more meanwhile
        below = set()
        while found := _descendants(process.pid) - below:
            for pid in found:
                _signal(pid, signal.SIGSTOP)
            below |= found
        for pid in (process.pid, *below):
            _signal(pid, signal.SIGKILL)
        return True, bool(below)

    def wait_for_orphans(self) -> int:
        """Let the children of killed programs come to their end; returns how many there were.

        Raises:
            TimeoutError: one of them goes on and on.
        """
        count = len(self._orphans)
        deadline = time.monotonic() + _ORPHAN_S
        while self._orphans:
            self._orphans = {pid for pid in self._orphans if _is_running(pid)}
            if self._orphans and time.monotonic() > deadline:
                raise TimeoutError(f"left behind and still running: {sorted(self._orphans)}")
            time.sleep(POLL_S)
        return count


def _wait_for_moment(
    process: "subprocess.Popen[bytes]", aim: Aim, before: object, writes: Sequence[Path]
) -> None:
    while aim.at_work and process.poll() is None:
        if _marks(writes) != before or _children(process.pid):
            break
        time.sleep(POLL_S)
    with suppress(subprocess.TimeoutExpired):
        process.wait(aim.delay_s)


def _marks(files: Sequence[Path]) -> list[tuple[int, int] | None]:
    """What tells a file that was written since from one that was not."""
    marks: list[tuple[int, int] | None] = []
    for file in files:
        try:
            found = file.stat()
        except OSError:
            marks.append(None)
        else:
            marks.append((found.st_mtime_ns, found.st_size))
    return marks


def _children(pid: int) -> list[int]:
    try:
        found = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it ended while we looked
        return []
    return [int(child) for children in found for child in children]


def _descendants(pid: int) -> set[int]:
    below: set[int] = set()
    new = [pid]
    while new:
        new = [child for parent in new for child in _children(parent) if child not in below]
        below.update(new)
    return below


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
