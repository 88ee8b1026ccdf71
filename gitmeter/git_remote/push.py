"""Pushing with the git program, and what its `--porcelain` answer says."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.git_remote.branch import BIG_FILE_BYTES, with_settings
from gitmeter.git_remote.failures import failure
from gitmeter.git_remote.remote import Remote, environment
from gitmeter.git_remote.runner import run_git

_SETTINGS: Final = {
    "push.gpgSign": "false",
    "push.followTags": "false",
    "core.hooksPath": os.devnull,
    # looking for likeness among segments of many MiB takes minutes and finds next to none
    "core.bigFileThreshold": str(BIG_FILE_BYTES),
}


class Refused(NamedTuple):
    """The remote answered and did not take a ref.

    Attributes:
        reason: git's summary of the first refused ref, such as `[rejected] (fetch first)`.
        remarks: what the server said about it, a line each.
        stderr: all that git wrote there.
    """

    reason: str
    remarks: tuple[str, ...]
    stderr: str


def push(
    remote: Remote,
    repo_dir: Path,
    refspecs: tuple[str, ...],
    *,
    timeout_s: float,
    options: tuple[str, ...] = (),
) -> Refused | None:
    """Push refs of a repo on disk.

    Args:
        remote: where to.
        repo_dir: has the commits.
        refspecs: what goes where, such as `<commit>:refs/heads/main`.
        timeout_s: after this many seconds git is killed.
        options: more options of `git push`, such as `--dry-run`.

    Returns:
        None when git reports success, which a caller that needs to be sure reads back.

    Raises:
        GitTimeoutError: the time limit passed.
        RemoteError: the remote did not get as far as refusing a ref; of the type of its cause.
    """
    result = run_git(
        ["push", "--porcelain", "--no-verify", *options, "--", remote.url, *refspecs],
        cwd=repo_dir,
        timeout_s=timeout_s,
        environment=with_settings(environment(remote), _SETTINGS),
    )
    if result.returncode == 0:
        return None
    refused = [
        line for line in result.stdout.decode(errors="replace").splitlines() if line[:1] == "!"
    ]
    if not refused:
        raise failure(remote.url, result.stderr)
    remarks = (
        line.removeprefix("remote:").strip()
        for line in result.stderr.splitlines()
        if line.startswith("remote:")
    )
    return Refused(refused[0].rpartition("\t")[2], tuple(filter(None, remarks)), result.stderr)
