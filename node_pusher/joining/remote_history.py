"""What the remote has when a home is made or joins again: which node's it is, and which numbers.

A node claims an epoch by a file `epochs/<10 digits>` that contains its name. Paths are
visible at any later commit, also in a shallow clone without file contents.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from gitmeter.git_remote.branch import BranchStatus, RemoteBranch, fetch, read_branch
from gitmeter.git_remote.failures import RemoteError, UnreachableError
from node_pusher.home.errors import HomeError
from node_pusher.home.home import HomeRepo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.branch import PROBE_TIMEOUT_S
from node_pusher.sending.moved_mark import MOVED_PATH
from wire_format.commit_message import stated_node
from wire_format.fields import EPOCH_SIZE, SEGMENT_RECORDS_MAX, epoch_of, is_node
from wire_format.lines import Folder
from wire_format.paths import InvalidPathError, SegmentPath, parse_path

_FETCH_TIMEOUT_S: Final = 1800
_FETCHED: Final = "refs/rejoin/fetched"
_HARMLESS: Final = re.compile(
    r"(?i)(readme|licen[sc]e|copying|changelog|\.git).*|rules|decisions|epochs"
)
"""What may be in a repo without segments: a forge's own files, claims, and rule books."""

_TELLING: Final = {*Folder, "epochs"}
"""Folders with files that name their node."""

_CLAIM: Final = re.compile(r"epochs/([0-9]{10})")


def first_seq_above(highest: int) -> int:
    """The first number of the next epoch above every number that may have been assigned."""
    return (epoch_of(max(highest, 1)) + 1) * EPOCH_SIZE + 1


def claim_path(epoch: int) -> str:
    """The path of the claim of an epoch."""
    return f"epochs/{epoch:010d}"


def read_remote(repo: HomeRepo) -> RemoteBranch:
    """The branch on the remote.

    Raises:
        UnreachableError, RemoteError: the remote cannot be asked.
        HomeError: it has only other branches.
    """
    try:
        seen = read_branch(repo.remote, repo.branch, PROBE_TIMEOUT_S)
    except UnreachableError as error:
        raise type(error)(
            f"{error}; init needs the remote, to know which numbers are free and to claim them",
            hint=error.hint or "run the same command again when the remote answers",
        ) from error
    if seen.status is BranchStatus.MISSING:
        raise HomeError(
            f"{repo.remote.url} has other branches, but no {repo.branch}",
            hint="use an empty repo, or name the branch of this node with --branch",
        )
    return seen


def fetch_missing(repo: LedgerRepo, seen: RemoteBranch) -> str | None:
    """Fetch what the remote has and the repo here does not; returns the commit, None if nothing."""
    if seen.commit is None or repo.builds_on(seen.commit):
        return None
    _fetch(repo.home_repo, shallow=repo.tip is None)
    return _fetched(repo)


def drop_fetched(repo: LedgerRepo) -> None:
    """Let git collect what was fetched and refused."""
    repo.forget(_FETCHED)


def _fetch(repo: HomeRepo, *, shallow: bool) -> None:
    """Fetch without history and file contents for a new home: trees and one commit are enough.

    A server that cannot filter sends the files too, of which git only warns; one that refuses to
    leave anything out is asked for everything.
    """
    refspec = f"+refs/heads/{repo.branch}:{_FETCHED}"
    if shallow:
        try:
            _fetch_ref(repo, refspec, "--depth=1", "--filter=blob:none")
        except RemoteError as error:
            if type(error) is not RemoteError:  # its cause is known, and is another one
                raise
            _fetch_ref(repo, refspec, "--no-filter")
    else:
        _fetch_ref(repo, refspec)


def _fetch_ref(repo: HomeRepo, refspec: str, *options: str) -> None:
    fetch(repo.remote, repo.path, refspec, timeout_s=_FETCH_TIMEOUT_S, options=options)


def _fetched(repo: LedgerRepo) -> str:
    tip = repo.target(_FETCHED)
    if tip is None:
        raise RemoteError("the remote's branch went away while it was fetched")
    return tip


