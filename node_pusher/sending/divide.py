"""Commits made again as smaller ones, where one alone is more than the server takes at once."""

from datetime import datetime

from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import commit_unsent
from node_pusher.spool.plan import SegmentFile, Span
from node_pusher.spool.store import Store


def divide(
    store: Store, repo: LedgerRepo, base: str | None, now: datetime, *, by_hour: bool
) -> bool:
    """Replace the commits above `base` by some that are half as large as the oldest of them.

    Only what was never on the remote is replaced, and only while the spool has every record of it:
    the same records keep their numbers, and what was pushed keeps its commits.

    Args:
        store: the spool.
        repo: the repo; its branch builds on `base`.
        base: the commit that the remote is at.
        now: the time of the new commits.
        by_hour: see `node_pusher.sending.commit.commit_unsent`.

    Returns:
        whether it did; otherwise nothing has changed.
    """
    waiting = repo.above(base)
    if base is None or not waiting or not all(_is_in_spool(store, repo, info) for info in waiting):
        return False
    oldest = repo.segments_of(waiting[-1].commit)
    if sum(segment.data.count(b"\n") for segment in oldest) <= 1:
        return False
    repo.set_tip(base)
    half = sum(len(segment.data) for segment in oldest) // 2
    commit_unsent(store, repo, now, by_hour=by_hour, bytes_max=half)
    return True


def _is_in_spool(store: Store, repo: LedgerRepo, info: CommitInfo) -> bool:
    """Whether a commit has nothing but segments, each as the spool has it still."""
    if info.summary is None:
        return False
    return all(store.lines(_span(each)) == each.data for each in repo.segments_of(info.commit))


def _span(segment: SegmentFile) -> Span:
    return Span(segment.first_seq, segment.first_seq + segment.data.count(b"\n") - 1)
