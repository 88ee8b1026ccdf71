"""An answer of any length, which is read to its end before any of it is printed.

Whatever it is read from is free again by then, however long a pager waits for its reader: an open
read transaction would keep SQLite from reusing its log, which would grow with everything that the
daemon writes meanwhile. An error on the way leaves no half of an answer behind.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, Final, TypeVar

T = TypeVar("T")

_IN_MEMORY_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 16
_CHUNK_ROWS: Final = 512


class Printout:
    """What rows have become, in memory, and in a nameless temporary file once it is large.

    Attributes:
        count: how many rows it has.
    """

    def __init__(self) -> None:
        from tempfile import SpooledTemporaryFile
        from weakref import finalize

        self.count = 0
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed below
        finalize(self, self._file.close)  # also where a row cannot be read

    def print(self) -> None:
        """Write it to standard output."""
        self.write_to(sys.stdout.buffer)
        sys.stdout.buffer.flush()

    def write_to(self, stream: BinaryIO) -> None:
        """Write it to a stream."""
        stream.writelines(self._kept())

    def _keep(self, text: bytes) -> None:
        with folder_named():
            self._file.write(text)

    def _kept(self) -> Iterator[bytes]:
        """What was kept, in large pieces of whole lines."""
        with folder_named():
            self._file.seek(0)  # which also writes what is still buffered
        while text := self._file.read(_BLOCK_BYTES):
            yield text + self._file.readline()


def chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """`rows` in lists of some hundred, so that the work for a row is done for many at once."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK_ROWS)):
        yield chunk


@contextmanager
def folder_named() -> Iterator[None]:
    """Let an error say which disk is full, as the file has no name that it could state."""
    try:
        yield
    except OSError as error:
        from tempfile import gettempdir

        error.filename = gettempdir()
        raise
