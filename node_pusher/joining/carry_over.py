"""Commits here that the remote lacks: their records go back to the spool, files are reported."""

from datetime import datetime
from typing import Final

from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.spool.store import Store
from wire_format.instants import to_us
from wire_format.segment import decode_segment

_LEFT: Final = "refs/rejoin/left"


def carry_over(repo: LedgerRepo, store: Store, tip: str, now: datetime) -> tuple[str, ...]:
    """Put the records of commits that the remote lacks back into the spool, which may be a new one.

    The branch does not move.

    Args:
        repo: the repo with the commits.
        store: the spool.
        tip: the remote's commit.
        now: the time that names the ref of what is left behind.

    Returns:
        the commits that were not carried over, newest first.
    """
    left = [info for info in _missing(repo, tip) if not _put_back(repo, store, info)]
    if left and repo.tip is not None:
        repo.keep(repo.tip, f"{_LEFT}/{now:%Y%m%dT%H%M%SZ}")
    return tuple(f"{info.commit[:12]} {info.message.splitlines()[0]}" for info in left)


def take_over(repo: LedgerRepo, store: Store, tip: str, now: datetime) -> tuple[str, ...]:
    """As `carry_over`, and move the branch to the remote's commit."""
    left = carry_over(repo, store, tip, now)
    move_to(repo, tip)
    return left


def move_to(repo: LedgerRepo, commit: str) -> None:
    """Move the branch to a commit that the remote has."""
    repo.set_pushed(commit)
    repo.set_tip(commit)


def _missing(repo: LedgerRepo, tip: str) -> list[CommitInfo]:
    """Commits made here that the remote's history does not contain."""
    theirs = {info.commit for info in repo.history(tip)}
    return [] if repo.tip is None else [i for i in repo.history() if i.commit not in theirs]


def _put_back(repo: LedgerRepo, store: Store, info: CommitInfo) -> bool:
    """Put what a commit added back into the spool; whether the spool has all of it now."""
    if info.summary is None:
        return False
    try:
        segments = repo.segments_of(info.commit)
    except KeyError:
        return False  # the oldest commit of a shallow clone, without its parent and files
    back = []
    for segment in segments:
        lines = decode_segment(segment.data, segment.folder).records
        back.append(store.put_back(segment, [to_us(line.ts) for line in lines]))
    return all(back)
