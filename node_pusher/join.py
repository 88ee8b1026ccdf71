"""Making a home: on an empty remote, on one with history (a new epoch), or once more (rejoin).

A node that died may have recorded numbers that were never pushed. So whoever joins a history starts
at the next multiple of 1,000,000,000 above everything in it, plus 1, and gives none of them twice.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from git_remote.failures import RemoteError
from node_pusher.home import FOLDER_MODE, OWNER_HINT, Home, check_names, wrong_role
from node_pusher.ledger_repo import CommitInfo, LedgerRepo, repo_faults
from node_pusher.locks import push_lock, sweep_stale_locks
from node_pusher.outcomes import HomeError
from node_pusher.remote_history import (
    ask,
    check_history,
    fetch_unknown,
    first_seq_above,
    highest_of,
)
from node_pusher.seal import epoch_of
from node_pusher.store import Store, is_missing
from wire_format.instants import to_us
from wire_format.segment import decode_segment

_LEFT: Final = "refs/rejoin/left"


@dataclass(frozen=True)
class InitReport:
    """What `init` did.

    Attributes:
        node: whose home it is.
        next_seq: the number of its next record.
        epoch: the epoch that number is in, from 0.
        outcome: `created`, `joined`, `rejoined`, or `unchanged`.
        left_behind: commits that a rejoin did not carry over, newest first: those of plain files,
            and any whose numbers other records have; they are kept below `refs/rejoin/left`.
        spool_lost: whether the home had no spool any more and got a new one, in a new epoch.
    """

    node: str
    next_seq: int
    epoch: int
    outcome: str
    left_behind: tuple[str, ...] = ()
    spool_lost: bool = False


def init(wanted: Home, now: datetime, *, rejoin: bool = False) -> InitReport:
    """Make a home, or check that it is there.

    Args:
        wanted: folder, node and remote.
        now: names what a rejoin leaves behind.
        rejoin: the home exists, and its remote went ahead of it: take over what the remote holds in
            a new epoch; records that were not sent are sent on top of it.

    Raises:
        HomeError: a name is none, or the home or the remote belongs to another node.
        UnreachableError: the remote does not answer; it must, to know the epoch.
        RemoteError: the remote cannot be used.
        BusyError: another process commits or pushes from there.
    """
    check_names(wanted)
    _make_folder(wanted)
    with push_lock(wanted.path), repo_faults(wanted):
        present = Home.find(wanted.path)
        if present is None:
            if rejoin:
                raise HomeError(f"there is no node in {wanted.path} to rejoin with")
            return _make(wanted, now)
        home = _same(present, wanted)
        lost = is_missing(home.spool_file)
        if lost:
            _replace_spool(home)
        if rejoin:
            return replace(_rejoin(home, now), spool_lost=lost)
        if home != present:
            home.write()
        with Store.open(home.spool_file, home.node) as store:
            return replace(_report(home, store, "unchanged"), spool_lost=lost)


def _make_folder(home: Home) -> None:
    try:
        home.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        hint = OWNER_HINT if isinstance(error, PermissionError) else ""
        raise HomeError(f"{error.filename}: {error.strerror}", hint=hint) from error


def _same(present: Home, wanted: Home) -> Home:
    """The home with the files of `wanted`, which must be the same node at the same place."""
    if present.role != wanted.role:
        raise wrong_role(present, wanted.role)
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


def _make(home: Home, now: datetime) -> InitReport:
    """Everything up to the settings may be repeated; they are written last and make it a home.

    The spool is made once the history was seen to be this node's. A repo may stand here already,
    its settings lost: what it holds counts too.
    """
    seen = ask(home)
    with _opened(home) as repo:
        fetched = fetch_unknown(home, repo, seen)
        tips = [tip for tip in (repo.tip, fetched) if tip is not None]
        for tip in tips:
            check_history(home, repo, tip)
        first_seq = first_seq_above(highest_of(repo, tips)) if tips else 1
    left: tuple[str, ...] = ()
    with Store.create(home.spool_file, home.node, first_seq) as store:
        if fetched is not None:
            store.raise_next_seq(first_seq)
            left = _take_over(repo, store, fetched, now)
        home.write()
        return _report(home, store, "joined" if tips else "created", left)


@contextmanager
def _opened(home: Home) -> Iterator[LedgerRepo]:
    """The repo, made where there is none; one that was made goes again when this fails."""
    new = not home.repo_dir.exists()
    try:
        repo = LedgerRepo.create(home)
        sweep_stale_locks(home.repo_dir)
        yield repo
    except BaseException:
        if new:
            shutil.rmtree(home.repo_dir, ignore_errors=True)
        raise


def _replace_spool(home: Home) -> None:
    """Make a spool in place of one that was lost.

    It gave numbers that are in no commit, so the new one starts in an epoch above all that is in
    the repo here, waiting commits included, and on the remote. Without the remote what is here is
    enough; with nothing here it is asked like a new home's.
    """
    with _opened(home) as repo:
        seen = None
        try:
            seen = ask(home)
        except RemoteError:
            if repo.tip is None:
                raise
        fetched = None if seen is None else fetch_unknown(home, repo, seen)
        if fetched is not None:
            check_history(home, repo, fetched)
        tips = [tip for tip in (repo.tip, fetched) if tip is not None]
        first_seq = first_seq_above(highest_of(repo, tips))
        if fetched is not None and repo.tip is None:
            repo.set_pushed(fetched)
            repo.set_tip(fetched)
    Store.create(home.spool_file, home.node, first_seq).close()


def _rejoin(home: Home, now: datetime) -> InitReport:
    """Every step may be repeated: `pushed` moves first, so nothing counts as sent meanwhile."""
    seen = ask(home)
    with _opened(home) as repo, Store.open(home.spool_file, home.node) as store:
        tip = fetch_unknown(home, repo, seen)
        if tip is None:
            return _report(home, store, "unchanged")
        check_history(home, repo, tip)
        tips = [each for each in (repo.tip, tip) if each is not None]
        highest = max(highest_of(repo, tips), store.state().next_seq - 1)
        store.raise_next_seq(first_seq_above(highest))
        return _report(home, store, "rejoined", _take_over(repo, store, tip, now))


def _take_over(repo: LedgerRepo, store: Store, tip: str, now: datetime) -> tuple[str, ...]:
    """Let the branch stand at the remote's commit; returns what of ours is not carried over.

    Records of commits that the remote has not go back to the spool, which may be a new one.
    """
    left = [info for info in _left_behind(repo, tip) if not _put_back(repo, store, info)]
    if left and repo.tip is not None:
        repo.keep(repo.tip, f"{_LEFT}/{now:%Y%m%dT%H%M%SZ}")
    repo.set_pushed(tip)
    repo.set_tip(tip)
    return tuple(f"{info.commit[:12]} {info.message.splitlines()[0]}" for info in left)


def _put_back(repo: LedgerRepo, store: Store, info: CommitInfo) -> bool:
    """Whether the spool holds now all that a commit added."""
    if info.summary is None:
        return False
    try:
        segments = repo.segments_of(info.commit)
    except KeyError:
        return False  # the oldest commit of a shallow clone, without its parent and files
    back = []
    for segment in segments:
        lines = decode_segment(segment.data, segment.folder).records
        back.append(store.put_back(segment, [to_us(line.ts) for line in lines]))
    return all(back)


def _left_behind(repo: LedgerRepo, tip: str) -> list[CommitInfo]:
    """Commits made here that the remote's history does not hold."""
    theirs = {info.commit for info in repo.history(tip)}
    return [] if repo.tip is None else [i for i in repo.history() if i.commit not in theirs]


def _report(
    home: Home, store: Store, outcome: str, left_behind: tuple[str, ...] = ()
) -> InitReport:
    next_seq = store.state().next_seq
    return InitReport(home.node, next_seq, epoch_of(next_seq), outcome, left_behind)
