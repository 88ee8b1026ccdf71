"""Making a home: on an empty remote, on one with history (a new epoch), or once more (rejoin).

A node that died may have recorded numbers that were never pushed. So whoever joins a history starts
in the next epoch: at the next multiple of 1,000,000,000 above everything in it, plus 1. An epoch is
claimed on the remote first, so that it counts even if no record of it ever gets there.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from node_pusher.epoch_claim import claim_epoch
from node_pusher.home import FOLDER_MODE, OWNER_HINT, Home, check_names, wrong_role
from node_pusher.ledger_repo import CommitInfo, LedgerRepo
from node_pusher.locks import push_lock, sweep_stale_locks
from node_pusher.outcomes import HomeError, PushRefusedError
from node_pusher.own_key import OwnKey, ensure_key, key_file, own_key
from node_pusher.remote_history import (
    ask,
    check_history,
    fetch_unknown,
    first_seq_above,
    highest_of,
)
from node_pusher.repo_faults import repo_faults
from node_pusher.seal import epoch_of
from node_pusher.store import Store, is_missing
from node_pusher.trust import OWN_KEYS_ONLY, Vouched, check_tip, check_vouched
from wire_format.fields import EPOCH_SIZE, INT_MAX
from wire_format.instants import to_us
from wire_format.segment import decode_segment

_LEFT: Final = "refs/rejoin/left"
_LOOKS_MAX: Final = 10


@dataclass(frozen=True)
class InitReport:
    """What `init` did.

    Attributes:
        node: whose home it is.
        next_seq: the number of its next record.
        epoch: the epoch that number is in, from 0.
        outcome: `created`, `joined`, `rejoined` (in a new epoch), or `unchanged`.
        signer: the key that signs here.
        left_behind: commits that a rejoin did not carry over, newest first: those of plain files,
            and any whose numbers other records have; they are kept below `refs/rejoin/left`.
        spool_lost: whether the home had no spool any more and got a new one, in a new epoch.
        key_made: whether it was made now.
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
    """Make a home, or check that it is there; either way it has a key to sign with afterwards.

    Args:
        wanted: folder, node and remote.
        now: the time of the claim; whose keys are valid is judged by it.
        rejoin: the home exists, and was restored from a backup or its remote went ahead of it: take
            over what the remote holds and go on in a new epoch; records that were not sent are sent
            on top of it. A home whose spool is lost does so without being told.
        vouched: whom to believe, apart from the home's own keys, where the remote holds commits
            that were not made here.

    Raises:
        HomeError: a name is none, the home or the remote belongs to another node, or nobody answers
            for the commit that the remote stands at.
        SigningKeyError, AllowedSignersError: a file with keys cannot be used.
        UnreachableError: the remote does not answer, or (`PushRefusedError`) does not take the
            claim of an epoch; nothing here gives numbers yet.
        RemoteError: the remote cannot be used, or may not be written.
        BusyError: another process commits or pushes from there.
    """
    check_names(wanted)
    check_vouched(vouched)
    _make_folder(wanted)
    with push_lock(wanted.path), repo_faults(wanted):
        present = Home.find(wanted.path)
        if present is None:
            if rejoin:
                raise HomeError(f"there is no node in {wanted.path} to rejoin with")
            return _start_epoch(wanted, None, now, vouched)
        home = _same(present, wanted)
        lost = is_missing(home.spool_file)
        if lost or rejoin:
            report = _start_epoch(home, present, now, vouched)
            return replace(report, spool_lost=lost)
        return _keep(home, present)


def _keep(home: Home, present: Home) -> InitReport:
    """The home is there; a key that was lost is made again."""
    key_made = ensure_key(home, replace_lost=True)
    if home != present:
        home.write()
    with Store.open(home.spool_file, home.node) as store:
        return replace(_report(home, store, "unchanged"), key_made=key_made)


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


class _Claim(NamedTuple):
    """An epoch that is this home's.

    Attributes:
        commit: the commit on the remote that says so.
        first_seq: its first number.
        fetched: what the remote held before that was not here; None when all of it was.
        is_first: whether there was nothing here and there.
    """

    commit: str
    first_seq: int
    fetched: str | None
    is_first: bool


def _start_epoch(home: Home, present: Home | None, now: datetime, vouched: Vouched) -> InitReport:
    """Claim an epoch, then let the repo stand there and the spool go on there.

    Everything may be repeated, at the cost of an epoch. The settings are written last and make it a
    home. A repo may stand here already, its settings or spool lost: what it holds counts too.

    Args:
        home: to be made, or to go on in a new epoch.
        present: what its settings say now.
        now: the time of the claim.
        vouched: whom to believe.
    """
    key_made = not key_file(home).exists()
    given = _highest_given(home)
    with _opened(home) as repo:
        claim = _claim(home, repo, given if present is None else max(given, 1), vouched, now)
        is_ours = repo.tip is not None and claim.fetched is None
        if is_ours:  # commits that wait here went with it; the next push retires their records
            repo.set_tip(claim.commit)
    left: tuple[str, ...] = ()
    with Store.create(home.spool_file, home.node, claim.first_seq) as store:
        store.raise_next_seq(claim.first_seq)
        if not is_ours:
            left = _take_over(repo, store, claim.commit, now)
        if home != present:
            home.write()
        outcome = "rejoined"
        if present is None:
            outcome = "created" if claim.is_first else "joined"
        return replace(_report(home, store, outcome, left), key_made=key_made)


def _highest_given(home: Home) -> int:
    """The last number that the spool gave; 0 when it gave none or is not there."""
    if is_missing(home.spool_file):
        return 0
    with Store.open(home.spool_file, home.node) as store:
        return store.state().next_seq - 1


def _claim(home: Home, repo: LedgerRepo, given: int, vouched: Vouched, now: datetime) -> _Claim:
    """Claim the next free epoch; look again while others push to the remote."""
    for _ in range(_LOOKS_MAX):
        seen = ask(home)
        fetched = fetch_unknown(home, repo, seen)
        tips = [tip for tip in (repo.tip, fetched) if tip is not None]
        for tip in tips:
            check_history(home, repo, tip)
        if fetched is not None:
            check_tip(home, repo, fetched, vouched, now)
        highest = max(highest_of(repo, tips), given)
        is_first = not tips and not highest
        first_seq = 1 if is_first else first_seq_above(highest)
        if first_seq + EPOCH_SIZE - 1 > INT_MAX:
            raise HomeError(f"{home.remote.url} claims the last epoch: no numbers are left")
        ensure_key(home, replace_lost=True)
        commit = claim_epoch(home, repo, fetched or repo.tip, first_seq, seen, now)
        if commit is not None:
            return _Claim(commit, first_seq, fetched, is_first)
    raise PushRefusedError(f"{home.remote.url}: others keep pushing there; try again")


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
    key = own_key(home)
    return InitReport(home.node, next_seq, epoch_of(next_seq), outcome, key, left_behind)
