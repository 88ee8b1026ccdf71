"""Packing mirrors: every fetch leaves one more pack, and nothing else merges them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from aggregator.mirrors.leftovers import being_packed, sweep_partial_packs
from gitmeter.git_remote.branch import PACKING_SETTINGS
from gitmeter.git_remote.failures import RemoteError
from gitmeter.git_remote.runner import config_environment, run_git
from gitmeter.support.background import Background
from gitmeter.support.errors import GitmeterError, with_hint

PACKS_MAX: Final = 20
MEMORY_BYTES_MAX: Final = 1 << 30
_TIMEOUT_S: Final = 600
_log = structlog.get_logger()


def pack_count(mirror: Path) -> int:
    """How many packs a mirror has."""
    return sum(1 for _ in (mirror / "objects" / "pack").glob("*.pack"))


def maintain(mirror: Path, memory_bytes_max: int = MEMORY_BYTES_MAX) -> bool:
    """Pack a mirror that has many packs; what `refs/aggregator/` refers to is always kept.

    Args:
        mirror: the mirror.
        memory_bytes_max: address space of each of git's processes.

    Returns:
        Whether git found something to do and did it.

    Raises:
        RemoteError: git failed.
    """
    before = pack_count(mirror)
    settings = {
        "gc.autoDetach": "false",
        "gc.autoPackLimit": str(PACKS_MAX),
        "gc.bigPackThreshold": "0",
        **PACKING_SETTINGS,
    }
    with being_packed(mirror):
        result = run_git(
            ["gc", "--auto", "--quiet"],
            cwd=mirror,
            timeout_s=_TIMEOUT_S,
            environment=config_environment(settings),
            memory_bytes_max=memory_bytes_max,
        )
    if result.returncode != 0:
        sweep_partial_packs(mirror)
        raise RemoteError(f"git gc failed in {mirror}: {result.stderr.strip()}")
    return pack_count(mirror) < before


class Packing:
    """Packs mirrors in a thread beside the loop, those with the most packs first.

    Args:
        mirrors: the folder of all mirrors.
        interrupted: returns whether to stop before the next one.
        memory_bytes_max: address space of each git process.
    """

    def __init__(
        self,
        mirrors: Path,
        interrupted: Callable[[], bool],
        memory_bytes_max: int = MEMORY_BYTES_MAX,
    ) -> None:
        self._memory_bytes_max = memory_bytes_max
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
                if maintain(mirror, self._memory_bytes_max):
                    _log.info("packed", mirror=mirror.name, packs=counts[mirror])
            except (GitmeterError, OSError) as error:
                _log.warning("maintenance failed", mirror=mirror.name, detail=with_hint(error))
