"""The branch of a home's repo on its remote: pushing to it, and how long it may take."""

from collections.abc import Sequence
from typing import Final

from gitmeter.git_remote.failures import PushRefusedError, RemoteError, TooLargeError, failure
from gitmeter.git_remote.push import push
from gitmeter.support.terminal import pasted
from node_pusher.home.home import HomeRepo

PROBE_TIMEOUT_S: Final = 30
PUSH_TIMEOUT_S: Final = 1800
_TORN_HINT: Final = (
    "if it stays so, git cannot see that the branch builds on the remote's commit: look with"
    " `{}`; if commits are missing, move that repo aside and run `init` with --rejoin"
)


def push_in_parts(
    repo: HomeRepo, commits: Sequence[str], size_max: int | None = None
) -> RemoteError | None:
    """Push commits to the branch of a repo on its remote, in as many parts as the server needs.

    A node that was offline may have more to send than the web server in front of the forge takes
    in one request. A part that is too large is halved, and no later one is larger.

    Args:
        repo: the repo that has the commits.
        commits: all that the remote lacks, oldest first, each the parent of the next.
        size_max: how many commits a part may have; None for any number.

    Returns:
        why git refused, which decides nothing (read the branch back); None if it did not.
    """
    done, size = 0, min(size_max or len(commits), len(commits))
    while done < len(commits):
        part = commits[done : done + size]
        refused = push_to_branch(repo, part[-1])
        if refused is None:
            done += len(part)
        elif isinstance(refused, TooLargeError) and len(part) > 1:
            size = len(part) // 2
        else:
            return refused
    return None


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
    told = failure(url, refused.stderr)
    if isinstance(told, TooLargeError):
        return told
    hint = (
        _TORN_HINT.format(pasted("git", "-C", str(repo.path), "fsck"))
        if "non-fast-forward" in refused.reason
        else ""
    )
    return PushRefusedError("; ".join([f"{url}: {refused.reason}", *refused.remarks]), hint=hint)
