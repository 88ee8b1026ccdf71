"""Ask a remote for its head, and fetch it if it is new.

Runs in a pool of threads and does not use the database.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import Final, NamedTuple

from aggregator.config.repos import RepoConfig
from aggregator.copies.recovery import recover
from aggregator.mirrors.bundles import NotWrittenError
from aggregator.mirrors.leftovers import sweep_locks, sweep_partial_packs
from aggregator.mirrors.mirror import MirrorError, OutOfResourcesError
from aggregator.mirrors.state import State
from cursors.position import HeadOutcome
from cursors.tips import Tips
from gitmeter.git_remote.branch import BranchStatus, fetch, read_branch
from gitmeter.git_remote.failures import (
    ContentRefusedError,
    OwnTroubleError,
    RemoteConfigError,
    RemoteError,
    RepoGoneError,
)
from gitmeter.git_remote.runner import stop_running
from gitmeter.support.errors import GitmeterError, with_hint

_STOP_S: Final = 0.1
_TROUBLES: Final = {
    RepoGoneError: HeadOutcome.REPO_GONE,
    ContentRefusedError: HeadOutcome.REFUSED,
    OwnTroubleError: HeadOutcome.NOT_READ,
}


class Fetched(NamedTuple):
    """The result of probing a remote and fetching from it.

    Attributes:
        head: the fetched head, or None if the remote has no such branch or did not answer.
        trouble: what went wrong, or None.
        detail: a sentence about it; empty if nothing went wrong.
        retry: whether another attempt may succeed without anyone's intervention.
        is_mirror_bad: whether our own mirror failed rather than the remote.
        retry_after_s: how long the server asks us to wait, if it does.
        unrecovered: why commits that our mirror has lost could not be recovered from the copy
            remote; empty if none are lost or all were recovered.
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
    """Bring the mirror of a repo up to date; failures are returned, not raised.

    If the mirror then lacks billed commits, they are fetched from the copy remote.

    Args:
        state: the mirrors and the limits on fetching.
        repo: the repo, with its remote and branch.
        cursor: the commit up to which the repo was billed; a ref keeps it in the mirror before
            anything is fetched.
        interrupted: called before a fetch starts; True prevents it.
        kept: the repo's kept tips.
    """
    found = _try_fetch(state, repo, cursor, interrupted)
    if cursor is None or found.is_mirror_bad or interrupted():
        return found
    try:
        is_whole = recover(state, repo.identity, Tips(cursor, kept))
    except (GitmeterError, OSError) as error:
        return found._replace(unrecovered=with_hint(error))
    if is_whole or state.config.copy_remote is None:
        return found
    return found._replace(unrecovered="it does not have them")


def _try_fetch(
    state: State, repo: RepoConfig, cursor: str | None, interrupted: Callable[[], bool]
) -> Fetched:
    try:
        try:
            return _fetch(state, repo, cursor, interrupted)
        except (MirrorError, OwnTroubleError):
            # a git that was killed may have left a lock; with the lock gone the fetch works at once
            if not sweep_locks(state.config.mirror_path(repo.name)):
                raise
            return _fetch(state, repo, cursor, interrupted)
    except RemoteError as error:
        trouble = next(
            (outcome for kind, outcome in _TROUBLES.items() if isinstance(error, kind)),
            HeadOutcome.UNREACHABLE,
        )
        return Fetched(
            None, trouble, with_hint(error), error.retry, retry_after_s=error.retry_after_s
        )
    except RemoteConfigError as error:
        return Fetched(None, HeadOutcome.UNREACHABLE, with_hint(error), error.retry)
    except (OSError, OutOfResourcesError, NotWrittenError) as error:
        return Fetched(None, HeadOutcome.NOT_READ, with_hint(error))
    except MirrorError as error:
        return Fetched(
            None, HeadOutcome.UNCHANGED, with_hint(error), error.retry, is_mirror_bad=True
        )


def _fetch(
    state: State, repo: RepoConfig, cursor: str | None, interrupted: Callable[[], bool]
) -> Fetched:
    config = state.config
    state.mirrors.bring_back(repo.identity)
    mirror = state.mirrors.open(repo.identity)
    if cursor is not None:
        mirror.advance_applied(cursor)
    branch = read_branch(repo.remote, repo.branch, config.connect_timeout_s)
    if branch.status is BranchStatus.MISSING:
        detail = f"the remote has other branches, but not {repo.branch}"
        return Fetched(None, HeadOutcome.BRANCH_MISSING, detail)
    head = branch.commit
    if head is None:
        return Fetched(None)
    if not interrupted() and (head != mirror.head or not mirror.has_commit(head)):
        try:
            fetch(
                repo.remote,
                mirror.path,
                f"+refs/heads/{repo.branch}:refs/heads/{repo.branch}",
                timeout_s=config.fetch_timeout_s,
                memory_bytes_max=config.fetch_memory_bytes_max,
                file_bytes_max=config.fetch_file_bytes_max,
            )
        except BaseException:
            sweep_partial_packs(mirror.path)
            raise
    return Fetched(state.mirrors.open(repo.identity).head)


def stop_fetching(fetches: Iterable[Future[Fetched]], on_wait: Callable[[], object]) -> None:
    """Stop every fetch; repeated until none is left, as some may only just be starting."""
    pending = set(fetches)
    while pending:
        stop_running()
        on_wait()
        # `wait` never counts a future as done that was cancelled before a thread took it
        pending = {each for each in wait(pending, timeout=_STOP_S).not_done if not each.cancelled()}
