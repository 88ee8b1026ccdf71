"""Repos whose whole histories are applied again, side by side.

What several nodes say of the same hours then comes together, and a charge that they share is rated
and written once: see `aggregator.ledger.charges.gathering`.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from aggregator.config.known_repo import KnownRepo
from aggregator.ledger.ingest import Ingest, Stretch
from aggregator.mirrors.ancestry import reached
from aggregator.mirrors.mirror import Mirror
from aggregator.store.store import LedgerStore
from cursors.tips import Tips
from gitmeter.support.bulk import Progress

_TOGETHER_MAX: Final = 16
"""Repos that are read side by side: each has its mirror open, and 2 MB of memory."""

_COMMITS_MAX: Final = 250_000
"""Commits of repos that are read side by side, unless one alone has more: 25 MB."""

_IN_TURN: Final = 48
"""Commits of one repo before it is another's turn: two days of an hourly pusher."""


class Replay:
    """Applies every commit that the tips of a repo reach, once, judging none of them again.

    Attributes:
        commits: all of them, oldest first.
        is_alone: whether it comes before other repos: what it says changes what they cost.
    """

    def __init__(
        self, ingest: Ingest, mirror: Mirror, repo: KnownRepo, tips: Tips, on_progress: Progress
    ) -> None:
        self._ingest = ingest
        self._mirror = mirror
        self._repo = repo
        self._tips = tips
        self._on_progress = on_progress
        self.commits = reached(mirror, (*sorted(tips.kept), tips.cursor))
        self._replaced = frozenset(self.commits).difference(mirror.chain(tips.cursor))
        self.is_alone = repo.role != "usage"
        self._done = 0

    def next_at_s(self) -> int | None:
        """The date of the next commit, seconds since 1970; None after the last one."""
        if self._done == len(self.commits):
            return None
        return self._mirror.commit(self.commits[self._done]).commit_time

    def run(self, commits_max: int) -> None:
        """Apply some commits."""
        commits = self.commits[self._done : self._done + commits_max]
        stretch = Stretch(commits, accepted=len(commits), replaced=self._replaced, is_billed=True)
        self._ingest.run(stretch, self._note_commit)

    def _note_commit(self) -> None:
        self._done += 1
        self._on_progress(self._repo.name, self._done, len(self.commits))

    def finish(self, store: LedgerStore) -> None:
        """Put the cursor where it was."""
        with store.transaction():
            store.cursors.move(
                self._repo.name, store.cursors.of_repo(self._repo.name), self._tips.cursor
            )
            store.cursors.keep(self._repo.name, self._tips.kept)


def groups(replays: Iterable[Replay]) -> Iterator[list[Replay]]:
    """Those that are run together: few enough for their mirrors and commits to be in memory."""
    group: list[Replay] = []
    commits = 0
    for replay in replays:
        commits += len(replay.commits)
        is_full = len(group) == _TOGETHER_MAX or commits > _COMMITS_MAX
        if group and (is_full or replay.is_alone or group[-1].is_alone):
            yield group
            group, commits = [], len(replay.commits)
        group.append(replay)
    if group:
        yield group


def run_by_date(group: Sequence[Replay]) -> None:
    """Run the repos of a group side by side, so that what they say of an hour comes together."""
    waiting = [(at_s, i) for i, each in enumerate(group) if (at_s := each.next_at_s()) is not None]
    heapify(waiting)
    while waiting:
        _, i = heappop(waiting)
        group[i].run(_IN_TURN if len(group) > 1 else len(group[i].commits))
        if (at_s := group[i].next_at_s()) is not None:
            heappush(waiting, (at_s, i))
