"""The commits of a stretch, each compared with its parent; in a long one, some of them ahead."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from aggregator.admission.grouped import GroupedSegment
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.mirrors.commit_delta import CommitDelta, Limits, commit_delta
from aggregator.mirrors.mirror import Mirror, MirrorError
from wire_format.lines import Folder

_WINDOW: Final = 128
"""Commits that are compared ahead, so that others have something to read meanwhile."""

_FILES: Final = 500
"""That these may add, but for those of the last one: more would not be asked for."""

_PREFIX: Final = f"{Folder.USAGE}/"


class Walk:
    """Walks commits, oldest first.

    Args:
        mirror: has the commits.
        commits: the commits.
        limits: returns those of the commit of a number, from 0.
        ahead: reads segments ahead once it helps.
    """

    def __init__(
        self,
        mirror: Mirror,
        commits: Sequence[str],
        limits: Callable[[int], Limits],
        ahead: ReadAhead,
    ) -> None:
        self._mirror = mirror
        self._commits = commits
        self._limits = limits
        self._ahead = ahead
        self._compared = 0
        self._deltas: deque[CommitDelta | MirrorError] = deque()
        self._files = 0

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
            self._files -= len(delta.added)
            yield delta
            self._ahead.forget(self._mirror.path, _blobs(delta))

    def take(self, blob: str) -> GroupedSegment | None:
        """The sums of a segment, if it was read ahead and they are enough."""
        return self._ahead.take(self._mirror.path, blob)

    def note_lines(self, lines: int) -> None:
        """Note the lines of a segment that had to be read here."""
        left = len(self._commits) - self._compared + len(self._deltas)
        self._ahead.note_lines(lines, to_come=lines * left)

    def forget(self) -> None:
        """Drop what was read ahead of where the walk ends."""
        for delta in self._deltas:
            if isinstance(delta, CommitDelta):
                self._ahead.forget(self._mirror.path, _blobs(delta))

    def _look_ahead(self) -> None:
        wanted = _WINDOW if self._ahead.is_helping else 1
        while self._compared < len(self._commits):
            if self._deltas and (len(self._deltas) >= wanted or self._files >= _FILES):
                return
            commit, limits = self._commits[self._compared], self._limits(self._compared)
            try:
                delta = commit_delta(self._mirror, commit, limits)
            except MirrorError as error:
                self._deltas.append(error)
                self._compared = len(self._commits)
                return
            self._compared += 1
            self._files += len(delta.added)
            self._deltas.append(delta)
            self._ahead.ask(self._mirror.path, _blobs(delta))


def _blobs(delta: CommitDelta) -> list[str]:
    """The segments of usage that a commit adds."""
    return [file.blob for file in delta.added if file.path.startswith(_PREFIX) and file.is_regular]
