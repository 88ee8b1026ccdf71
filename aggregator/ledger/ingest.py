"""One repo, from its cursor towards its head. Read this module first.

    git commits -> walk -> segments -> admission -> batch -> ledger (one transaction)

The crash guarantee: a batch is collected in memory from whole commits, and `Ledger.apply` writes
its charges, balances, index entries and the moved cursor in one transaction. A process that dies
anywhere leaves the cursor at the last commit whose records are in the database; the next pass reads
on from there and ends in the same ledger, because admission depends on the set of lines alone.

What stops a repo (an edited history, a commit from the future) is returned, not raised: the commits
before it are applied, the cursor stays there, and all other repos are read on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger.applied import Applied, Move, Stop
from aggregator.ledger.known_lines import LINES_READ_AGAIN_MAX, TangledError
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.pending import Pending
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.reading.walk import Walk
from aggregator.ledger.rule_files import rules_below
from aggregator.ledger.segments import SegmentReader, StoppedError, UnreadableSegmentError
from aggregator.mirrors.commit_delta import (
    ACCEPTED,
    BILLED,
    OF_A_PUSHER,
    CommitDelta,
    Limits,
    commit_delta,
)
from aggregator.mirrors.mirror import Mirror
from aggregator.store.repo_rows import RepoRow
from gitmeter.roles.role import FACES_STRANGERS
from gitmeter.support.bulk import without_cycle_collection

BATCH_WEIGHT: Final = 50_000
"""Rows after which a batch is written: bounds memory, and how long the write lock is held."""

_PATHS_SHOWN_MAX: Final = 3
_FOR_ITS_DATE: Final = {IncidentKind.COMMIT_AHEAD}
_DATED_AHEAD_MAX: Final = 1000
"""Most commits that are looked at again in each pass to find the last one that is dated ahead."""
_LINES_AGAIN_ACCEPTED: Final = 10
"""How many times as many earlier lines may be read again for an accepted commit."""
_TANGLED: Final = "has lines that overlap too many earlier ones"


@dataclass(frozen=True)
class Rules:
    """What applying commits depends on besides the commits.

    Attributes:
        reader: reads segments again, each under the rules of its repo.
        latest_commit: commits dated later are not read yet; None reads all of them.
        now: the time (UTC) at which incidents that the records show are opened.
        ahead: reads segments ahead in other processes; who made it stops it.
    """

    reader: SegmentReader
    latest_commit: datetime | None
    now: datetime
    ahead: ReadAhead


@dataclass(frozen=True)
class Stretch:
    """The commits to apply.

    Attributes:
        commits: oldest first, each compared with its first parent.
        accepted: how many of them, from the first, the operator has accepted whatever they do: an
            edited segment is then read like an added one, and the limits of size are far wider.
        kept: tips that the commits do not build on and whose records stay billed.
        replaced: those of the commits that the cursor will not build on; their rule books do not
            come into force.
        is_billed: whether all of them were billed before, so that nothing stops them.
    """

    commits: Sequence[str]
    accepted: int = 0
    kept: tuple[str, ...] = ()
    replaced: frozenset[str] = frozenset()
    is_billed: bool = False

    def limits(self, number: int) -> Limits:
        """The limits of the commit of this number, from 0."""
        if self.is_billed:
            return BILLED
        return ACCEPTED if number < self.accepted else OF_A_PUSHER

    def lines_again_max(self, number: int) -> int | None:
        """How many earlier lines may be read again for it; None for any number."""
        if self.is_billed:
            return None
        wider = _LINES_AGAIN_ACCEPTED if number < self.accepted else 1
        return wider * LINES_READ_AGAIN_MAX


class Ingest:
    """Applies commits of one repo to a ledger.

    Args:
        ledger: where the commits are applied.
        repo: the repo of the commits.
        mirror: the mirror to read them from.
        rules: what applying depends on besides the commits.

    Attributes:
        applied: what was applied so far; also what was written before an error.
    """

    def __init__(self, ledger: Ledger, repo: RepoRow, mirror: Mirror, rules: Rules) -> None:
        self._ledger = ledger
        self._repo = repo
        self._mirror = mirror
        self._rules = rules
        self._walk = self._walk_of(Stretch(()))
        self.applied = Applied()
        self._written = 0

    def run(
        self,
        stretch: Stretch,
        on_commit: Callable[[], object] = lambda: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Applied:
        """Apply commits.

        Args:
            stretch: the commits.
            on_commit: called after each.
            interrupted: called after each; returns whether to leave the rest for another pass.

        Raises:
            CursorMovedError: another aggregator writes to this database.
            MirrorError: an object is missing from the mirror.
        """
        self._walk = self._walk_of(stretch)
        with without_cycle_collection():
            try:
                self._run(stretch, on_commit, interrupted)
            except StoppedError:
                pass
            finally:
                self._walk.forget()
                self.applied.commits = self._written
        return self.applied

    def _run(
        self, stretch: Stretch, on_commit: Callable[[], object], interrupted: Callable[[], bool]
    ) -> None:
        # begins with what the database has: another repo of this node may have been read meanwhile
        pending = self._begin()
        if stretch.kept and stretch.commits and self._repo.role == "books":
            pending.batch.rule_files = rules_below(self._mirror, stretch.commits[0])
        for number, delta in enumerate(self._walk):
            is_accepted = number < stretch.accepted
            self.applied.stop = self._reason_to_stop(delta, is_accepted=is_accepted)
            if self.applied.stop is not None:
                self.applied.stop = self._whole_stop(stretch.commits[number + 1 :])
                break
            try:
                self._read(pending, delta, stretch, stretch.lines_again_max(number))
            except TangledError:
                self._ledger.tangled[self._repo.name] = (delta.commit, is_accepted)
                self.applied.stop = Stop(IncidentKind.OVERSIZED_COMMIT, delta.commit, _TANGLED)
                pending = self._read_again(pending, stretch)
                break
            self.applied.commits += 1
            on_commit()
            if interrupted():
                break
            if pending.weight >= BATCH_WEIGHT:
                self._write(pending, stretch)
                pending = self._begin()
        self._write(pending, stretch)

    def _walk_of(self, stretch: Stretch) -> Walk:
        return Walk(self._mirror, stretch.commits, stretch.limits, self._rules.ahead)

    def _begin(self) -> Pending:
        return Pending(self._ledger, self._repo, self._mirror, self._rules.reader, self._walk)

    def _read(
        self, pending: Pending, delta: CommitDelta, stretch: Stretch, lines_again_max: int | None
    ) -> None:
        pending.read(
            delta,
            lines_again_max=lines_again_max,
            rules_hold=self._repo.role == "books" and delta.commit not in stretch.replaced,
        )

    def _read_again(self, pending: Pending, stretch: Stretch) -> Pending:
        """Read the whole commits of a batch again, without the half of the one that failed."""
        again = self._begin()
        for delta in pending.commits:
            self._read(again, delta, stretch, None)  # each fitted the limit before
        return again

    def _write(self, pending: Pending, stretch: Stretch) -> None:
        if not pending.commits:
            return
        try:
            changes = pending.changes()
        except UnreadableSegmentError as error:
            pending = self._read_again(pending, stretch)
            changes = pending.changes(own_waits=error)
        expected = self._ledger.store.cursors.of_repo(self._repo.name)
        move = Move(self._repo, expected, pending.commits[-1].commit, stretch.kept)
        noticed = self._ledger.apply(move, changes, self._rules.now)
        self.applied.add(pending.batch, noticed)
        self._written = self.applied.commits

    @staticmethod
    def _dated_back(delta: CommitDelta) -> str | None:
        """Why a commit of a till or desk may be dated before one below it; None if it is not.

        All commits below were judged in the same way, so the first parent is the latest of them.
        """
        if delta.is_merge:
            return "is a merge, of which one side may be dated after it"
        if delta.parent is None or delta.parent[1] <= delta.committed_at:
            return None
        dated = f"{delta.committed_at:%Y-%m-%dT%H:%M:%SZ}"
        return f"is dated {dated}, before its parent {delta.parent[0]}"

    def _whole_stop(self, above: Sequence[str]) -> Stop | None:
        """The stop, about the last commit of a run that is held for its date alone.

        The operator accepts a history up to a commit: naming the last one frees the repo at once.
        """
        stop = self.applied.stop
        for commit in above[:_DATED_AHEAD_MAX]:
            if stop is None or stop.kind not in _FOR_ITS_DATE:
                break
            following = self._reason_to_stop(commit_delta(self._mirror, commit), is_accepted=False)
            if following is None or following.kind not in _FOR_ITS_DATE:
                break
            stop = following
        return stop

    def _reason_to_stop(self, delta: CommitDelta, *, is_accepted: bool) -> Stop | None:
        if self._ledger.tangled.get(self._repo.name) == (delta.commit, is_accepted):
            return Stop(IncidentKind.OVERSIZED_COMMIT, delta.commit, _TANGLED)
        if is_accepted:
            oversized = Stop(IncidentKind.OVERSIZED_COMMIT, delta.commit, delta.oversized)
            return oversized if delta.oversized else None
        if delta.edited:
            paths = ", ".join(file.path for file in delta.edited[:_PATHS_SHOWN_MAX])
            if len(delta.edited) > _PATHS_SHOWN_MAX:
                paths += f" and {len(delta.edited) - _PATHS_SHOWN_MAX} more"
            return Stop(
                IncidentKind.EDITED_HISTORY,
                delta.commit,
                f"changes or deletes billed files: {paths}",
            )
        if delta.oversized:
            return Stop(IncidentKind.OVERSIZED_COMMIT, delta.commit, delta.oversized)
        if self._repo.role in FACES_STRANGERS and (words := self._dated_back(delta)) is not None:
            return Stop(IncidentKind.COMMIT_DATED_BACK, delta.commit, words)
        latest = self._rules.latest_commit
        if latest is not None and delta.committed_at > latest:
            return Stop(
                IncidentKind.COMMIT_AHEAD,
                delta.commit,
                f"is dated {delta.committed_at:%Y-%m-%dT%H:%M:%SZ}, ahead of our clock",
            )
        return None
