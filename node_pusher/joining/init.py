"""Making a home: on an empty remote, on one with history (a new epoch), or once more (rejoin).

A node that died may have recorded numbers that were never pushed. A home that joins a history
therefore starts in the next epoch: at the next multiple of 1,000,000,000 above everything in it,
plus 1. An epoch is claimed on the remote first, so that it counts even if none of its records ever
arrive there.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.git_remote.failures import PushRefusedError
from gitmeter.git_remote.runner import check_git_version
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.known_repos import note_place, restored_home, with_newer_repo
from node_pusher.home.layout import key_file, make_folder
from node_pusher.home.locks import push_lock, sweep_stale_locks
from node_pusher.home.new_address import naming_new_address
from node_pusher.home.own_key import OwnKey, ensure_key, own_key
from node_pusher.home.settings import check_names
from node_pusher.home.settings_file import find_home, write_home
from node_pusher.joining.carry_over import take_over
from node_pusher.joining.epoch_claim import claim_epoch
from node_pusher.joining.existing_home import is_elsewhere, newer_place, same_home
from node_pusher.joining.previous_repo import PreviousRepo, read_previous_repo
from node_pusher.joining.remote_history import (
    check_history,
    check_stated,
    fetch_missing,
    first_seq_above,
    highest_used,
    read_remote,
)
from node_pusher.joining.trust import OWN_KEYS_ONLY, Vouched, check_tip, check_vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.spool.file.connection import is_missing
from node_pusher.spool.store import Store
from wire_format.fields import EPOCH_SIZE, INT_MAX, epoch_of

_TRIES_MAX: Final = 10
_GONE: Final = ".removed"
"""Ends the name of a repo that is being removed, which none in use has."""


@dataclass(frozen=True)
class InitReport:
    """What `init` did.

    Attributes:
        node: the node's name.
        next_seq: the number of its next record.
        epoch: the epoch that number is in, from 0.
        outcome: `created`, `joined`, `rejoined` (in a new epoch), or `unchanged`.
        signer: the key that signs here.
        left_behind: commits that a rejoin did not carry over, newest first: those of plain files,
            and those with numbers that other records have; they are kept below `refs/rejoin/left`.
        spool_lost: whether the spool was missing and was made anew, in a new epoch.
        key_made: whether the key was made now.
    """

    node: str
    next_seq: int
    epoch: int
    outcome: str
    signer: OwnKey
    left_behind: tuple[str, ...] = ()
    spool_lost: bool = False
    key_made: bool = False


def init(
    wanted: Home, now: datetime, *, rejoin: bool = False, vouched: Vouched = OWN_KEYS_ONLY
) -> InitReport:
    """Make a home, or check an existing one; either way it has a key to sign with afterwards.

    Args:
        wanted: folder, node and remote.
        now: the time of the claim, at which keys must be valid.
        rejoin: the home exists, and was restored from a backup or its remote is ahead of it: take
            over what the remote has and continue in a new epoch; records that were not sent are
            sent on top of it. A home without its spool does so in any case. If the node has gone on
            in another repo since, name that one: it is the one to take over.
        vouched: the commit and keys to trust, apart from the home's own keys, where the remote has
            commits that were not made here.

    Raises:
        HomeError: a name is not valid, the home or the remote belongs to another node, or the
            remote's commit is not trusted.
        SigningKeyError, AllowedSignersError: a file with keys cannot be used.
        UnreachableError: the remote does not answer, or (`PushRefusedError`) does not accept the
            claim of an epoch; no numbers are assigned yet.
        RemoteError: the remote cannot be used, or may not be written.
        BusyError: another process commits or pushes from there.
        GitTooOldError, GitMissingError: the git program cannot be used.
        WrongUserError: this is root, and the folder is another user's.
    """
    check_names(wanted.settings)
    check_vouched(vouched)
    check_git_version()
    make_folder(wanted.path)
    with push_lock(wanted.path), repo_errors(wanted.repo.path):
        present = find_home(wanted.path)
        if present is None:
            if rejoin:
                raise HomeError(f"there is no node in {wanted.path} to rejoin with")
            return _start_epoch(restored_home(wanted), None, now, vouched)
        lost, previous = is_missing(wanted.spool_file), None
        if rejoin and is_elsewhere(present, wanted):
            previous = read_previous_repo(present, wanted.repo.remote.url, vouched, now)
            home = with_newer_repo(present, newer_place(present, wanted))
        else:
            home = same_home(present, wanted)
        if lost or rejoin:
            hinting = naming_new_address(present) if previous is None else nullcontext()
            with repo_errors(home.repo.path), hinting:
                report = _start_epoch(home, present, now, vouched, previous)
            return replace(report, spool_lost=lost)
        return _keep(home, present)


def _keep(home: Home, present: Home) -> InitReport:
    """Keep an existing home; a lost key is made anew."""
    key_made = ensure_key(home.path, home.node, replace_lost=True)
    if home != present:
        write_home(home)
    if home.repo.path.exists():
        note_place(home.repo)
    with Store.open(home.spool_file, home.node) as store:
        return replace(_report(home, store, "unchanged"), key_made=key_made)


class _Claim(NamedTuple):
    """An epoch that was claimed for this home.

    Attributes:
        commit: the commit on the remote that says so.
        first_seq: its first number.
        fetched: the remote's commit before that, if it was not here; else None.
        is_first: whether both this repo and the remote were empty.
    """

    commit: str
    first_seq: int
    fetched: str | None
    is_first: bool


def _start_epoch(
    home: Home,
    present: Home | None,
    now: datetime,
    vouched: Vouched,
    previous: PreviousRepo | None = None,
) -> InitReport:
    """Claim an epoch, then move the repo to the claim and the spool into the epoch.

    All of it may be repeated, at the cost of an epoch. The settings are written last and make it a
    home. A repo may exist already, with its settings or spool lost: what it has counts too.

    Args:
        home: to be made, or to be continued in a new epoch.
        present: what its settings say now; None before there are any.
        now: the time of the claim.
        vouched: the commit and keys to trust.
        previous: the repo that the settings name, where the node has left it; else None.
    """
    key_made = not key_file(home.path).exists()
    given = max(
        _highest_given(home), 0 if present is None else 1, previous.highest if previous else 0
    )
    with _opened(home.repo) as repo:
        claim = _claim(home, repo, given, vouched, now, must_be_own=previous is not None)
        is_ours = repo.tip is not None and claim.fetched is None
        if (
            is_ours
        ):  # commits that waited here were pushed with it; the next push retires their records
            repo.set_tip(claim.commit)
    behind: tuple[str, ...] = ()
    with Store.create(home.spool_file, home.node, claim.first_seq) as store:
        store.raise_next_seq(claim.first_seq)
        if previous is not None:
            behind = previous.carry_over(store, now)
        if not is_ours:
            behind += take_over(repo, store, claim.commit, now)
        note_place(home.repo)
        if home != present:
            write_home(home)
        if previous is not None:
            previous.settle()
        outcome = "rejoined"
        if present is None:
            outcome = "created" if claim.is_first else "joined"
        return replace(_report(home, store, outcome, behind), key_made=key_made)


def _highest_given(home: Home) -> int:
    """The last number that the spool assigned; 0 if it assigned none or is missing."""
    if is_missing(home.spool_file):
        return 0
    with Store.open(home.spool_file, home.node) as store:
        return store.state().next_seq - 1


def _claim(
    home: Home,
    repo: LedgerRepo,
    given: int,
    vouched: Vouched,
    now: datetime,
    *,
    must_be_own: bool = False,
) -> _Claim:
    """Claim the next free epoch; try again while others push to the remote."""
    for _ in range(_TRIES_MAX):
        seen = read_remote(home.repo)
        fetched = fetch_missing(repo, seen)
        tips = [tip for tip in (repo.tip, fetched) if tip is not None]
        for tip in tips:
            check_stated(repo, tip)
        if fetched is not None:
            check_tip(repo, fetched, vouched, now)
        is_own = [check_history(repo, tip) for tip in tips]
        if must_be_own and not any(is_own):
            raise HomeError(
                f"{home.repo.remote.url} holds nothing of {home.node}: it has not gone on there",
                hint="name the repo where it was last with --remote",
            )
        highest = max(highest_used(repo, tips), given)
        is_first = not tips and not highest
        first_seq = 1 if is_first else first_seq_above(highest)
        if first_seq + EPOCH_SIZE - 1 > INT_MAX:
            raise HomeError(f"{home.repo.remote.url} claims the last epoch: no numbers are left")
        ensure_key(home.path, home.node, replace_lost=True)
        commit = claim_epoch(repo, fetched or repo.tip, first_seq, seen, now)
        if commit is not None:
            return _Claim(commit, first_seq, fetched, is_first)
    raise PushRefusedError(f"{home.repo.remote.url}: others keep pushing there; try again")


@contextmanager
def _opened(source: HomeRepo) -> Iterator[LedgerRepo]:
    """The repo, made where there is none; a new one is removed again if this fails."""
    new = not source.path.exists()
    try:
        repo = LedgerRepo.create(source)
        sweep_stale_locks(source.path)
        yield repo
    except BaseException:
        if new:
            _remove(source.path)
        raise


def _remove(repo: Path) -> None:
    """Remove a repo as a whole: half of one would be taken for a damaged repo by the next try."""
    gone = repo.with_name(f"{repo.name}{_GONE}")
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(OSError):  # what the caller raises says what is wrong with the disk
        repo.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _report(
    home: Home, store: Store, outcome: str, left_behind: tuple[str, ...] = ()
) -> InitReport:
    next_seq = store.state().next_seq
    key = own_key(home.path, home.node)
    return InitReport(home.node, next_seq, epoch_of(next_seq), outcome, key, left_behind)
