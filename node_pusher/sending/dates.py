"""Dates of commits and records that show a wrong clock, and what follows from them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from gitmeter.roles.role import FACES_STRANGERS, WRITERS
from gitmeter.support.terminal import counted
from node_pusher.home.errors import FutureParentError
from node_pusher.home.new_address import rollover_line
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.spool.drafts import AHEAD_MAX
from node_pusher.spool.plan import Ahead, Span, outside
from wire_format.instants import format_ts, from_us


def ahead_remark(ahead: Ahead, now: datetime) -> str:
    """What to say after a push about records that wait for the clock; may be empty."""
    if not ahead.records:
        return ""
    wait = "waits" if ahead.records == 1 else "wait"
    return (
        f"{counted(ahead.records, 'record')} (seq {ahead.seqs}) {wait} in"
        f" the spool: dated up to {format_ts(from_us(ahead.latest_us))}, ahead of this machine's"
        f" clock, which says {format_ts(now)}; nothing is lost, and `doctor` says what to do"
    )


def future_remark(repo: LedgerRepo, now: datetime) -> str:
    """What to say of a commit to push, or the one below, that is dated in the future; or empty."""
    waiting = {info.commit for info in repo.waiting()}
    newest_first = islice(repo.history(), len(waiting) + 1)
    found = future_commit(newest_first, now)
    return "" if found is None else future_sentence(found, now)


def future_commit(newest_first: Iterable[CommitInfo], now: datetime) -> CommitInfo | None:
    """The newest of some commits that the aggregator does not read yet, as its date is to come."""
    return next((info for info in newest_first if info.committed_at - now > AHEAD_MAX), None)


def future_sentence(info: CommitInfo, now: datetime) -> str:
    """What follows from a commit that is dated in the future."""
    return (
        f"commit {info.commit[:12]} is dated {format_ts(info.committed_at)}, ahead of this"
        f" machine's clock, which says {format_ts(now)}: the aggregator bills nothing from that"
        " commit on until then, or until the operator accepts it (`aggregator incidents` names the"
        " command)"
    )


def check_parent(repo: LedgerRepo, now: datetime) -> None:
    """Refuse to commit on a commit from the future where dates may not go back.

    Commits of a node follow the clock again there. A commit of a till or desk that is dated before
    its parent holds its repo, and one that is dated like that parent waits for years.

    Raises:
        FutureParentError: the newest commit is dated further ahead than a clock may be.
    """
    role = repo.home_repo.role
    newest = next(repo.history(), None) if role in FACES_STRANGERS else None
    if newest is None or newest.committed_at - now <= AHEAD_MAX:
        return
    next_repo = rollover_line(repo.home_repo)
    raise FutureParentError(
        f"commit {newest.commit[:12]} is dated {format_ts(newest.committed_at)}, ahead of this"
        f" machine's clock, which says {format_ts(now)}, and {WRITERS[role]} dates no commit before"
        " its parent; nothing was committed, and nothing is lost: what was recorded is in the"
        " spool",
        hint="if the clock is behind, set it: timedatectl set-ntp true; if it was ahead when that"
        f" commit was made, go on in the next repo, which then gets it: {next_repo}",
    )


def dated_before_records(
    commits: Iterable[CommitInfo], tolerance: timedelta = timedelta()
) -> list[Span]:
    """The seqs that are only in commits which are dated before their newest record; ascending.

    The aggregator holds such records until they are in a later commit.

    Args:
        commits: commits of all repos of a home, in any order.
        tolerance: how far a record may be ahead of its commit.
    """
    early: list[Span] = []
    sound: list[Span] = []
    for info in commits:
        if info.summary is not None:
            span = Span(info.summary.first_seq, info.summary.last_seq)
            is_early = info.summary.last_ts > info.committed_at + tolerance
            (early if is_early else sound).append(span)
    return list(_common(_joined(early), list(outside(sound))))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans as ascending ones that neither overlap nor touch."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.first <= joined[-1].last + 1:
            joined[-1] = Span(joined[-1].first, max(joined[-1].last, span.last))
        else:
            joined.append(span)
    return joined


def _common(ours: list[Span], theirs: list[Span]) -> Iterator[Span]:
    """What two lists of ascending spans both have."""
    at = 0
    for span in ours:
        while at < len(theirs) and theirs[at].last < span.first:
            at += 1
        while at < len(theirs) and theirs[at].first <= span.last:
            yield Span(max(span.first, theirs[at].first), min(span.last, theirs[at].last))
            at += 1
        at = max(0, at - 1)  # the last one may go on into the next of ours
