"""Ask a remote for its head, and fetch it if it is new.

Runs in a pool of threads and does not use the database.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Final, NamedTuple

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.copies.recovery import is_whole, recover
from aggregator.mirrors.bundles import NotWrittenError
from aggregator.mirrors.leftovers import sweep_locks, sweep_partial_packs
from aggregator.mirrors.mirror import Mirror, MirrorError, OutOfResourcesError
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
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote, Transport
from gitmeter.git_remote.runner import stop_running
from gitmeter.http_edge.client import HttpClient
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
        is_whole: whether the mirror is known to have all that was billed.
        unrecovered: why commits that our mirror has lost could not be recovered from the copy
            remote; empty if none are lost or all were recovered.
    """

    head: str | None
    trouble: HeadOutcome | None = None
    detail: str = ""
    retry: bool = True
    is_mirror_bad: bool = False
    retry_after_s: int | None = None
    is_whole: bool = False
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
    tips = None if cursor is None else Tips(cursor, kept)
    found = _try_fetch(state, repo, tips, interrupted)
    if tips is None or found.is_mirror_bad or found.is_whole or interrupted():
        return found
    try:
        has_all = recover(state, repo.identity, tips)
    except (GitmeterError, OSError) as error:
        return found._replace(unrecovered=with_hint(error))
    if has_all or state.config.copy_remote is None:
        return found
    return found._replace(unrecovered="it does not have them")


def _try_fetch(
    state: State, repo: RepoConfig, tips: Tips | None, interrupted: Callable[[], bool]
) -> Fetched:
    try:
        try:
            return _fetch(state, repo, tips, interrupted)
        except (MirrorError, OwnTroubleError):
            # a git that was killed may have left a lock; with the lock gone the fetch works at once
            if not sweep_locks(state.config.mirror_path(repo.name)):
                raise
            return _fetch(state, repo, tips, interrupted)
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
    state: State, repo: RepoConfig, tips: Tips | None, interrupted: Callable[[], bool]
) -> Fetched:
    config = state.config
    state.mirrors.bring_back(repo.identity)
    mirror = state.mirrors.open(repo.identity)
    if tips is not None:
        mirror.advance_applied(tips.cursor)
    with _client_for(repo.remote) as client:
        found = _fetch_with(client, config, repo, mirror, interrupted)
    return found._replace(is_whole=tips is not None and is_whole(mirror, tips))


def _client_for(remote: Remote) -> AbstractContextManager[HttpClient | None]:
    """A client for the requests to a remote over http; None for others, without its libraries."""
    is_http = remote.transport in {Transport.HTTP, Transport.HTTPS}
    return HttpClient() if is_http else nullcontext()


def _fetch_with(
    client: HttpClient | None,
    config: Config,
    repo: RepoConfig,
    mirror: Mirror,
    interrupted: Callable[[], bool],
) -> Fetched:
    branch = read_branch(repo.remote, repo.branch, config.connect_timeout_s, client=client)
    if branch.status is BranchStatus.MISSING:
        detail = f"the remote has other branches, but not {repo.branch}"
        return Fetched(None, HeadOutcome.BRANCH_MISSING, detail)
    head = branch.commit
    if head is None:
        return Fetched(None)
    if not interrupted() and (head != mirror.head or not mirror.has_commit(head)):
        try:
            if not _fetch_gained(client, config, repo, mirror, head):
                _fetch_whole(config, repo, mirror)
        except BaseException:
            sweep_partial_packs(mirror.path)
            raise
    return Fetched(mirror.head)


def _fetch_gained(
    client: HttpClient | None, config: Config, repo: RepoConfig, mirror: Mirror, head: str
) -> bool:
    """Fetch a head that is new here; return whether the mirror has it now."""
    known = mirror.head
    if known is None or mirror.has_commit(head):
        return False
    limits = FetchLimits(
        config.connect_timeout_s,
        config.fetch_timeout_s,
        config.fetch_memory_bytes_max,
        config.fetch_file_bytes_max,
    )
    sent = fetch_gained(
        *(repo.remote, mirror.path, repo.branch),
        tip=head,
        known=known,
        limits=limits,
        client=client,
    )
    if sent is not None:
        with suppress(MirrorError):  # git finds words for what is in the way, or was not sent
            mirror.move_head(sent)
            return True
    return False


def _fetch_whole(config: Config, repo: RepoConfig, mirror: Mirror) -> None:
    fetch(
        repo.remote,
        mirror.path,
        f"+refs/heads/{repo.branch}:refs/heads/{repo.branch}",
        timeout_s=config.fetch_timeout_s,
        memory_bytes_max=config.fetch_memory_bytes_max,
        file_bytes_max=config.fetch_file_bytes_max,
    )


def stop_fetching(fetches: Iterable[Future[Fetched]], on_wait: Callable[[], object]) -> None:
    """Stop every fetch; repeated until none is left, as some may only just be starting."""
    pending = set(fetches)
    while pending:
        stop_running()
        on_wait()
        # `wait` never counts a future as done that was cancelled before a thread took it
        pending = {each for each in wait(pending, timeout=_STOP_S).not_done if not each.cancelled()}
