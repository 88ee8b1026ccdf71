"""Claiming an epoch on the remote, before its first number is assigned.

A disk may die before anything that was recorded on it reached the remote. Its claim is then all
that is left, and the next home takes the next epoch.
"""

from datetime import datetime
from typing import Final

from gitmeter.git_remote.branch import RemoteBranch
from gitmeter.git_remote.failures import AccessDeniedError, PushRefusedError, RemoteError
from node_pusher.home.home import HomeRepo
from node_pusher.joining.remote_history import claim_path, read_remote
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.branch import push_in_parts
from node_pusher.sending.readme import README_PATH, readme
from wire_format.commit_message import build_epoch_message
from wire_format.fields import epoch_of

_WHY: Final = "init claims the numbers of a home there before it gives the first of them"


def claim_epoch(
    repo: LedgerRepo,
    parent: str | None,
    first_seq: int,
    seen: RemoteBranch,
    now: datetime,
) -> str | None:
    """Push a commit that says that this home assigns numbers from `first_seq` on.

    Args:
        repo: where the commit is made; none of its refs move.
        parent: what it builds on: the remote's commit, or one here that builds on it.
        first_seq: the first number of an epoch.
        seen: the remote's branch before.
        now: the time of the commit.

    Returns:
        the commit, which the remote was seen to have; None if others pushed in the meantime, so
        that the numbers may be taken.

    Raises:
        RemoteError: the remote does not accept it, or does not answer.
        HomeError, SigningKeyError: there is no key to sign with, or it cannot be used.
    """
    epoch, node = epoch_of(first_seq), repo.home_repo.node
    files = {claim_path(epoch): f"{node}\n".encode()}
    if parent is None and repo.home_repo.role != "books":
        files[README_PATH] = readme(repo.home_repo)
    message = build_epoch_message(node, epoch, first_seq)
    commit = repo.write_commit(files, message, now, parent)
    waiting = [] if parent == seen.commit else [info.commit for info in repo.above(seen.commit)]
    refused = push_in_parts(repo.home_repo, [*reversed(waiting), commit])
    there = read_remote(repo.home_repo)
    if there.commit == commit:
        return commit
    if there.commit != seen.commit:
        return None
    raise _not_taken(repo.home_repo, refused)


def _not_taken(repo: HomeRepo, refused: RemoteError | None) -> RemoteError:
    if refused is None:
        return PushRefusedError(f"{repo.remote.url} did not take the push; {_WHY}")
    hint = refused.hint
    if isinstance(refused, AccessDeniedError | PushRefusedError):
        hint = f"the token or key must be allowed to push to {repo.branch}; then run it again"
    return type(refused)(f"{refused}; {_WHY}", hint=hint)
