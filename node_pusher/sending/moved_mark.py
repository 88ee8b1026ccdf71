"""The moved mark: a last commit in each previous repo that says where the node went.

It keeps people from setting the node up there again, which would assign numbers that the next repo
assigns too. Once a remote has its mark, the repo here notes that, so that a push need not ask.
"""

from datetime import datetime
from typing import Final

from gitmeter.git_remote.branch import read_branch
from gitmeter.git_remote.failures import AccessDeniedError, RepoGoneError
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.known_repos import is_marked, note_marked
from node_pusher.home.locks import sweep_stale_locks
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.branch import PROBE_TIMEOUT_S, push_to_branch
from wire_format.commit_message import build_moved_message

MOVED_PATH: Final = "epochs/moved"
"""The moved mark's file, which holds the address of the next repo."""

_FOR_GOOD: Final = (AccessDeniedError, RepoGoneError)
"""It is gone, archived, or its keys were revoked: no node set up there can push."""


def mark_previous_repos(home: Home, now: datetime) -> str:
    """Put the moved mark into each previous repo that lacks it; returns what prevented it.

    It is lacking where a rollover was interrupted or a remote did not answer. A remote that refuses
    access is asked only once.
    """
    remarks = []
    for previous in home.earlier_repos:
        if previous.path.exists():
            try:
                with repo_errors(previous.path):
                    remarks.append(_mark(previous, home.repo.remote.url, now))
            except GitmeterError as error:
                remarks.append(_unmarked(previous, error))
    return "; ".join(filter(None, remarks))


def _mark(previous: HomeRepo, url: str, now: datetime) -> str:
    if is_marked(previous):
        return ""
    sweep_stale_locks(previous.path)
    repo = LedgerRepo(previous)
    if repo.tip is None:
        return ""
    if not repo.has_path(MOVED_PATH):
        repo.commit({MOVED_PATH: f"{url}\n".encode()}, build_moved_message(previous.node, url), now)
    if repo.pushed != repo.tip:
        refused = push_to_branch(previous, f"refs/heads/{previous.branch}")
        try:
            seen = read_branch(previous.remote, previous.branch, PROBE_TIMEOUT_S)
        except _FOR_GOOD as error:
            note_marked(previous)
            return _unmarked(previous, error)
        if seen.commit != repo.tip:
            if isinstance(refused, _FOR_GOOD):
                note_marked(previous)
            return _unmarked(previous, refused or "it did not take the push")
        repo.set_pushed(seen.commit)
    note_marked(previous)
    return ""


def _unmarked(previous: HomeRepo, why: object) -> str:
    return (
        f"{previous.remote.url} did not get the moved mark, which says where the node went: {why};"
        " until a push has put it there, make sure that nobody sets this node up there"
    )