def _segments(repo: LedgerRepo, commit: str) -> list[tuple[SegmentPath, str]]:
    """The segments at a commit, each with its blob id."""
    found = []
    for path, blob in repo.paths(commit):
        try:
            found.append((parse_path(path), blob))
        except InvalidPathError:
            continue  # other files do not matter here
    return found


def _claims(repo: LedgerRepo, commit: str) -> list[tuple[int, str]]:
    """The epochs that are claimed at a commit, each with the blob id of the claim."""
    found = [(_CLAIM.fullmatch(path), blob) for path, blob in repo.paths(commit)]
    return [(int(match[1]), blob) for match, blob in found if match is not None]


def _highest_seq(repo: LedgerRepo, commit: str) -> int:
    """The highest number of segments, trailer and claims; of a claimed epoch its first number."""
    firsts = [path.first_seq + SEGMENT_RECORDS_MAX - 1 for path, _ in _segments(repo, commit)]
    claimed = [epoch * EPOCH_SIZE + 1 for epoch, _ in _claims(repo, commit)]
    stated = next(repo.history(commit)).summary
    return max([*firsts, *claimed, 0 if stated is None else stated.last_seq])


def highest_used(repo: LedgerRepo, tips: Iterable[str]) -> int:
    """A number in the highest epoch that the history of these commits uses; 0 for none."""
    return max((_highest_seq(repo, tip) for tip in tips), default=0)


def moved_to(repo: LedgerRepo, commit: str) -> str | None:
    """The address in a history's moved mark; None if it has none."""
    mark = repo.blob_at(commit, MOVED_PATH)
    if mark is None:
        return None
    return repo.fetch_blob(mark).decode("ascii", "replace").strip() or "another repo"


def check_stated(repo: LedgerRepo, commit: str) -> None:
    """Refuse a history that its newest commit and its root folder show to be another's.

    No other folder is opened, so this costs little whoever wrote it.

    Raises:
        HomeError: it is not this node's, or no pusher's, or has a moved mark.
    """
    node, url = repo.home_repo.node, repo.home_repo.remote.url
    if (to := moved_to(repo, commit)) is not None:
        raise HomeError(
            f"{node} has left {url} and goes on in {to}",
            hint="there it is known which numbers are free: name its newest repo with --remote, and"
            " add --rejoin if this home was restored from a backup",
        )
    stated = stated_node(next(repo.history(commit)).message)
    if stated is not None:
        _check_owner(repo, stated)
        return
    if not repo.top_names(commit) & _TELLING:
        _check_strangers(repo, commit)


def check_history(repo: LedgerRepo, commit: str) -> bool:
    """Refuse a history that was written by another node, or not by a pusher.

    It opens every folder, so `check_stated` and a look at the commit's signature come first.

    Returns:
        whether it is this node's; otherwise it has no records at all.

    Raises:
        HomeError: it is not this node's, or no pusher's.
    """
    owner = _owner(repo, commit)
    if owner is None:
        _check_strangers(repo, commit)
        return False
    _check_owner(repo, owner)
    return True


def _check_owner(repo: LedgerRepo, owner: str) -> None:
    node = repo.home_repo.node
    if owner != node:
        raise HomeError(
            f"{repo.home_repo.remote.url} is the repo of {owner}, not of {node}",
            hint="every node has a repo of its own",
        )


def _check_strangers(repo: LedgerRepo, commit: str) -> None:
    names = repo.top_names(commit)
    strangers = sorted(name for name in names if _HARMLESS.fullmatch(name) is None)
    if strangers:
        raise HomeError(
            f"{repo.home_repo.remote.url} holds what no pusher has written:"
            f" {', '.join(strangers[:5])}",
            hint="use an empty repo",
        )


def _owner(repo: LedgerRepo, commit: str) -> str | None:
    """The node that a history names: in its newest trailers, its newest segment or its claims."""
    stated = stated_node(next(repo.history(commit)).message)
    if stated is not None:
        return stated
    if segments := _segments(repo, commit):
        line = repo.fetch_blob(max(segments)[1]).partition(b"\n")[0]
        try:
            return str(msgspec.json.decode(line)["node"])
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
            return "(a segment without a node)"
    if claims := _claims(repo, commit):
        name = repo.fetch_blob(max(claims)[1]).decode(errors="replace").strip()
        return name if is_node(name) else "(a claim without a node)"
    return None
