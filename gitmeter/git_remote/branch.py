"""The tip of a remote branch, and fetching it.

A probe is one request of our own over http and libgit2's over file:// (1 to 7 ms when nothing is
new, ten times faster than starting git); over ssh (see `gitmeter.git_remote.remote`) and through a
SOCKS proxy it runs the git program. What is fetched always meets the git program, as a child
process that can be limited and killed.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.git_remote.failures import RemoteError, failure, object_format_error
from gitmeter.git_remote.http_refs import Advertised, advertised
from gitmeter.git_remote.remote import Remote, Transport, environment
from gitmeter.git_remote.runner import config_environment, run_git
from gitmeter.http_edge.client import HttpClient
from gitmeter.http_edge.proxies import is_socks
from gitmeter.support.files import why_not_written

BIG_FILE_BYTES: Final = 1024 * 1024
"""Larger blobs are streamed to disk and never held in memory as a whole."""

PACKING_SETTINGS: Final = {
    "core.bigFileThreshold": str(BIG_FILE_BYTES),
    "core.packedGitWindowSize": "32m",
    "core.packedGitLimit": "256m",
    "pack.deltaCacheSize": "64m",
    "pack.threads": "1",
    "pack.windowMemory": "128m",
}
"""Settings under which git packs any repo within a gigabyte of memory."""

RECEIVING_SETTINGS: Final = {
    "core.bigFileThreshold": str(BIG_FILE_BYTES),
    "core.fsync": "committed",
    "core.hooksPath": os.devnull,
    "transfer.fsckObjects": "true",
}
"""Settings under which git checks every object that it receives, and syncs it to disk."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")


class BranchStatus(StrEnum):
    """What a probe of a branch found."""

    PRESENT = "present"
    MISSING = "missing"
    """The repo has other branches or tags, but not this one."""
    EMPTY = "empty"
    """The repo has no commit at all."""


class RemoteBranch(NamedTuple):
    """A branch as its remote reports it.

    Attributes:
        status: whether it exists.
        commit: its tip, 40 hex digits; None unless `status` is `PRESENT`.
        other_refs: full names of other refs, as many as were asked for.
    """

    status: BranchStatus
    commit: str | None
    other_refs: tuple[str, ...] = ()


def read_branch(
    remote: Remote,
    branch: str,
    timeout_s: float,
    *,
    others_max: int = 0,
    client: HttpClient | None = None,
) -> RemoteBranch:
    """Ask a remote for the tip of `branch`.

    Args:
        remote: the remote to ask.
        branch: short name of the branch.
        timeout_s: limit for the whole probe.
        others_max: how many names of other refs are wanted.
        client: sends the request over http, and keeps its connection for the next one.

    Raises:
        UnreachableError: no response, or one that says the server is out of order.
        RepoGoneError: no repo at that address.
        AccessDeniedError: the token or key is refused, or the server's identity is wrong.
        ObjectFormatError: it was made with another object format than sha1.
        RemoteError: anything else.
    """
    ref = f"refs/heads/{branch}"
    match remote.transport:
        case Transport.SSH:
            found = _by_git(remote, ref, timeout_s)
        case Transport.FILE:
            found = _by_libgit2(remote, ref, timeout_s)
        case _ if is_socks(remote.url):
            found = _by_git(remote, ref, timeout_s)
        case _:
            found = advertised(remote, ref, timeout_s, others_max=others_max, client=client)
    others = found.others[:others_max]
    if found.commit is None:
        status = BranchStatus.MISSING if found.has_refs else BranchStatus.EMPTY
        return RemoteBranch(status, None, others)
    if _COMMIT.fullmatch(found.commit) is None:
        raise object_format_error(remote.url)
    return RemoteBranch(BranchStatus.PRESENT, found.commit, others)


def fetch(
    remote: Remote,
    repo_dir: Path,
    refspec: str,
    *,
    timeout_s: float,
    memory_bytes_max: int | None = None,
    file_bytes_max: int | None = None,
    options: tuple[str, ...] = (),
) -> None:
    """Fetch a ref with the git program under limits; git checks every object.

    Args:
        remote: the remote to fetch from.
        repo_dir: the bare repo that receives.
        refspec: source and destination, such as `+refs/heads/main:refs/remotes/origin/main`.
        timeout_s: git is killed after this many seconds.
        memory_bytes_max: address space of each git process; at a `file://` remote also of the
            process that reads the other repo.
        file_bytes_max: size limit of a file, and so of a pack.
        options: further options of `git fetch`, such as `--depth=1`.

    Raises:
        UnreachableError, RepoGoneError, AccessDeniedError: as `read_branch`.
        GitTimeoutError: git exceeded its time limit.
        ContentRefusedError: the content was damaged or too big.
        RemoteError: anything else.
    """
    # one pack each time, not a file for each object
    settings = RECEIVING_SETTINGS | {"fetch.unpackLimit": "1"}
    result = run_git(
        [
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc"),
            *("--no-recurse-submodules", *options, "--", remote.url, refspec),
        ],
        cwd=repo_dir,
        timeout_s=timeout_s,
        environment=with_settings(environment(remote), settings),
        memory_bytes_max=memory_bytes_max,
        file_bytes_max=file_bytes_max,
    )
    if result.returncode != 0:
        raise not_received(remote, repo_dir, result.stderr)


def not_received(remote: Remote, repo_dir: Path, words: str) -> RemoteError:
    """The error for what git says when it did not take over what a remote sent."""
    found = failure(remote.url, words)
    says, do = why_not_written(repo_dir)
    return RemoteError(f"{says}: {found}", hint=do) if says else found


def with_settings(variables: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """Add git settings to an environment that may already hold some."""
    count = int(variables.get("GIT_CONFIG_COUNT", "0"))
    stated = {
        variables[f"GIT_CONFIG_KEY_{i}"]: variables[f"GIT_CONFIG_VALUE_{i}"] for i in range(count)
    }
    return variables | config_environment(stated | settings)


def _by_git(remote: Remote, ref: str, timeout_s: float) -> Advertised:
    result = run_git(
        ["ls-remote", "--quiet", "--", remote.url],
        timeout_s=timeout_s,
        environment=environment(remote),
    )
    if result.returncode != 0:
        raise failure(remote.url, result.stderr)
    found = re.search(rb"(?m)^(\S+)\t%b$" % re.escape(ref.encode()), result.stdout)
    commit = None if found is None else found[1].decode(errors="replace")
    names = re.findall(rb"(?m)^\S+\t(refs/\S+)$", result.stdout)
    others = (name.decode(errors="replace") for name in names)
    return Advertised(commit, bool(result.stdout), tuple(n for n in others if n != ref))


def _by_libgit2(remote: Remote, ref: str, timeout_s: float) -> Advertised:
    import pygit2

    from gitmeter.git_remote.libgit2 import ignore_user_settings

    ignore_user_settings()
    try:
        heads = pygit2.Repository().remotes.create_anonymous(remote.url).list_heads()
    except pygit2.GitError as error:
        raise failure(remote.url, str(error)) from error
    commit = next((str(head.oid) for head in heads if head.name == ref), None)
    if commit is None and heads:  # it leaves out refs that it cannot open, as without descriptors
        return _by_git(remote, ref, timeout_s)
    others = (str(head.name) for head in heads if str(head.name).startswith("refs/"))
    return Advertised(commit, bool(heads), tuple(n for n in others if n != ref))
