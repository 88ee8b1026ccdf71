"""Asking for segments before they are needed, so that the other cores read them meanwhile."""

import fcntl
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from aggregator.admission.grouped import GroupedSegment
from aggregator.ledger.reading.child import LENGTH

AHEAD_FROM_LINES: Final = 100_000
"""Lines, read and to come, that are worth starting others: that costs as much as reading these."""

_CHILDREN: Final = 2
"""More would wait for the process that asks."""

_ASKED_MAX: Final = 500
"""Questions that wait fit into the pipe of one process: nobody waits while asking."""

_PIPE_BYTES: Final = 1024 * 1024
"""What may be answered while this process writes a batch."""

_DECODER: Final = msgspec.msgpack.Decoder(GroupedSegment)
_Question = tuple[Path, str]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


class ReadAhead:
    """Other processes that read segments, once there is much to read; use it in a `with` block.

    What they cannot do, for whatever reason, is left to the process that asks: an answer may
    always be missing.
    """

    def __init__(self) -> None:
        self._children: list[_Child] = []
        self._asked: dict[_Question, _Child] = {}
        self._turn = 0
        self._lines = 0

    @property
    def is_helping(self) -> bool:
        """Whether one of the other processes runs; until then all is read here."""
        return any(child.is_ready() for child in self._children)

    def note_lines(self, lines: int, to_come: int) -> None:
        """Note lines that were read without help, which begins where there is enough to read.

        Args:
            lines: how many they are.
            to_come: how many are likely to follow.
        """
        self._lines += lines
        is_worth_it = self._lines + to_come >= AHEAD_FROM_LINES
        if not self._children and is_worth_it and cores() > 1:
            self._children = [_Child() for _ in range(_CHILDREN)]

    def ask(self, mirror: Path, blobs: Iterable[str]) -> None:
        """Ask for segments of a mirror, by the ids of their blobs; each may be taken once."""
        ready = [child for child in self._children if child.is_ready()]
        for blob in blobs if ready else ():
            question = (mirror, blob)
            if question not in self._asked and len(self._asked) < _ASKED_MAX:
                self._turn += 1
                self._asked[question] = ready[self._turn % len(ready)]
                self._asked[question].ask(question)

    def take(self, mirror: Path, blob: str) -> GroupedSegment | None:
        """The sums of a segment that was asked for; None where it has to be read here."""
        child = self._asked.pop((mirror, blob), None)
        return None if child is None else child.take((mirror, blob))

    def forget(self, mirror: Path, blobs: Iterable[str]) -> None:
        """Drop what was asked for and not taken."""
        for blob in blobs:
            self.take(mirror, blob)

    def stop(self) -> None:
        """End the other processes; they may be needed again."""
        for child in self._children:
            child.stop()
        self._children.clear()
        self._asked.clear()
        self._lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Child:
    """A process that answers in the order in which it is asked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # -P: the folder in which the program was started is no place for modules
            [sys.executable, "-P", "-m", "aggregator.ledger.reading.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with suppress(OSError):  # not allowed: they pause while a batch is written
            fcntl.fcntl(_pipe(self._process.stdout), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._is_ready = False
        self._waiting: deque[_Question] = deque()
        self._early: dict[_Question, GroupedSegment | None] = {}

    def is_ready(self) -> bool:
        """Whether it has started, or died; starting takes as long as reading 100,000 lines."""
        if not self._is_ready:
            pipe = _pipe(self._process.stdout)
            self._is_ready = bool(select.select([pipe], [], [], 0)[0])
            if self._is_ready:
                pipe.read(LENGTH.size)
        return self._is_ready

    def ask(self, question: _Question) -> None:
        mirror, blob = question
        self._waiting.append(question)
        with suppress(OSError):  # it has died: every answer is missing
            pipe = _pipe(self._process.stdin)
            pipe.write(b"%b %b\n" % (blob.encode(), os.fsencode(mirror)))
            pipe.flush()

    def take(self, question: _Question) -> GroupedSegment | None:
        while question not in self._early:
            self._early[self._waiting.popleft()] = self._read()
        return self._early.pop(question)

    def _read(self) -> GroupedSegment | None:
        pipe = _pipe(self._process.stdout)
        length = pipe.read(LENGTH.size)
        if len(length) < LENGTH.size:
            return None
        data = pipe.read(LENGTH.unpack(length)[0])
        try:
            return _DECODER.decode(data) if data else None
        except msgspec.MsgspecError:
            return None

    def stop(self) -> None:
        self._process.kill()  # it writes nothing
        with suppress(OSError), self._process:
            pass


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise OSError("not a pipe")
    return stream
