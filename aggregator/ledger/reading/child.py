"""The program `python -m aggregator.ledger.reading.child`: read segments and add them up.

It begins with an empty answer. On standard input it then takes a line for each segment: the id of
its blob, a space, and the path of its mirror. For each, in order, it writes the length of an answer
(4 bytes, little-endian) and the answer: a `GroupedSegment` as MessagePack, or nothing for a segment
that has to be read line by line. It ends with its input.
"""

import os
import signal
import struct
import sys
from functools import lru_cache
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Final

import msgspec

from aggregator.admission.grouped import grouped
from aggregator.ledger.reading.segment import read_usage
from aggregator.mirrors.mirror import Mirror, MirrorError
from gitmeter.support.bulk import without_cycle_collection
from wire_format.segment import Segment

LENGTH: Final = struct.Struct("<I")
"""Of an answer, in bytes."""

_MIRRORS_OPEN: Final = 2

_ANSWERS_MAX: Final = 16
"""That wait for room in the pipe: 1 MB of common segments, 60 MB of the largest ones."""


@lru_cache(_MIRRORS_OPEN)
def _opened(path: Path) -> Mirror:
    repo = Mirror.known_repo(path)
    if repo is None:
        raise MirrorError(f"{path} is no mirror")
    return Mirror(path, repo)


def _answer(question: bytes) -> bytes:
    """What is written for a line, without its length."""
    blob, path = question.split(b" ", 1)
    try:
        segment = read_usage(_opened(Path(os.fsdecode(path))), blob.decode())
        found = grouped(segment) if isinstance(segment, Segment) else None
        return b"" if found is None else msgspec.msgpack.encode(found)
    except MirrorError:
        return b""  # who asked reads it again, and sees the fault


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, for the process that asks
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    answers: Queue[bytes | None] = Queue(_ANSWERS_MAX)
    answers.put(b"")  # it has started
    Thread(target=_make, args=(answers,), daemon=True).start()
    while (written := answers.get()) is not None:
        sys.stdout.buffer.write(LENGTH.pack(len(written)) + written)
        sys.stdout.buffer.flush()


def _make(answers: Queue[bytes | None]) -> None:
    """Make answers, also while the pipe is full; whatever ends it ends the process."""
    try:
        with without_cycle_collection():
            for line in sys.stdin.buffer:
                answers.put(_answer(line.rstrip(b"\n")))
    finally:
        answers.put(None)


if __name__ == "__main__":
    main()
