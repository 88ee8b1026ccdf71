"""Keep mirrors small: every fetch leaves one more pack, and nothing else collects them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from git_remote.failures import RemoteError
from git_remote.runner import run_git

PACKS_MAX: Final = 20
_TIMEOUT_S: Final = 600


def pack_count(mirror: Path) -> int:
    """How many packs a mirror has."""
    return sum(1 for _ in (mirror / "objects" / "pack").glob("*.pack"))


def maintain(mirror: Path) -> bool:
    """Pack a mirror when it has many packs; what `refs/aggregator/` names is always kept.

    Returns:
        Whether git found something to do and did it.

    Raises:
        RemoteError: git failed.
    """
    before = pack_count(mirror)
    result = run_git(
        [
            *("-c", "gc.autoDetach=false", "-c", f"gc.autoPackLimit={PACKS_MAX}"),
            *("-c", "gc.bigPackThreshold=0", "gc", "--auto", "--quiet"),
        ],
        cwd=mirror,
        timeout_s=_TIMEOUT_S,
    )
    if result.returncode != 0:
        raise RemoteError(f"git gc failed in {mirror}: {result.stderr.strip()}")
    return pack_count(mirror) < before


def staggered(mirrors: Path) -> Iterator[Path | None]:
    """One mirror after the other, for ever; None while there is none."""
    while True:
        found: list[Path | None] = [*sorted(mirrors.glob("*.git"))]
        yield from found or [None]
