"""Packing mirrors: every fetch leaves one more pack, and nothing else merges them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from aggregator.mirrors.locks import being_packed
from gitmeter.git_remote.failures import RemoteError
from gitmeter.git_remote.runner import run_git
from gitmeter.support.background import Background
from gitmeter.support.errors import GitmeterError

PACKS_MAX: Final = 20
_TIMEOUT_S: Final = 600
_log = structlog.get_logger()


def pack_count(mirror: Path) -> int:
    """How many packs a mirror has."""
    return sum(1 for _ in (mirror / "objects" / "pack").glob("*.pack"))


def maintain(mirror: Path) -> bool:
    """Pack a mirror that has many packs; what `refs/aggregator/` refers to is always kept.

    Returns:
        Whether git found something to do and did it.

    Raises:
        RemoteError: git failed.
    """
    before = pack_count(mirror)
    with being_packed(mirror):
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


class Packing:
    """Packs mirrors in a thread beside the loop, those with the most packs first.

    Args:
        mirrors: the folder of all mirrors.
        interrupted: returns whether to stop before the next one.
    """

    def __init__(self, mirrors: Path, interrupted: Callable[[], bool]) -> None:
        self._mirrors = mirrors
        self._interrupted = interrupted
        self._background = Background[None]()

    def start(self) -> None:
        """Start a round, unless the last one is still running."""
        ended = self._background.collect()
        if ended is not None and (bug := ended.exception()) is not None:
            _log.error("packing ended early", exc_info=bug)
        if self._background.is_free:
            self._background.start(self._run)

    def _run(self) -> None:
        counts = {mirror: pack_count(mirror) for mirror in self._mirrors.glob("*.git")}
        for mirror in sorted(counts, key=lambda mirror: -counts[mirror]):
            if self._interrupted() or counts[mirror] <= PACKS_MAX:
                return
            try:
                if maintain(mirror):
                    _log.info("packed", mirror=mirror.name, packs=counts[mirror])
            except (GitmeterError, OSError) as error:
                _log.warning("maintenance failed", mirror=mirror.name, detail=str(error))
