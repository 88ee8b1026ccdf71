"""From the spool into commits; the commits themselves say which records they have already."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

from node_pusher.home.home import Home
from node_pusher.home.locks import push_lock, sweep_stale_locks
from node_pusher.home.own_key import ensure_key
from node_pusher.home.settings_file import reread
from node_pusher.sending.repo import CommitInfo, LedgerRepo
from node_pusher.sending.repo_errors import repo_errors
from node_pusher.sending.totals import Totals
from node_pusher.spool.outcomes import SpoolError
from node_pusher.spool.plan import CommitPlan, Span, plan
from node_pusher.spool.store import Store
from wire_format.commit_message import Summary, build_message
from wire_format.instants import hour_start
from wire_format.lines import Folder
from wire_format.paths import SegmentPath
from wire_format.segment import decode_segment

README_PATH: Final = "README.md"
_LOCK_WAIT_S: Final = 60


def commit_unsent(
    store: Store, repo: LedgerRepo, now: datetime, *, by_hour: bool = False
) -> list[str]:
    """Commit every record of the spool that is in no commit yet; the caller holds the lock.

    Args:
        store: the spool.
        repo: where the commits go.
        now: the time of the commits.
        by_hour: one commit per clock hour of the records, dated at its end (but not after `now`):
            for importing history.

    Returns:
        the new commits, oldest first; each is on disk.
    """
    committed = spans_of(repo.waiting())
    plans = plan(store.unsent(committed), by_hour=by_hour)
    return [_commit(store, repo, found, _when(found, now)) for found in plans]


@contextmanager
def locked_repo(home: Home) -> Iterator[LedgerRepo]:
    """The repo of a home with its push lock held: no other process commits in between.

    Raises:
        BusyError: another process committed or pushed for too long.
        HomeError, SigningKeyError: there is no key to sign with, or it cannot be used.
    """
    with push_lock(home.path, wait_s=_LOCK_WAIT_S):
        repo = reread(home).repo
        with repo_errors(repo.path):
            sweep_stale_locks(repo.path)
            ensure_key(home.path, home.node)
            yield LedgerRepo(repo)


def spans_of(commits: list[CommitInfo]) -> list[Span]:
    """The sequence numbers that commits contain."""
    return [
        Span(info.summary.first_seq, info.summary.last_seq)
        for info in commits
        if info.summary is not None
    ]


def readme(node: str) -> bytes:
    """The README of a node's repo."""
    return f"""\
# Usage of `{node}`

What users of `{node}` consumed, as recorded by the node itself. Each line under `usage/` is one
record; files are added and never changed, and balances are computed from them.

    git log                                              # what was added, when, in total
    git log --format='%h %cs %(trailers:key=Seq) %(trailers:key=Records)'
    git log --stat --since=yesterday                     # with the files
    git show HEAD                                        # the newest records, line by line
    git grep '"user":"alice"' -- usage/2026/11           # one user's records of a month
""".encode()


def _commit(store: Store, repo: LedgerRepo, found: CommitPlan, when: datetime) -> str:
    node = repo.home_repo.node
    totals = Totals()
    files: dict[str, bytes] = {}
    instants: list[datetime] = []
    count = 0
    for span in found.segments:
        data = store.lines(span)
        segment = decode_segment(data, found.folder)
        if segment.rejects or len(segment.records) != span.last - span.first + 1:
            raise SpoolError(
                f"the spool is damaged: seq {span.first}..{span.last} are not valid lines",
                hint="nothing was committed; keep spool.db and look at these records",
            )
        files[_free_path(repo, found.folder, when.astimezone(UTC).date(), span.first)] = data
        totals.add(segment.records)
        instants += (record.ts for record in segment.records)
        count += len(segment.records)
    summary = Summary(
        node,
        found.segments[0].first,
        found.segments[-1].last,
        count,
        min(instants),
        max(instants),
    )
    if repo.tip is None:
        files[README_PATH] = readme(node)
    return repo.commit(files, build_message(found.folder, summary, totals.totals()), when)


def _free_path(repo: LedgerRepo, folder: Folder, day: date, first_seq: int) -> str:
    """The segment's path, of an earlier day if the repo has that path already.

    It does only after a rejoin, when records are sent for a second time.
    """
    while repo.has_path(path := str(SegmentPath(folder, day, first_seq))):
        day -= timedelta(days=1)
    return path


def _when(found: CommitPlan, now: datetime) -> datetime:
    return now if found.hour is None else min(hour_start(found.hour + 1), now)
