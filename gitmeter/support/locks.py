"""Locks of whole processes: `flock`, which the kernel releases when its holder dies.

Each is on an open file: closing it, or the death of the process, releases it. The file stays.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.05
_MODE: Final = 0o600


class LockedError(Exception):
    """Another process holds the lock; callers raise an error that says what it works on."""


@contextmanager
def locked(file: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold the lock of a file, which is made where there is none.

    Args:
        file: the lock's file; never followed where it is a link.
        wait_s: how long to wait while another process holds it.

    Raises:
        LockedError: another process holds it.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _MODE)
    try:
        ends_at_s = time.monotonic() + wait_s
        while not try_lock(descriptor):
            if time.monotonic() >= ends_at_s:
                raise LockedError(str(file))
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def open_folder(folder: Path) -> int:
    """A descriptor of a folder, to be locked and closed.

    Raises:
        OSError: it cannot be opened.
    """
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder without waiting; whether that was possible.

    Args:
        descriptor: of the file or folder.
        shared: allow other shared locks at the same time.
    """
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        return True
    return False
