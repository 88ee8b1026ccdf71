"""Reading the output of a child process, bounded in time and memory.

A server controls how much git prints: each of its `remote:` lines, and each ref that it names.
"""

import os
import selectors
import subprocess
import time
from typing import Final

STDOUT_BYTES_MAX: Final = 64 * 1024 * 1024
"""More than any command here needs: a ref takes 60 bytes, a segment at most 8 MiB."""

STDERR_BYTES_KEPT: Final = 64 * 1024
_CHUNK_BYTES: Final = 64 * 1024


class TooMuchOutputError(Exception):
    """The child wrote more to its standard output than is accepted."""


class _Kept:
    """The last bytes of a stream."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._parts = bytearray()
        self.is_cut = False

    def take(self, chunk: bytes) -> None:
        self._parts += chunk
        if len(self._parts) > self._bytes_max:
            self.is_cut = True
            del self._parts[: -self._bytes_max]

    def __bytes__(self) -> bytes:
        return bytes(self._parts)


def exchange(process: subprocess.Popen[bytes], timeout_s: float) -> tuple[bytes, bytes]:
    """Read all output of a child, and wait until it exits.

    Returns:
        Its standard output, and the last bytes of its standard error.

    Raises:
        subprocess.TimeoutExpired: the time is up; the child is left running.
        TooMuchOutputError: it wrote more than `STDOUT_BYTES_MAX`; it is left running.
    """
    ends_at_s = time.monotonic() + timeout_s
    stdout, stderr = _Kept(STDOUT_BYTES_MAX), _Kept(STDERR_BYTES_KEPT)
    with selectors.DefaultSelector() as streams:
        for stream, kept in ((process.stdout, stdout), (process.stderr, stderr)):
            if stream is not None:
                streams.register(stream, selectors.EVENT_READ, kept)
        while streams.get_map():
            left_s = ends_at_s - time.monotonic()
            if left_s <= 0:
                raise subprocess.TimeoutExpired(process.args, timeout_s)
            for key, _ in streams.select(left_s):
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    streams.unregister(key.fileobj)
                key.data.take(chunk)
            if stdout.is_cut:
                raise TooMuchOutputError
    process.wait(max(0, ends_at_s - time.monotonic()))
    return bytes(stdout), bytes(stderr)
