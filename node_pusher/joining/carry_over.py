"""What commits here hold and the remote does not: records go back to the spool, files are named."""

from datetime import datetime
from typing import Final

from node_pusher.sending.repo import CommitInfo, LedgerRepo
from node_pusher.spool.store import Store
from wire_format.instants import to_us
from wire_format.segment import decode_segment

_LEFT: Final = "refs/rejoin/left"


def carry_over(repo: LedgerRepo, store: Store, tip: str, now: datetime) -> tuple[str, ...]:
    """Put the records of commits that the remote has not back to the spool, which may be a new one.

    The branch stays where it is.

    Args:
        repo: where the commits are.
        store: the spool.
        tip: what the remote holds.
        now: names the ref that keeps what is left behind.

    Returns:
        the commits that were not carried over, newest first.
    """
    left = [info for info in _missing(repo, tip) if not _put_back(repo, store, info)]
    if left and repo.tip is not None:
        repo.keep(repo.tip, f"{_LEFT}/{now:%Y%m%dT%H%M%SZ}")
    return tuple(f"{info.commit[:12]} {info.message.splitlines()[0]}" for info in left)


def take_over(repo: LedgerRepo, store: Store, tip: str, now: datetime) -> tuple[str, ...]:
    """As `carry_over`, and let the branch stand at what the remote holds."""
    left = carry_over(repo, store, tip, now)
    move_to(repo, tip)
    return left


def move_to(repo: LedgerRepo, commit: str) -> None:
    """Let the branch stand at a commit that the remote holds."""
    repo.set_pushed(commit)
    repo.set_tip(commit)


def _missing(repo: LedgerRepo, tip: str) -> list[CommitInfo]:
    """Commits made here that the remote's history does not hold."""
    theirs = {info.commit for info in repo.history(tip)}
    return [] if repo.tip is None else [i for i in repo.history() if i.commit not in theirs]


def _put_back(repo: LedgerRepo, store: Store, info: CommitInfo) -> bool:
    """Whether the spool holds now all that a commit added."""
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
