"""A push: commit what is in the spool, push, and rely only on what the remote then shows.

Where a process may die, and why nothing is lost or sent twice:

1. before a commit: the records are in the spool.
2. after a commit: its trailer names the records, so the next push does not commit them again.
3. after the push: the next push finds the remote at our commit.
4. after retiring records, before `origin` moves: retiring again finds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.git_remote.branch import RemoteBranch, read_branch
from gitmeter.git_remote.failures import (
    GitTimeoutError,
    PushRefusedError,
    RemoteError,
    TooLargeError,
)
from gitmeter.git_remote.runner import run_git
from gitmeter.roles.role import FACES_STRANGERS, WRITERS
from gitmeter.support.errors import GitmeterError
from gitmeter.support.terminal import counted
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home
from node_pusher.home.locks import push_lock, sweep_stale_locks
from node_pusher.home.new_address import naming_new_address
from node_pusher.home.own_key import ensure_key, own_key
from node_pusher.home.settings_file import reread
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.branch import PROBE_TIMEOUT_S, push_in_parts
from node_pusher.sending.commit import Committed, commit_unsent
from node_pusher.sending.dates import ahead_remark, future_remark
from node_pusher.sending.divide import divide
from node_pusher.sending.failed_push import clear_failed, note_failed
from node_pusher.sending.moved_mark import mark_previous_repos
from node_pusher.spool.clock import usable
from node_pusher.spool.plan import Ahead, Span
from node_pusher.spool.store import Store
from wire_format.instants import to_us
from wire_format.paths import SegmentPath

_GC_TIMEOUT_S: Final = 600


@dataclass(frozen=True)
class PushReport:
    """What a push did.

    Attributes:
        committed: commits that it made.
        pushed: commits that the remote has now and was not known to have before.
        retired: records deleted from the spool because the remote has them.
        head: the commit that both sides are at; None if nothing was ever recorded.
        remark: what the person should know although all went well; may be empty.
        ahead: records that stay in the spool because they are ahead of this machine's clock.
    """

    committed: int
    pushed: int
    retired: int
    head: str | None
    remark: str = ""
    ahead: int = 0


def push(home: Home, now: datetime, *, by_hour: bool = False) -> PushReport:
    """Commit what is in the spool, but for records ahead of `now`, and push it to the remote.

    Args:
        home: the home.
        now: the time of the commits.
        by_hour: see `node_pusher.sending.commit.commit_unsent`.

    Raises:
        BusyError: another process commits or pushes.
        UnreachableError: the remote does not answer, or (`PushRefusedError`) did not accept the
            commits; they wait here.
        AccessDeniedError, RepoGoneError: the remote denies access or is missing; the commits wait
            here.
        NonFastForwardError: the remote has other commits; nothing was pushed.
        HomeError, SigningKeyError: there is no key to sign with, or it cannot be used; nothing was
            committed. Or `by_hour` is asked of a till or desk.
        ClockError: `now` cannot be the time; nothing was committed.
        FutureParentError: the home is a till or desk whose newest commit is dated in the future;
            nothing was committed.
    """
    usable(now)
    with push_lock(home.path):
        home = reread(home)
        if by_hour and home.settings.role in FACES_STRANGERS:
            raise HomeError(
                f"{WRITERS[home.settings.role]} dates its commits when they are made",
                hint="history is imported by the books; push without --by-hour",
            )
        with repo_errors(home.repo.path), Store.open(home.spool_file, home.node) as store:
            report = push_locked(store, home, now, by_hour=by_hour)
            if not home.settings.earlier:
                return report
            remarks = filter(None, [report.remark, mark_previous_repos(home, now)])
            return replace(report, remark="; ".join(remarks))


def push_locked(
    store: Store, home: Home, now: datetime, *, by_hour: bool = False, commits: bool = True
) -> PushReport:
    """As `push`; the caller holds the push lock, and the spool open.

    Args:
        store: the spool.
        home: the home.
        now: the time of the commits.
        by_hour: see `node_pusher.sending.commit.commit_unsent`.
        commits: whether to commit what is in no commit yet, or only to push the commits there are.
    """
    try:
        report = _push(store, home, now, by_hour=by_hour, commits=commits)
    except GitmeterError as error:
        note_failed(home.path, error, now)
        raise
    clear_failed(home.path)
    return report


def _push(store: Store, home: Home, now: datetime, *, by_hour: bool, commits: bool) -> PushReport:
    sweep_stale_locks(home.repo.path)
    repo = LedgerRepo(home.repo)
    remark = _new_key(home) if ensure_key(home.path, home.node) else ""
    made = Committed([], Ahead())
    if commits:
        made = commit_unsent(store, repo, now, by_hour=by_hour)
    remarks = [remark, ahead_remark(made.ahead, now), future_remark(repo, now)]
    pushed = retired = 0
    if repo.tip is not None:
        own = frozenset(made.commits)
        pushed, retired = _Delivery(store, home, repo, now, own, by_hour).deliver()
        if retired:
            store.shrink()
        remarks.append(_maintain(home.repo.path))
    return PushReport(
        committed=len(made.commits),
        pushed=pushed,
        retired=retired,
        head=repo.tip,
        remark="; ".join(filter(None, remarks)),
        ahead=made.ahead.records,
    )


class _Tried(NamedTuple):
    """What a try to push brought.

    Attributes:
        pushed: commits that arrived.
        retired: records deleted from the spool.
        head: the commit that the remote is at; None if it is empty.
        refused: why not everything arrived; None if it did.
    """

    pushed: int
    retired: int
    head: str | None
    refused: RemoteError | None


@dataclass(frozen=True)
class _Delivery:
    """The way of commits to the remote, and of their records out of the spool.

    Attributes:
        store, home, repo: the home, open.
        now: the time of the commits.
        own: the commits that were just made of what is in the spool.
        by_hour: see `node_pusher.sending.commit.commit_unsent`.
    """

    store: Store
    home: Home
    repo: LedgerRepo
    now: datetime
    own: frozenset[str]
    by_hour: bool

    def deliver(self) -> tuple[int, int]:
        """Push, and make commits smaller where one alone is too large for the server.

        Returns:
            how many commits arrived, and how many records were deleted from the spool.
        """
        pushed, retired, base, refused = self._try()
        while isinstance(refused, TooLargeError):
            if not divide(self.store, self.repo, base, self.now, by_hour=self.by_hour):
                break
            more = self._try(size_max=1)
            pushed, retired = pushed + more.pushed, retired + more.retired
            base, refused = more.head, more.refused
        if refused is not None:
            raise _waiting(self.repo, refused) from refused
        return pushed, retired

    def _try(self, size_max: int | None = None) -> _Tried:
        """Push, then read the remote's branch back, which alone decides what arrived."""
        repo, source = self.repo, self.repo.home_repo
        try:
            with naming_new_address(self.home):
                seen = read_branch(source.remote, source.branch, PROBE_TIMEOUT_S)
                refused: RemoteError | None = None
                if waiting := repo.above(seen.commit):
                    commits = [info.commit for info in reversed(waiting)]
                    refused = push_in_parts(source, commits, size_max)
                    seen = read_branch(source.remote, source.branch, PROBE_TIMEOUT_S)
        except RemoteError as error:
            raise _waiting(repo, error) from error
        pushed, retired = self._settle(seen)
        if seen.commit == repo.tip:
            refused = None
        elif refused is None:
            refused = PushRefusedError("the remote did not take the push")
        return _Tried(pushed, retired, seen.commit, refused)

    def _settle(self, seen: RemoteBranch) -> tuple[int, int]:
        """Retire what the remote has, then note it; returns the numbers of commits and records."""
        if seen.commit is None:
            return 0, 0
        known = {info.commit for info in self.repo.above(seen.commit)}
        arrived = [info for info in self.repo.waiting() if info.commit not in known]
        retired = self._retire(arrived)
        if arrived:
            self.repo.set_pushed(seen.commit)
        if seen.commit == self.repo.tip:
            self.store.note_push(to_us(self.now))
        return len(arrived), retired

    def _retire(self, arrived: Sequence[CommitInfo]) -> int:
        """Retire the records of commits, reading what the spool may not have as it was sent."""
        whole: list[Span] = []
        others: list[tuple[SegmentPath, str]] = []
        for info in arrived:
            added = self.repo.added_by(info.commit)
            # numbers are contiguous in a commit: a segment ends where the next one begins
            last_seq = 0 if info.summary is None else info.summary.last_seq
            ends = [*(path.first_seq for path, _ in added[1:]), last_seq + 1]
            for (path, blob), end in zip(added, ends, strict=False):
                span = Span(path.first_seq, end - 1)
                if info.commit in self.own or self.store.has(span, blob):
                    whole.append(span)
                else:
                    others.append((path, blob))
        retired = self.store.retire_spans(whole)
        return retired + sum(self.store.retire(self.repo.segment(*each)) for each in others)


def _waiting(repo: LedgerRepo, cause: RemoteError) -> GitmeterError:
    """The error of a push after which commits wait here; of the type of its cause."""
    count = len(repo.waiting())
    wait = "waits" if count == 1 else "wait"
    kept = f"nothing is lost: {counted(count, 'commit')} {wait} here for the next push"
    return type(cause)(f"{cause}; {kept}", hint=cause.hint)


def _new_key(home: Home) -> str:
    return (
        "this home signs its commits from now on; the operator has to add this line to the allowed"
        f" signers of {home.node}: {own_key(home.path, home.node).line}"
    )


def _maintain(repo: Path) -> str:
    """Have git pack loose objects when there are many; returns why it could not."""
    try:
        result = run_git(["gc", "--auto", "--quiet"], cwd=repo, timeout_s=_GC_TIMEOUT_S)
    except GitTimeoutError as error:
        return f"packing the repo took too long: {error}"
    return f"git could not pack the repo: {result.stderr.strip()}" if result.returncode else ""
