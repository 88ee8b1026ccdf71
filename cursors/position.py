"""What a fetched head means for a repo that was read up to a cursor.

Decided by ancestry alone, never by whether an object exists: after a forced push the old commits
may still lie in the mirror. First-parent only, because a merge compared with its first parent
already holds what its side branch brought.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class HeadOutcome(StrEnum):
    """Every way a look at a repo can end."""

    UNCHANGED = "unchanged"
    FAST_FORWARD = "fast-forward"
    EMPTY = "empty"
    """No commit yet; possible only where nothing was read before."""
    UNREACHABLE = "unreachable"
    REPO_GONE = "repo gone"
    BRANCH_MISSING = "branch missing"
    REWRITTEN = "rewritten"
    """The head does not build on the cursor: a forced push, unrelated history, a head behind the
    cursor, a merge that puts the cursor on a side branch, or a cursor that no longer exists."""


class Advance(NamedTuple):
    """What there is to do after a fetch.

    Attributes:
        outcome: what the head means.
        commits: the commits to read, oldest first; empty unless `outcome` is `FAST_FORWARD`.
    """

    outcome: HeadOutcome
    commits: tuple[str, ...] = ()


def advance(
    cursor: str | None, head: str | None, first_parent: Callable[[str], str | None]
) -> Advance:
    """Judge a head against a cursor.

    Args:
        cursor: the last commit whose records are in the database; None before the first.
        head: the fetched tip of the branch; None when the repo has no such branch.
        first_parent: gives a commit's first parent, None for a root commit.

    Work is proportional to the commits above the cursor, except for a rewritten history, which is
    walked to its root.
    """
    if head is None:
        return Advance(HeadOutcome.EMPTY if cursor is None else HeadOutcome.BRANCH_MISSING)
    if head == cursor:
        return Advance(HeadOutcome.UNCHANGED)
    newest_first: list[str] = []
    commit: str | None = head
    while commit is not None and commit != cursor:
        newest_first.append(commit)
        commit = first_parent(commit)
    if commit != cursor:
        return Advance(HeadOutcome.REWRITTEN)
    return Advance(HeadOutcome.FAST_FORWARD, tuple(reversed(newest_first)))
