"""Locks that killed git processes left in a mirror: nothing works there until they are removed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_LOCKS: Final = (
    "*.lock",
    "refs/**/*.lock",
    "objects/*.lock",
    "objects/info/**/*.lock",
    "objects/pack/*.lock",
)
_guard: Final = threading.Lock()
_packed_now: Final[set[Path]] = set()


def sweep_locks(mirror: Path) -> bool:
    """Remove the lock files of git processes that were killed, as far as that can be done.

    The caller knows that no git process works in the mirror. A fetch locks refs; a gc also locks
    the commit graph, the index of packs and its own state.

    Returns:
        Whether there were any.
    """
    found = False
    for pattern in _LOCKS:
        with suppress(OSError):  # what cannot be removed is an incident of this repo, at its fetch
            for lock in mirror.glob(pattern):
                lock.unlink(missing_ok=True)
                found = True
    return found


def free_locks(mirror: Path) -> bool:
    """Remove locks that killed git processes left in a mirror, unless it is being packed.

    The caller holds the state's lock, and fetches nothing into the mirror meanwhile.

    Returns:
        Whether there were any.
    """
    with _guard:
        return mirror not in _packed_now and sweep_locks(mirror)


@contextmanager
def being_packed(mirror: Path) -> Iterator[None]:
    """Keep the locks of a mirror for as long as the block runs: a gc holds them."""
    with _guard:
        _packed_now.add(mirror)
    try:
        yield
    finally:
        with _guard:
            _packed_now.discard(mirror)
