"""Switching a node to its next repo, with numbers continuing.

1. What was recorded is pushed to the present repo. A till or desk whose present repo can take no
   more, because its last commit is dated in the future, keeps what is in no commit for the next.
2. The next repo, which must be empty, gets a first commit that claims the epoch in use: a node that
   joins it after this disk was lost starts in the epoch above.
3. One write of `node.toml` makes it the repo in use.
4. The previous repo gets the moved mark, a last commit that says where the node went.

If it dies anywhere in between, the same command completes it; any push makes up for step 4. Until
step 3 everything is pushed to the present repo, after it to the next one; records taken meanwhile
wait in the spool.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from gitmeter.git_remote.branch import BranchStatus, RemoteBranch, read_branch
from gitmeter.git_remote.failures import PushRefusedError, RemoteError
from gitmeter.git_remote.remote import Remote
from node_pusher.home.errors import FutureParentError, HomeError
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.known_repos import note_place
from node_pusher.home.locks import LOCK_WAIT_S, push_lock, sweep_stale_locks
from node_pusher.home.repo_place import RepoPlace, next_folder
from node_pusher.home.settings_file import reread, write_home
from node_pusher.joining.remote_history import claim_path
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.branch import PROBE_TIMEOUT_S, push_to_branch
from node_pusher.sending.moved_mark import mark_previous_repos
from node_pusher.sending.push import PushReport, push_locked
from node_pusher.sending.readme import README_PATH, readme
from node_pusher.spool.store import Store
from wire_format.commit_message import build_continuation_message
from wire_format.fields import epoch_of


@dataclass(frozen=True)
class RolloverReport:
    """What a rollover did.

    Attributes:
        node: the node's name.
        outcome: `started`, or `unchanged` if the home uses that repo already.
        remote: the repo in use now.
        earlier: the one before it.
        epoch: the epoch in use, unchanged.
        next_seq: the number of the next record, unchanged.
        pushed: commits that were pushed to the previous repo now.
        head: the tip of the repo in use.
        remark: what the person should know although all went well; may be empty.
    """

    node: str
    outcome: str
    remote: str
    earlier: str
    epoch: int
    next_seq: int
    pushed: int
    head: str | None
    remark: str


def rollover(home: Home, to: Remote, now: datetime) -> RolloverReport:
    """Switch a node to its next repo, or complete a switch.

    Args:
        home: the node's home.
        to: the next repo; the branch stays the same.
        now: the time of the commits.

    Raises:
        HomeError: the next repo is not empty, or the home is that of books.
        UnreachableError: one of the remotes does not answer, or (`PushRefusedError`) did not accept
            the push; the home is on its present repo, and nothing is lost.
        BusyError, RemoteError, NonFastForwardError, SigningKeyError: as
            `node_pusher.sending.push.push`.
    """
    if home.settings.role == "books":
        raise HomeError(
            "books have no rollover: their rule book is that of one repo's own history",
            hint="a repo of books stays small; a backup of the aggregator saves it too",
        )
    with push_lock(home.path, wait_s=LOCK_WAIT_S):
        present = reread(home)
        with Store.open(present.spool_file, present.node) as store:
            if present.repo.remote.url == to.url:
                return _finished(present, store, now)
            with repo_errors(present.repo.path):
                sent = _sent(store, present, now)
                left_at = LedgerRepo(present.repo).tip
            following = _following(present, to)
            with repo_errors(following.repo.path):
                _start(following.repo, store, left_at, now)
            note_place(present.repo)
            note_place(following.repo)
            write_home(following)
            return _report(following, store, "started", sent, mark_previous_repos(following, now))


def _sent(store: Store, present: Home, now: datetime) -> PushReport:
    """Push to the present repo what it can take; the rest waits in the spool for the next one."""
    try:
        return push_locked(store, present, now)
    except FutureParentError:
        return push_locked(store, present, now, commits=False)


def _following(present: Home, to: Remote) -> Home:
    settings = present.settings
    place = RepoPlace(to, settings.place.branch, next_folder(settings.place.folder))
    earlier = (*settings.earlier, settings.place)
    return replace(present, settings=replace(settings, place=place, earlier=earlier))


def _start(following: HomeRepo, store: Store, continues: str | None, now: datetime) -> None:
    """Give the next repo its first commit, here and on the remote."""
    sweep_stale_locks(following.path)
    repo = LedgerRepo.create(following)
    seen = _seen(following)
    _check_ours(repo, seen)
    epoch = epoch_of(store.state().next_seq)
    if not repo.has_path(claim_path(epoch)):
        node = following.node
        files = {claim_path(epoch): f"{node}\n".encode(), README_PATH: readme(following)}
        repo.commit(files, build_continuation_message(node, epoch, continues), now)
    if seen.commit != repo.tip:
        refused = push_to_branch(following, f"refs/heads/{following.branch}")
        if _seen(following).commit != repo.tip:
            raise _not_taken(following, refused) from refused
    if repo.tip is not None:
        repo.set_pushed(repo.tip)


def _seen(following: HomeRepo) -> RemoteBranch:
    try:
        return read_branch(following.remote, following.branch, PROBE_TIMEOUT_S)
    except RemoteError as error:
        raise type(error)(
            f"{error}; this home stays on its repo until the next one answers", hint=error.hint
        ) from error


def _check_ours(repo: LedgerRepo, seen: RemoteBranch) -> None:
    """Refuse a repo that has anything but what an interrupted rollover left here and on it.

    Raises:
        HomeError: it does.
    """
    following = repo.home_repo
    if seen.commit is None and seen.status is not BranchStatus.MISSING:
        if any(info.summary for info in repo.history()):
            raise HomeError(
                f"{following.path} holds records, and {following.remote.url} does not",
                hint="move that folder aside (keep it), then run this again",
            )
        return
    if seen.commit is None or not repo.builds_on(seen.commit):
        raise HomeError(
            f"{following.remote.url} is not empty, so {following.node} cannot start its next repo"
            " there",
            hint="make an empty repo for it; a node that was set up anew joins its newest one with"
            " `init`, with --rejoin if it was restored from a backup",
        )


def _not_taken(following: HomeRepo, refused: RemoteError | None) -> RemoteError:
    stays = "this home stays on its repo until the next one takes its first commit"
    if refused is None:
        return PushRefusedError(f"{following.remote.url} did not take the push; {stays}")
    return type(refused)(f"{refused}; {stays}", hint=refused.hint)


def _finished(home: Home, store: Store, now: datetime) -> RolloverReport:
    """The home uses that repo already; the previous one may still lack its moved mark."""
    if not home.settings.earlier:
        raise HomeError(
            f"{home.path} is at {home.repo.remote.url} already, its only repo",
            hint="name the address of the node's next repo, which is empty",
        )
    return _report(
        home, store, "unchanged", PushReport(0, 0, 0, None), mark_previous_repos(home, now)
    )


def _report(
    home: Home, store: Store, outcome: str, sent: PushReport, remark: str
) -> RolloverReport:
    next_seq = store.state().next_seq
    with repo_errors(home.repo.path):
        head = LedgerRepo(home.repo).tip
    return RolloverReport(
        node=home.node,
        outcome=outcome,
        remote=home.repo.remote.url,
        earlier=home.earlier_repos[-1].remote.url,
        epoch=epoch_of(next_seq),
        next_seq=next_seq,
        pushed=sent.pushed,
        head=head,
        remark="; ".join(filter(None, [sent.remark, remark])),
    )
