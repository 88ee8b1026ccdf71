"""What a fetched head means for a repo that was read up to a cursor.

Decided by ancestry alone, never by whether an object exists: after a forced push the old commits
may still be in the mirror. First-parent only, because a merge compared with its first parent
already contains what its side branch added.
"""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final, NamedTuple


class HeadOutcome(StrEnum):
    """What a fetch from a repo may lead to."""

    UNCHANGED = "unchanged"
    FAST_FORWARD = "fast-forward"
    TOO_LONG = "too long"
    """More commits above the cursor than are held in memory at once."""
    EMPTY = "empty"
    """No commit yet; possible only where nothing was read before."""
    UNREACHABLE = "unreachable"
    NOT_READ = "not read"
    """Our own machine could not fetch: it lacked room or descriptors, or a lock was in the way."""
    REFUSED = "content refused"
    """What the remote sent is damaged or exceeds a limit; nothing of it was kept."""
    REPO_GONE = "repo gone"
    BRANCH_MISSING = "branch missing"
    SET_BACK = "set back"
    """The cursor builds on the head, as after the forge was restored from an older backup: the
    branch lacks commits that were billed, and has none that was not."""
    ACCEPTED = "accepted rewrite"
    """The head does not build on the cursor, and the operator accepted a commit of it."""
    REWRITTEN = "rewritten"
    """The head does not build on the cursor: a forced push, unrelated history, a commit on top of a
    branch that was set back, or a merge that puts the cursor on a side branch."""


COMMITS_AHEAD_MAX: Final = 1_000_000
"""Hourly commits of 114 years; walking them takes seven seconds and a hundred megabytes."""


class Advance(NamedTuple):
    """What a head means, and what to read.

    Attributes:
        outcome: what the head means.
        commits: the commits to read, oldest first; empty unless `outcome` is `FAST_FORWARD` or
            `ACCEPTED`.
        accepted: how many of them, from the first, the operator has accepted by name.
        missing: how many commits, up to the cursor, the branch lacks; 0 unless `outcome` is
            `SET_BACK`.
    """

    outcome: HeadOutcome
    commits: tuple[str, ...] = ()
    accepted: int = 0
    missing: int = 0


def advance(
    cursor: str | None,
    head: str | None,
    first_parent: Callable[[str], str | None],
    accepted: Collection[str] = (),
    billed: Callable[[], Collection[str]] = frozenset,
    commits_max: int | None = None,
) -> Advance:
    """Judge a head against a cursor.

    Args:
        cursor: the last commit that was billed; None before the first.
        head: the fetched head of the branch; None when the repo has no such branch.
        first_parent: returns a commit's first parent, or None for a root commit.
        accepted: commits up to which the operator accepted the history, whatever its shape.
        billed: returns every commit that was read so far; called only for a rewritten history.
        commits_max: after how many commits the history counts as too long; None for the usual
            number.

    Work is proportional to the commits above the cursor, except for a head that does not build on
    it: then both histories are walked, each to its root at most.
    """
    if head is None:
        return Advance(HeadOutcome.EMPTY if cursor is None else HeadOutcome.BRANCH_MISSING)
    if head == cursor:
        return Advance(HeadOutcome.UNCHANGED)
    most = COMMITS_AHEAD_MAX if commits_max is None else commits_max
    newest_first, is_ahead = _walk(head, cursor, first_parent, most)
    if is_ahead:
        commits = tuple(reversed(newest_first))
        return Advance(HeadOutcome.FAST_FORWARD, commits, _accepted(commits, accepted))
    missing, is_behind = _walk(cursor, head, first_parent, COMMITS_AHEAD_MAX)
    if is_behind:
        return Advance(HeadOutcome.SET_BACK, missing=len(missing))
    if len(newest_first) > most:
        return Advance(HeadOutcome.TOO_LONG)
    if not _accepted(newest_first, accepted):
        return Advance(HeadOutcome.REWRITTEN)
    known = billed()
    above = next((at for at, c in enumerate(newest_first) if c in known), len(newest_first))
    del newest_first[above:]
    if not _accepted(newest_first, accepted):
        return Advance(HeadOutcome.REWRITTEN)  # that commit was accepted and read long ago
    commits = tuple(reversed(newest_first))
    return Advance(HeadOutcome.ACCEPTED, commits, _accepted(commits, accepted))


def _walk(
    start: str | None, end: str | None, first_parent: Callable[[str], str | None], most: int
) -> tuple[list[str], bool]:
    """Walk from a commit down to `end`, or to the root.

    Returns:
        The commits above `end`, newest first, at most one more than `most`; and whether `end` was
        reached.
    """
    found: list[str] = []
    commit = start
    while commit is not None and commit != end:
        found.append(commit)
        if len(found) > most:
            break
        commit = first_parent(commit)
    return found, commit == end


def _accepted(commits: Sequence[str], accepted: Collection[str]) -> int:
    """How many commits there are up to the last accepted one; 0 if none is accepted."""
    return max((at for at, commit in enumerate(commits, 1) if commit in accepted), default=0)
