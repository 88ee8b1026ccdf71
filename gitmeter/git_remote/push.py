"""Pushing with the git program, and reading its `--porcelain` output."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.git_remote.branch import BIG_FILE_BYTES, PACKING_SETTINGS, with_settings
from gitmeter.git_remote.failures import failure
from gitmeter.git_remote.remote import Remote, environment
from gitmeter.git_remote.runner import run_git

_SETTINGS: Final = {
    "push.gpgSign": "false",
    "push.followTags": "false",
    "core.hooksPath": os.devnull,
    # searching deltas among segments of many MiB takes minutes and finds next to none
    "core.bigFileThreshold": str(BIG_FILE_BYTES),
}


class Refused(NamedTuple):
    """The remote responded and refused a ref.

    Attributes:
        reason: git's summary of the first refused ref, such as `[rejected] (fetch first)`.
        remarks: the server's messages about it, one per line.
        stderr: everything that git wrote to standard error.
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
    memory_bytes_max: int | None = None,
) -> Refused | None:
    """Push refs of a repo on disk.

    Args:
        remote: the remote to push to.
        repo_dir: the repo that holds the commits.
        refspecs: sources and destinations, such as `<commit>:refs/heads/main`.
        timeout_s: git is killed after this many seconds.
        options: further options of `git push`, such as `--dry-run`.
        memory_bytes_max: address space of each git process, which then packs within a gigabyte.

    Returns:
        None when git reports success; a caller that must be sure reads the ref back.

    Raises:
        GitTimeoutError: git exceeded its time limit.
        RemoteError: the push failed before any ref was refused; the type says why.
    """
    settings = _SETTINGS if memory_bytes_max is None else _SETTINGS | PACKING_SETTINGS
    result = run_git(
        ["push", "--porcelain", "--no-verify", *options, "--", remote.url, *refspecs],
        cwd=repo_dir,
        timeout_s=timeout_s,
        environment=with_settings(environment(remote), settings),
        memory_bytes_max=memory_bytes_max,
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
