"""The program `python -m aggregator.ledger.reading.child MIRROR`: read segments and add them up.

On standard input it takes the id of a blob a line; for each, in order, it writes the length of an
answer (4 bytes, little-endian) and the answer: a `GroupedSegment` as MessagePack, or nothing for a
segment that has to be read line by line. It ends with its input.
"""

import signal
import struct
import sys
from pathlib import Path
from typing import Final

import msgspec

from aggregator.admission.grouped import grouped
from aggregator.ledger.reading.segment import read_usage
from aggregator.mirrors.mirror import Mirror, MirrorError
from gitmeter.support.bulk import without_cycle_collection
from wire_format.segment import Segment

LENGTH: Final = struct.Struct("<I")
"""Of an answer, in bytes."""


def answer(mirror: Mirror, blob: str) -> bytes:
    """What is written for a blob, without its length."""
    try:
        segment = read_usage(mirror, blob)
        found = grouped(segment) if isinstance(segment, Segment) else None
        return b"" if found is None else msgspec.msgpack.encode(found)
    except (MirrorError, OverflowError):
        return b""  # who asked reads it again, and sees the fault; no sum has more than 64 bits


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, for the process that asks
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    path = Path(sys.argv[1])
    repo = Mirror.known_repo(path)
    if repo is None:
        return
    mirror = Mirror(path, repo)
    with without_cycle_collection():
        for line in sys.stdin.buffer:
            written = answer(mirror, line.decode().strip())
            sys.stdout.buffer.write(LENGTH.pack(len(written)) + written)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
