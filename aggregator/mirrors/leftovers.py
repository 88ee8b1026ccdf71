"""What killed git programs leave in a mirror: locks, and partial packs as large as a fetch may be.

Nothing works in a mirror until its locks are removed. The caller of both sweeps holds the state's
lock and fetches nothing into the mirror meanwhile; what cannot be removed stays.
"""

import threading
from collections.abc import Iterable, Iterator
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
"""A fetch locks refs; a gc also locks the commit graph, the index of packs and its own state."""

_PARTIAL: Final = (
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/pack/*.keep",
    "objects/tmp_objdir-*",
    "objects/??/tmp_obj_*",
)
"""A fetch keeps its pack with a `.keep` until its refs are written; nobody else makes one here."""

_guard: Final = threading.Lock()
_packed_now: Final[set[Path]] = set()


def sweep_locks(mirror: Path) -> bool:
    """Remove the locks of killed git programs, unless the mirror is being packed.

    Returns:
        Whether there were any.
    """
    return _sweep(mirror, _LOCKS)


def sweep_partial_packs(mirror: Path) -> None:
    """Remove the partial files of killed git programs, unless the mirror is being packed."""
    _sweep(mirror, _PARTIAL)


@contextmanager
def being_packed(mirror: Path) -> Iterator[None]:
    """Sweep nothing in a mirror for as long as the block runs: its locks and files are a gc's."""
    with _guard:
        _packed_now.add(mirror)
    try:
        yield
    finally:
        with _guard:
            _packed_now.discard(mirror)


def _sweep(mirror: Path, patterns: Iterable[str]) -> bool:
    found = False
    with _guard:
        if mirror in _packed_now:
            return False
        for pattern in patterns:
            with suppress(OSError):  # an incident of this repo, at its fetch
                for file in mirror.glob(pattern):
                    file.unlink(missing_ok=True)
                    found = True
    return found
