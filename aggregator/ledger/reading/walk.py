"""The commits of a stretch, each compared with its parent; in a long one, some of them ahead."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, Self

from aggregator.admission.grouped import GroupedSegment
from aggregator.ledger.reading.ahead import ReadAhead, cores
from aggregator.mirrors.commit_delta import CommitDelta, Limits, commit_delta
from aggregator.mirrors.mirror import Mirror, MirrorError
from wire_format.lines import Folder

AHEAD_FROM_LINES: Final = 20_000
"""Lines that are read here before others help: starting them costs as much."""

_LEFT_MIN: Final = 32
"""Commits that are left, at least, for others to help."""

_WINDOW: Final = 32
"""Commits that are compared ahead, so that others have something to read."""

_PREFIX: Final = f"{Folder.USAGE}/"


class Walk:
    """Walks commits, oldest first; use it in a `with` block.

    Args:
        mirror: has the commits.
        commits: with the limits of each.
    """

    def __init__(self, mirror: Mirror, commits: Sequence[tuple[str, Limits]]) -> None:
        self._mirror = mirror
        self._commits = commits
        self._compared = 0
        self._deltas: deque[CommitDelta | MirrorError] = deque()
        self._ahead: ReadAhead | None = None

    def __iter__(self) -> Iterator[CommitDelta]:
        """Yield what each commit changes.

        Raises:
            MirrorError: when it is the turn of a commit that cannot be read.
        """
        while self._deltas or self._compared < len(self._commits):
            self._look_ahead()
            delta = self._deltas.popleft()
            if isinstance(delta, MirrorError):
                raise delta
            yield delta
            if self._ahead is not None:
                self._ahead.forget(_blobs(delta))

    def note_lines(self, lines: int) -> None:
        """Let others help once this many lines were read here, if enough commits are left."""
        left = len(self._commits) - self._compared
        if self._ahead is None and lines >= AHEAD_FROM_LINES and left >= _LEFT_MIN and cores() > 1:
            self._ahead = ReadAhead(self._mirror.path)

    def take(self, blob: str) -> GroupedSegment | None:
        """The sums of a segment, if it was read ahead and they are enough."""
        return None if self._ahead is None else self._ahead.take(blob)

    def _look_ahead(self) -> None:
        wanted = 1 if self._ahead is None else _WINDOW
        while len(self._deltas) < wanted and self._compared < len(self._commits):
            commit, limits = self._commits[self._compared]
            try:
                delta = commit_delta(self._mirror, commit, limits)
            except MirrorError as error:
                self._deltas.append(error)
                self._compared = len(self._commits)
                return
            self._compared += 1
            self._deltas.append(delta)
            if self._ahead is not None:
                self._ahead.ask(_blobs(delta))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead.stop()


def _blobs(delta: CommitDelta) -> list[str]:
    """The segments of usage that a commit adds."""
    return [file.blob for file in delta.added if file.path.startswith(_PREFIX) and file.is_regular]
