"""One process at a time commits and pushes; what a dead one left locked is freed."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from node_pusher.home.errors import BusyError, HomeError
from node_pusher.home.layout import OWNER_HINT, lock_file

_POLL_S: Final = 0.05


@contextmanager
def push_lock(home: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold a home's push lock; the kernel frees it when the process dies.

    Args:
        home: the home's folder.
        wait_s: how long to wait for another holder.

    Raises:
        BusyError: another process holds it.
        HomeError: the lock cannot be opened.
    """
    try:
        descriptor = os.open(lock_file(home), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        hint = OWNER_HINT if isinstance(error, PermissionError) else ""
        raise HomeError(f"{lock_file(home)}: {error.strerror}", hint=hint) from error
    try:
        _acquire(descriptor, home, time.monotonic() + wait_s)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, home: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"another process is committing or pushing from {home}",
                    hint="nothing is lost: it sends what is there, or the next one does",
                ) from None
            time.sleep(_POLL_S)
        else:
            return


def sweep_stale_locks(repo_dir: Path) -> list[Path]:
    """Remove git's own lock files; the caller holds the push lock, so who made them is dead.

    A process killed inside a commit leaves `refs/heads/main.lock`, and every later commit fails.
    """
    names = ("HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock")
    stale = [repo_dir / name for name in names if (repo_dir / name).exists()]
    stale += (repo_dir / "refs").rglob("*.lock")
    for file in stale:
        file.unlink(missing_ok=True)
    return stale
