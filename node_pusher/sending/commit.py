"""From the spool into commits; the commits themselves say which records they have already."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from node_pusher.home.home import Home
from node_pusher.home.locks import LOCK_WAIT_S, push_lock, sweep_stale_locks
from node_pusher.home.own_key import ensure_key
from node_pusher.home.settings_file import reread
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.dates import check_parent
from node_pusher.sending.readme import README_PATH, readme
from node_pusher.sending.totals import Totals
from node_pusher.spool.drafts import AHEAD_MAX
from node_pusher.spool.outcomes import SpoolError
from node_pusher.spool.plan import (
    COMMIT_BYTES_MAX,
    US_PER_S,
    Ahead,
    Block,
    CommitPlan,
    Span,
    Unsent,
    hours_apart,
    plan,
)
from node_pusher.spool.store import Store
from wire_format.commit_message import Summary, build_message
from wire_format.instants import from_us, hour_start, to_us
from wire_format.lines import Folder
from wire_format.paths import SegmentPath
from wire_format.segment import decode_segment

SEALED_AHEAD_MAX: Final = timedelta(seconds=60)
"""How far a record may be ahead of the clock to be committed, by a commit that is dated like it.

Others record while a push waits for its lock, and clocks of services differ a little: without this
each such record would end a segment, as its seqs have to be contiguous. Far less than what the
aggregator allows a commit."""


class Committed(NamedTuple):
    """What was committed.

    Attributes:
        commits: the new commits, oldest first; each is on disk.
        ahead: the records that stay in the spool until the clock has passed them.
    """

    commits: list[str]
    ahead: Ahead


def commit_unsent(
    store: Store,
    repo: LedgerRepo,
    now: datetime,
    *,
    by_hour: bool = False,
    bytes_max: int = COMMIT_BYTES_MAX,
) -> Committed:
    """Commit every record up to about `now` that is in no commit yet; the caller holds the lock.

    A record that is ahead of the clock, because that was set back or is behind, stays in the spool:
    a commit is never dated before its records, and one that is dated ahead holds its repo.
    `SEALED_AHEAD_MAX` is no such case.

    Args:
        store: the spool.
        repo: where the commits go.
        now: the time of the commits.
        by_hour: one commit per clock hour of the records, dated at its end (but not after `now`):
            for importing history. Hours whose records are mixed share a commit.
        bytes_max: most bytes of the records of one commit.

    Raises:
        FutureParentError: see `node_pusher.sending.dates.check_parent`.
    """
    committed, until_us = spans_of(repo.waiting()), to_us(now + SEALED_AHEAD_MAX)
    entered_by, hours = store.entered_by(), None
    records: Iterable[Unsent | Block] = store.unsent(committed, until_us)
    if by_hour:
        hours = hours_apart(record.ts_us for record in store.unsent(committed, until_us))
    elif not entered_by:
        records = store.unsent_blocks(committed, until_us)
    plans = plan(records, hours=hours, bytes_max=bytes_max, entered_by=entered_by)
    commits = [_commit(store, repo, found, now) for found in plans]
    return Committed(commits, store.ahead(committed, until_us))


@contextmanager
def locked_repo(home: Home) -> Iterator[LedgerRepo]:
    """The repo of a home with its push lock held: no other process commits in between.

    Raises:
        BusyError: another process committed or pushed for too long.
        HomeError, SigningKeyError: there is no key to sign with, or it cannot be used.
    """
    with push_lock(home.path, wait_s=LOCK_WAIT_S):
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


def _commit(store: Store, repo: LedgerRepo, found: CommitPlan, now: datetime) -> str:
    check_parent(repo, now)
    node = repo.home_repo.node
    totals = Totals()
    segments: dict[int, bytes] = {}
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
        segments[span.first] = data
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
    when = date_of(found.hour, now, max(instants), repo.tip_at)
    day = when.date()
    files = {_free_path(repo, found.folder, day, seq): data for seq, data in segments.items()}
    if repo.tip is None:
        files[README_PATH] = readme(repo.home_repo)
    message = build_message(found.folder, summary, totals.totals(), by=found.by)
    return repo.commit(files, message, when)


def _free_path(repo: LedgerRepo, folder: Folder, day: date, first_seq: int) -> str:
    """The segment's path, of an earlier day if the repo has that path already.

    It does only after a rejoin, when records are sent for a second time.
    """
    while repo.has_path(path := str(SegmentPath(folder, day, first_seq))):
        day -= timedelta(days=1)
    return path


def date_of(
    hour: int | None, now: datetime, newest: datetime, parent_at: datetime | None
) -> datetime:
    """The date of a commit: the time at which it is made, but never before its newest record.

    Nor before its parent, unless that is dated further ahead than a clock may be: then the clock
    was wrong when the parent was made, and a commit with the same date would be held like it.

    Args:
        hour: the clock hour at the end of which history is dated; None for a commit of today.
        now: the time.
        newest: the latest instant of its records, which is hardly after `now`.
        parent_at: the date of the commit below; None without one.
    """
    when = now if hour is None else min(hour_start(hour + 1), now)
    if hour is None and parent_at is not None and parent_at - now <= AHEAD_MAX:
        when = max(when, parent_at)
    # git dates commits by whole seconds
    return from_us(max(to_us(when) // US_PER_S, -(-to_us(newest) // US_PER_S)) * US_PER_S)
