"""Claiming an epoch on the remote, before the first number of it is given.

A disk may die before anything that was recorded on it reached the remote. Its claim is what is left
then, and whoever comes next takes the next epoch.
"""

from datetime import datetime
from typing import Final

from gitmeter.git_remote.branch import RemoteBranch
from gitmeter.git_remote.failures import AccessDeniedError, PushRefusedError, RemoteError
from node_pusher.home.settings import Home
from node_pusher.joining.remote_history import ask, claim_path
from node_pusher.sending.branch import push_to_branch
from node_pusher.sending.commit import README_PATH, readme
from node_pusher.sending.repo import LedgerRepo
from wire_format.commit_message import build_epoch_message
from wire_format.fields import epoch_of

_WHY: Final = "init claims the numbers of a home there before it gives the first of them"


def claim_epoch(
    home: Home,
    repo: LedgerRepo,
    parent: str | None,
    first_seq: int,
    seen: RemoteBranch,
    now: datetime,
) -> str | None:
    """Push a commit that says that this home gives numbers from `first_seq` on.

    Args:
        home: whose remote.
        repo: where the commit is made; none of its refs move.
        parent: what it builds on: the remote's commit, or one here that builds on it.
        first_seq: the first number of an epoch.
        seen: where the remote's branch stands.
        now: the time of the commit.

    Returns:
        the commit, which the remote was seen to hold; None when it holds what somebody else pushed
        in the meantime, so that the numbers may be taken.

    Raises:
        RemoteError: the remote does not take it, or does not answer.
        HomeError, SigningKeyError: there is no key to sign with, or it cannot be used.
    """
    epoch = epoch_of(first_seq)
    files = {claim_path(epoch): f"{home.node}\n".encode()}
    if parent is None and home.role == "usage":
        files[README_PATH] = readme(home.node)
    message = build_epoch_message(home.node, epoch, first_seq)
    commit = repo.write_commit(files, message, now, parent)
    said = push_to_branch(home, commit)
    there = ask(home)
    if there.commit == commit:
        return commit
    if there.commit != seen.commit:
        return None
    raise _refused(home, said)


def _refused(home: Home, said: RemoteError | None) -> RemoteError:
    if said is None:
        return PushRefusedError(f"{home.remote.url} did not take the push; {_WHY}")
    hint = said.hint
    if isinstance(said, AccessDeniedError | PushRefusedError):
        hint = f"the token or key must be allowed to push to {home.branch}; then run it again"
    return type(said)(f"{said}; {_WHY}", hint=hint)
