"""The branch of a home's repo on its remote: pushing to it, and how long it may take."""

from typing import Final

from gitmeter.git_remote.failures import PushRefusedError, RemoteError
from gitmeter.git_remote.push import push
from node_pusher.home.home import HomeRepo

PROBE_TIMEOUT_S: Final = 30
PUSH_TIMEOUT_S: Final = 1800
_TORN_HINT: Final = (
    "if it stays so, git cannot see that the branch builds on the remote's commit: look with"
    " `git -C {} fsck`; if commits are missing, move that repo aside and run `init` with --rejoin"
)


def push_to_branch(repo: HomeRepo, source: str) -> RemoteError | None:
    """Push a commit or ref of a repo to its branch on the remote.

    Returns:
        why git refused, which decides nothing (read the branch back); None if it did not.
    """
    url, refspec = repo.remote.url, f"{source}:refs/heads/{repo.branch}"
    try:
        refused = push(repo.remote, repo.path, (refspec,), timeout_s=PUSH_TIMEOUT_S)
    except RemoteError as error:
        return error
    if refused is None:
        return None
    hint = _TORN_HINT.format(repo.path) if "non-fast-forward" in refused.reason else ""
    return PushRefusedError("; ".join([f"{url}: {refused.reason}", *refused.remarks]), hint=hint)
