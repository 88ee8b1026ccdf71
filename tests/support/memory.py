"""Where tests keep their files: in memory, where syncing and deleting cost next to nothing."""

import os
from pathlib import Path
from typing import Final

_SHM: Final = Path("/dev/shm")  # noqa: S108 - private folders are made in it
_FREE_BYTES_MIN: Final = 2 << 30
"""Containers have 64 MB there unless told otherwise; a run of the suite needs less than 1 GB."""


def _memory() -> Path | None:
    if not os.access(_SHM, os.W_OK | os.X_OK):
        return None
    found = os.statvfs(_SHM)
    may_run_hooks = not found.f_flag & os.ST_NOEXEC
    is_large = found.f_bavail * found.f_frsize >= _FREE_BYTES_MIN
    return _SHM if may_run_hooks and is_large else None


MEMORY: Final = _memory()
"""A folder in memory for many short-lived files; None where there is none fit for it."""
