"""Making a home: on an empty remote, on one with history (a new epoch), or once more (rejoin).

A node that died may have recorded numbers that were never pushed. So whoever joins a history starts
at the next multiple of 1,000,000,000 above everything in it, plus 1, and gives none of them twice.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from git_remote.branch import BranchStatus, RemoteBranch, fetch, read_branch
from git_remote.failures import RemoteError, UnreachableError
from git_remote.remote import environment
from git_remote.runner import run_git
from node_pusher.home import FOLDER_MODE, Home
from node_pusher.ledger_repo import CommitInfo, LedgerRepo
from node_pusher.locks import push_lock, sweep_stale_locks
from node_pusher.outcomes import HomeError
from node_pusher.push import PROBE_TIMEOUT_S
from node_pusher.seal import epoch_of
from node_pusher.store import Store
from wire_format.fields import EPOCH_SIZE, SEGMENT_RECORDS_MAX
from wire_format.paths import InvalidPathError, SegmentPath, parse_path

_FETCH_TIMEOUT_S: Final = 1800
_FETCHED: Final = "refs/rejoin/fetched"
_LEFT: Final = "refs/rejoin/left"
_HARMLESS: Final = re.compile(r"(?i)(readme|licen[sc]e|copying|changelog|\.git).*|rules|decisions")
"""What may stand in a repo without segments: what a forge puts there, and rule books."""


@dataclass(frozen=True)
class InitReport:
    """What `init` did.

    Attributes:
        node: whose home it is.
        next_seq: the number of its next record.
        epoch: the epoch that number is in, from 0.
        outcome: `created`, `joined`, `rejoined`, or `unchanged`.
        left_behind: commits of plain files that a rejoin did not carry over, newest first; they are
            kept below `refs/rejoin/left`.
    """

    node: str
    next_seq: int
    epoch: int
    outcome: str
    left_behind: tuple[str, ...] = ()


def init(wanted: Home, now: datetime, *, rejoin: bool = False) -> InitReport:
    """Make a home, or check that it is there.

    Args:
        wanted: folder, node and remote.
        now: names what a rejoin leaves behind.
        rejoin: the home exists, and its remote went ahead of it: take over what the remote holds in
            a new epoch; records that were not sent are sent on top of it.

    Raises:
        HomeError: the home or the remote belongs to another node.
        UnreachableError: the remote does not answer; it must, to know the epoch.
        RemoteError: the remote cannot be used.
        BusyError: another process commits or pushes from there.
    """
    wanted.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with push_lock(wanted.path):
        present = Home.find(wanted.path)
        if present is None:
            if rejoin:
                raise HomeError(f"there is no node in {wanted.path} to rejoin with")
            return _make(wanted)
        home = _same(present, wanted)
        if rejoin:
            return _rejoin(home, now)
        if home != present:
            home.write()
        with Store.create(home.spool_file, home.node) as store:
            return _report(home, store, "unchanged")


def _same(present: Home, wanted: Home) -> Home:
    """The home with the files of `wanted`, which must be the same node at the same place."""
    mine = (present.node, present.remote.url, present.branch)
    theirs = (wanted.node, wanted.remote.url, wanted.branch)
    if mine != theirs:
        raise HomeError(
            f"{present.path} is the home of {mine[0]} at {mine[1]} ({mine[2]}),"
            f" not of {theirs[0]} at {theirs[1]} ({theirs[2]})",
            hint="give every node a folder of its own with --home",
        )
    asked = wanted.remote
    anything = asked.token_file or asked.ssh_key_file or asked.known_hosts_file
    return wanted if anything else present


def _make(home: Home) -> InitReport:
    """Everything up to the settings may be repeated; they are written last and make it a home."""
    seen = _ask(home)
    repo = LedgerRepo.create(home)
    sweep_stale_locks(home.repo_dir)
    with Store.create(home.spool_file, home.node) as store:
        if seen.commit is None:
            outcome = "created"
        else:
            outcome = "joined"
            _fetch(home, shallow=True)
            tip = _fetched(repo)
            _check_history(home, repo, tip)
            store.raise_next_seq(first_seq_above(_highest_seq(repo, tip)))
            repo.set_pushed(tip)
            repo.set_tip(tip)
        home.write()
        return _report(home, store, outcome)


def _rejoin(home: Home, now: datetime) -> InitReport:
    """Every step may be repeated: `pushed` moves first, so nothing counts as sent meanwhile."""
    seen = _ask(home)
    repo = LedgerRepo.create(home)
    sweep_stale_locks(home.repo_dir)
    with Store.create(home.spool_file, home.node) as store:
        if seen.commit is None or repo.builds_on(seen.commit):
            return _report(home, store, "unchanged")
        _fetch(home, shallow=repo.tip is None)
        tip = _fetched(repo)
        _check_history(home, repo, tip)
        highest = max(_highest_seq(repo, tip), store.state().next_seq - 1)
        store.raise_next_seq(first_seq_above(highest))
        left = [info for info in _left_behind(repo, tip) if info.summary is None]
        if left and repo.tip is not None:
            repo.keep(repo.tip, f"{_LEFT}/{now:%Y%m%dT%H%M%SZ}")
        repo.set_pushed(tip)
        repo.set_tip(tip)
        subjects = tuple(f"{info.commit[:12]} {info.message.splitlines()[0]}" for info in left)
        return _report(home, store, "rejoined", subjects)


def _left_behind(repo: LedgerRepo, tip: str) -> list[CommitInfo]:
    """Commits made here that the remote's history does not hold."""
    theirs = {info.commit for info in repo.history(tip)}
    return [] if repo.tip is None else [i for i in repo.history() if i.commit not in theirs]


