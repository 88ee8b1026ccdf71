"""Lines in order, however many there are."""

from collections.abc import Iterator
from heapq import merge
from typing import BinaryIO, Final

from gitmeter.support.printout import folder_named

_RUN_BYTES: Final = 1 << 23


class SortedLines:
    """Sorts lines by their bytes, line breaks among them: in memory, and many in temporary files.

    Args:
        run_bytes: how much is sorted at once, which is what it needs in memory.
    """

    def __init__(self, run_bytes: int = _RUN_BYTES) -> None:
        self._run_bytes = run_bytes
        self._lines: list[bytes] = []
        self._size_bytes = 0
        self._runs: list[BinaryIO] = []

    def add(self, line: str) -> None:
        """Add a line, which has no line break."""
        data = line.encode() + b"\n"
        self._lines.append(data)
        self._size_bytes += len(data)
        if self._size_bytes >= self._run_bytes:
            self._write_run()

    def __iter__(self) -> Iterator[str]:
        """Yield all lines in order, once; nothing is added any more."""
        self._lines.sort()
        for line in merge(*self._runs, self._lines):
            yield line.decode().removesuffix("\n")

    def _write_run(self) -> None:
        from tempfile import TemporaryFile
        from weakref import finalize

        self._lines.sort()
        with folder_named():
            run = TemporaryFile()  # noqa: SIM115 - closed below
            finalize(self, run.close)
            self._runs.append(run)
            run.writelines(self._lines)
            run.seek(0)
        self._lines, self._size_bytes = [], 0
