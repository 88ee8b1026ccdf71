"""Asking for segments before they are needed, so that the other cores read them meanwhile."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from aggregator.admission.grouped import GroupedSegment
from aggregator.ledger.reading.child import LENGTH

CHILDREN_MAX: Final = 2
"""More than two wait for the process that asks."""

_ASKED_MAX: Final = 500
"""Questions that wait fit into the pipe of one process: nobody waits while asking."""

_DECODER: Final = msgspec.msgpack.Decoder(GroupedSegment)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


class ReadAhead:
    """Reads segments of one mirror in other processes, until `stop`.

    What they cannot do, for whatever reason, is left to the process that asks: an answer may
    always be missing.

    Args:
        mirror: the bare repository.
    """

    def __init__(self, mirror: Path) -> None:
        self._children = [_Child(mirror) for _ in range(CHILDREN_MAX)]
        self._asked: dict[str, _Child] = {}
        self._turn = 0

    def ask(self, blobs: Iterable[str]) -> None:
        """Ask for segments, by the ids of their blobs; each may be taken once."""
        for blob in blobs:
            if blob not in self._asked and len(self._asked) < _ASKED_MAX:
                child = self._children[self._turn % len(self._children)]
                self._turn += 1
                self._asked[blob] = child
                child.ask(blob)

    def take(self, blob: str) -> GroupedSegment | None:
        """The sums of a segment that was asked for; None where it has to be read here."""
        child = self._asked.pop(blob, None)
        return None if child is None else child.take(blob)

    def forget(self, blobs: Iterable[str]) -> None:
        """Drop what was asked for and not taken."""
        for blob in blobs:
            self.take(blob)

    def stop(self) -> None:
        """End the other processes."""
        for child in self._children:
            child.stop()


class _Child:
    """A process that answers in the order in which it is asked."""

    def __init__(self, mirror: Path) -> None:
        self._process = subprocess.Popen(
            # -P: the folder in which the program was started is no place for modules
            [sys.executable, "-P", "-m", "aggregator.ledger.reading.child", str(mirror)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._waiting: deque[str] = deque()
        self._early: dict[str, GroupedSegment | None] = {}

    def ask(self, blob: str) -> None:
        self._waiting.append(blob)
        with suppress(OSError):  # it has died: every answer is missing
            pipe = _pipe(self._process.stdin)
            pipe.write(blob.encode() + b"\n")
            pipe.flush()

    def take(self, blob: str) -> GroupedSegment | None:
        while blob not in self._early:
            self._early[self._waiting.popleft()] = self._read()
        return self._early.pop(blob)

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