def first_seq_above(highest: int) -> int:
    """The first number of the next epoch above everything that may have been given."""
    return (epoch_of(max(highest, 1)) + 1) * EPOCH_SIZE + 1


def _ask(home: Home) -> RemoteBranch:
    try:
        seen = read_branch(home.remote, home.branch, PROBE_TIMEOUT_S)
    except UnreachableError as error:
        raise type(error)(
            f"{error}; init needs the remote once, to know which numbers are free",
            hint=error.hint or "run the same command again when the remote answers",
        ) from error
    if seen.status is BranchStatus.MISSING:
        raise HomeError(
            f"{home.remote.url} has other branches, but no {home.branch}",
            hint="use an empty repo, or name the branch of this node with --branch",
        )
    return seen


def _fetch(home: Home, *, shallow: bool) -> None:
    """Without history and file contents when a home is made: trees and one commit are enough.

    A server that cannot filter sends the files too; git says so and goes on.
    """
    options = ("--depth=1", "--filter=blob:none") if shallow else ()
    refspec = f"+refs/heads/{home.branch}:{_FETCHED}"
    fetch(home.remote, home.repo_dir, refspec, timeout_s=_FETCH_TIMEOUT_S, options=options)


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
            continue  # other files are nobody's business here
    return found


def _highest_seq(repo: LedgerRepo, commit: str) -> int:
    """No number above this one stands in the history of `commit`; 0 when there is none."""
    firsts = [path.first_seq + SEGMENT_RECORDS_MAX - 1 for path, _ in _segments(repo, commit)]
    stated = next(repo.history(commit)).summary
    return max([*firsts, 0 if stated is None else stated.last_seq])


def _check_history(home: Home, repo: LedgerRepo, commit: str) -> None:
    """Refuse a history that another node, or no pusher at all, has written.

    Raises:
        HomeError: it is not this node's.
    """
    owner = _owner(home, repo, commit)
    if owner == home.node:
        return
    if owner is not None:
        raise HomeError(
            f"{home.remote.url} is the repo of {owner}, not of {home.node}",
            hint="every node has a repo of its own",
        )
    strangers = sorted(name for name in repo.top_names(commit) if _HARMLESS.fullmatch(name) is None)
    if strangers:
        raise HomeError(
            f"{home.remote.url} holds what no pusher has written: {', '.join(strangers[:5])}",
            hint="use an empty repo",
        )


def _owner(home: Home, repo: LedgerRepo, commit: str) -> str | None:
    """The node that a history names: in its newest trailer, else in its newest segment."""
    stated = next(repo.history(commit)).summary
    if stated is not None:
        return stated.node
    segments = _segments(repo, commit)
    if not segments:
        return None
    _, blob = max(segments)
    shown = run_git(
        ["cat-file", "blob", blob],  # a partial clone fetches it here
        cwd=home.repo_dir,
        timeout_s=_FETCH_TIMEOUT_S,
        environment=environment(home.remote),
    )
    try:
        first = msgspec.json.decode(shown.stdout.partition(b"\n")[0])
        return str(first["node"])
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return "(a segment without a node)"


def _report(
    home: Home, store: Store, outcome: str, left_behind: tuple[str, ...] = ()
) -> InitReport:
    next_seq = store.state().next_seq
    return InitReport(home.node, next_seq, epoch_of(next_seq), outcome, left_behind)
