"""A last commit in each repo that a node left, which says where it went: nobody joins it any more.

A machine set up anew there would give numbers that the next repo gives too. What is told is noted
in the repo here, so that a push has nothing to ask.
"""

from datetime import datetime
from typing import Final

from gitmeter.git_remote.branch import read_branch
from gitmeter.git_remote.failures import AccessDeniedError, RepoGoneError
from gitmeter.support.errors import GitmeterError
from node_pusher.home.known_repos import is_told, note_told
from node_pusher.home.locks import sweep_stale_locks
from node_pusher.home.settings import Home
from node_pusher.sending.branch import PROBE_TIMEOUT_S, push_to_branch
from node_pusher.sending.repo import LedgerRepo
from node_pusher.sending.repo_faults import repo_faults
from wire_format.commit_message import build_moved_message

MOVED_PATH: Final = "epochs/moved"
"""Where a repo says that its node goes on in another one; holds the address of that."""

_FOR_GOOD: Final = (AccessDeniedError, RepoGoneError)
"""It is gone, archived, or its keys were taken away: nobody who is set up there can push."""


def mark_left(home: Home, now: datetime) -> str:
    """Say in the repos that were left where the node is; returns what was against it.

    Where it is not told yet because a rollover died, or a remote did not answer, this tells it. A
    remote that lets nobody in any more is asked once.
    """
    remarks = []
    for left in map(home.at, home.earlier):
        if left.repo_dir.exists():
            try:
                with repo_faults(left):
                    remarks.append(_mark(left, home.remote.url, now))
            except GitmeterError as error:
                remarks.append(_unmarked(left, error))
    return "; ".join(filter(None, remarks))


def _mark(left: Home, url: str, now: datetime) -> str:
    if is_told(left):
        return ""
    sweep_stale_locks(left.repo_dir)
    repo = LedgerRepo(left)
    if repo.tip is None:
        return ""
    if not repo.has_path(MOVED_PATH):
        repo.commit({MOVED_PATH: f"{url}\n".encode()}, build_moved_message(left.node, url), now)
    if repo.pushed != repo.tip:
        said = push_to_branch(left, f"refs/heads/{left.branch}")
        try:
            seen = read_branch(left.remote, left.branch, PROBE_TIMEOUT_S)
        except _FOR_GOOD as error:
            note_told(left)
            return _unmarked(left, error)
        if seen.commit != repo.tip:
            if isinstance(said, _FOR_GOOD):
                note_told(left)
            return _unmarked(left, said or "it did not take the push")
        repo.set_pushed(seen.commit)
    note_told(left)
    return ""


def _unmarked(left: Home, why: object) -> str:
    return (
        f"{left.remote.url} could not be told where the node went: {why}; until a push has told it,"
        " see to it that nobody sets up this node there any more"
    )
