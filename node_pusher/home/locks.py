"""One process at a time commits and pushes; locks that a dead one left behind are removed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from gitmeter.support.files import why_not_written
from gitmeter.support.locks import LockedError, locked
from gitmeter.support.owner import check_owner
from node_pusher.home.errors import BusyError, HomeError
from node_pusher.home.layout import OWNER_HINT, lock_file

LOCK_WAIT_S: Final = 60
"""How long to wait for a push lock before work that no timer begins again."""


@contextmanager
def push_lock(home: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold a home's push lock.

    Args:
        home: the home's folder.
        wait_s: how long to wait for another holder.

    Raises:
        BusyError: another process holds it.
        HomeError: the lock cannot be opened.
        WrongUserError: this is root, and the home is another user's.
    """
    check_owner(home)
    with ExitStack() as held:
        try:
            held.enter_context(locked(lock_file(home), wait_s=wait_s))
        except LockedError:
            raise BusyError(
                f"another process is committing or pushing from {home}",
                hint="nothing is lost: it sends what is there, or the next one does",
            ) from None
        except OSError as error:
            says, do = why_not_written(home)
            hint = OWNER_HINT if isinstance(error, PermissionError) else do
            raise HomeError(says or f"{lock_file(home)}: {error.strerror}", hint=hint) from error
        yield


def sweep_stale_locks(repo: Path) -> list[Path]:
    """Remove git's own lock files; the caller holds the push lock, so their makers are dead.

    A process killed inside a commit leaves `refs/heads/main.lock`, and every later commit fails.
    """
    names = ("HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock")
    stale = [repo / name for name in names if (repo / name).exists()]
    stale += (repo / "refs").rglob("*.lock")
    for file in stale:
        file.unlink(missing_ok=True)
    return stale
