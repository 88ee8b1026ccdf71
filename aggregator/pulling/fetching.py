"""Look at a remote: ask for its head, and fetch it when it is new.

Runs in a thread beside others and touches no database.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from aggregator.config.repos import RepoConfig
from aggregator.copies.recovery import recover
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from cursors.position import HeadOutcome
from cursors.tips import Tips
from gitmeter.git_remote.branch import BranchStatus, fetch, read_branch
from gitmeter.git_remote.failures import (
    ContentRefusedError,
    RemoteConfigError,
    RemoteError,
    RepoGoneError,
)
from gitmeter.support.errors import GitmeterError

_TROUBLES: Final = {
    RepoGoneError: HeadOutcome.REPO_GONE,
    ContentRefusedError: HeadOutcome.REFUSED,
}


class Fetched(NamedTuple):
    """What looking at a remote found.

    Attributes:
        head: the fetched head, or None when there is no such branch or no answer.
        trouble: what went wrong, or None.
        detail: a sentence about it.
        retry: whether looking again may help without anybody doing anything.
        is_mirror_bad: whether not the remote but our own mirror is in the way.
        retry_after_s: how long the server asks to be left alone, if it says.
        unrecovered: why the copy remote could not give back what our mirror has lost; empty when
            nothing is lost, or it could.
    """

    head: str | None
    trouble: HeadOutcome | None = None
    detail: str = ""
    retry: bool = True
    is_mirror_bad: bool = False
    retry_after_s: int | None = None
    unrecovered: str = ""


def fetch_repo(
    state: State,
    repo: RepoConfig,
    cursor: str | None,
    interrupted: Callable[[], bool] = lambda: False,
    kept: frozenset[str] = frozenset(),
) -> Fetched:
    """Bring the mirror of a repo up to date; what goes wrong is the answer, not an exception.

    Where it then lacks what was billed, that is fetched from the copy remote.

    Args:
        state: has the mirror and the limits.
        repo: where the remote is.
        cursor: what was billed, kept in the mirror before anything is fetched.
        interrupted: asked before a fetch is started.
        kept: other tips that were billed.
    """
    found = _tried(state, repo, cursor, interrupted)
    if cursor is None or found.is_mirror_bad or interrupted():
        return found
    try:
        is_whole = recover(state, repo.identity, Tips(cursor, kept))
    except GitmeterError as error:
        return found._replace(unrecovered=str(error))
    if is_whole or state.config.copy_remote is None:
        return found
    return found._replace(unrecovered="it does not have them")


def _tried(
    state: State, repo: RepoConfig, cursor: str | None, interrupted: Callable[[], bool]
) -> Fetched:
    try:
        return _fetch(state, repo, cursor, interrupted)
    except RemoteError as error:
        trouble = next(
            (outcome for kind, outcome in _TROUBLES.items() if isinstance(error, kind)),
            HeadOutcome.UNREACHABLE,
        )
        return Fetched(None, trouble, str(error), error.retry, retry_after_s=error.retry_after_s)
    except RemoteConfigError as error:
        return Fetched(None, HeadOutcome.UNREACHABLE, str(error), error.retry)
    except MirrorError as error:
        return Fetched(None, HeadOutcome.UNCHANGED, str(error), error.retry, is_mirror_bad=True)


def _fetch(
    state: State, repo: RepoConfig, cursor: str | None, interrupted: Callable[[], bool]
) -> Fetched:
    config = state.config
    state.mirrors.bring_back(repo.identity)
    mirror = state.mirrors.open(repo.identity)
    if cursor is not None:
        mirror.advance_applied(cursor)
    tip = read_branch(repo.remote, repo.branch, config.connect_timeout_s)
    if tip.status is BranchStatus.MISSING:
        detail = f"the remote has other branches, but not {repo.branch}"
        return Fetched(None, HeadOutcome.BRANCH_MISSING, detail)
    if tip.commit is None:
        return Fetched(None)
    if not interrupted() and (tip.commit != mirror.head or not mirror.has_commit(tip.commit)):
        fetch(
            repo.remote,
            mirror.path,
            f"+refs/heads/{repo.branch}:refs/heads/{repo.branch}",
            timeout_s=config.fetch_timeout_s,
            memory_bytes_max=config.fetch_memory_bytes_max,
            file_bytes_max=config.fetch_file_bytes_max,
        )
    return Fetched(state.mirrors.open(repo.identity).head)
