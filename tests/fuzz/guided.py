"""One target under atheris in a process of its own: `python -m tests.fuzz.guided TARGET COUNTS`.

libFuzzer ends the process by itself, so that the counts go into a file that is mapped into memory:
three numbers of eight bytes, how many inputs were tried, how many of these were accepted, and how
many lines they had. What follows on the command line is libFuzzer's.
"""

import mmap
import struct
import sys
from pathlib import Path
from typing import Final

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # may be missing

with atheris.instrument_imports(
    include=["wire_format", "aggregator", "gitmeter", "node_pusher", "tomllib"]
):
    import wire_format.wording  # noqa: F401 - product code imports it late, when nothing is instrumented
    from tests.fuzz.targets import TARGETS

COUNTS: Final = struct.Struct("<QQQ")
_MUTATED_SHARE: Final = 2
"""One in so many changes is the target's own."""


def main() -> None:
    """Try inputs until libFuzzer has enough of it."""
    target = TARGETS[sys.argv[1]]
    with Path(sys.argv[2]).open("r+b") as file:
        counts = mmap.mmap(file.fileno(), COUNTS.size)
    tried = accepted = lines = 0

    def check(data: bytes) -> None:
        nonlocal tried, accepted, lines
        tried += 1
        lines += data.count(b"\n")
        accepted += target.check(data)
        COUNTS.pack_into(counts, 0, tried, accepted, lines)

    def mutate(data: bytes, size_max: int, seed: int) -> bytes:
        changed = None
        if target.mutate is not None and seed % _MUTATED_SHARE == 0:
            changed = target.mutate(data, size_max, seed)
        return atheris.Mutate(data, size_max) if changed is None else changed

    atheris.Setup([sys.argv[0], *sys.argv[3:]], check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
