"""Following the repos of a home to a new address: a repo, organisation or forge was moved.

The remote there is asked first, and what it has must be the history of this home. The settings are
written last, in one write: an interruption leaves the address before or the new one, and the same
command again completes it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from gitmeter.git_remote.branch import RemoteBranch, read_branch
from gitmeter.git_remote.failures import RemoteError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import GitmeterError
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.known_repos import note_place, note_unmarked
from node_pusher.home.locks import LOCK_WAIT_S, push_lock, sweep_stale_locks
from node_pusher.home.repo_place import RepoPlace, beside
from node_pusher.home.settings_file import reread, write_home
from node_pusher.joining.standing import Standing, standing
from node_pusher.joining.trust import OWN_KEYS_ONLY, Vouched, check_vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.branch import PROBE_TIMEOUT_S
from node_pusher.sending.failed_push import clear_failed


@dataclass(frozen=True)
class EarlierRepo:
    """An earlier repo of the home, after the command.

    Attributes:
        remote: its address now.
        before: its address before; the same if it stays there.
        why: why it was not found beside the new address; empty if it was, or is there already.
    """

    remote: str
    before: str
    why: str = ""


@dataclass(frozen=True)
class SetRemoteReport:
    """What was found at the new address, and what it means for the next push.

    Attributes:
        node: the node's name.
        outcome: `set`, or `unchanged` if the home had this address and these files already.
        remote: the address in use now.
        before: the one before.
        head: the commit that the remote there is at; None if it is empty.
        missing: commits that were pushed before and that it lacks; the next push sends them again.
        foreign: commits that it has and this home has not, so that a push is refused.
        goes_on_in: where the node has gone on, if one of those says so; else None.
        earlier_repos: the earlier repos, newest first.
    """

    node: str
    outcome: str
    remote: str
    before: str
    head: str | None
    missing: int
    foreign: int
    goes_on_in: str | None
    earlier_repos: tuple[EarlierRepo, ...]


def set_remote(
    home: Home,
    to: Remote,
    now: datetime,
    vouched: Vouched = OWN_KEYS_ONLY,
    *,
    empty_ok: bool = False,
) -> SetRemoteReport:
    """Push to a new address from now on, once the remote there has shown this home's history.

    Earlier repos are followed where they are found beside it under their names.

    Args:
        home: the home.
        to: the new address, and the files that open it; the branch stays the same.
        now: the time at which keys must be valid.
        vouched: the commit and keys to trust, apart from the home's own keys, where the remote has
            commits that were not made here.
        empty_ok: accept an empty remote, which the next push fills.

    Raises:
        HomeError: what is there is not the history of this home, or cannot be continued.
        UnreachableError: the remote there does not answer.
        RepoGoneError, AccessDeniedError, RemoteError: it cannot be used.
        BusyError: another process commits or pushes.
        AllowedSignersError, SigningKeyError: a file with keys cannot be used.
    """
    check_vouched(vouched)
    with push_lock(home.path, wait_s=LOCK_WAIT_S):
        present = reread(home)
        here = _at(present.repo, to)
        seen = _seen(here)
        _check_not_earlier(present, here, seen)
        with repo_errors(here.path):
            found = _take(present.repo, here, seen, vouched, now, empty_ok=empty_ok)
        earlier = [_followed(each, to, vouched, now) for each in present.earlier_repos]
        places = tuple(place for place, _ in earlier)
        wanted = replace(
            present, settings=replace(present.settings, place=here.place, earlier=places)
        )
        if wanted != present:
            write_home(wanted)
            clear_failed(wanted.path)  # it was about the address before
    return SetRemoteReport(
        node=wanted.node,
        outcome="unchanged" if wanted == present else "set",
        remote=to.url,
        before=present.repo.remote.url,
        head=found.commit,
        missing=found.missing,
        foreign=found.foreign,
        goes_on_in=found.goes_on_in,
        earlier_repos=tuple(report for _, report in reversed(earlier)),
    )


def _at(repo: HomeRepo, to: Remote) -> HomeRepo:
    return replace(repo, place=replace(repo.place, remote=to))


def _seen(here: HomeRepo) -> RemoteBranch:
    try:
        return read_branch(here.remote, here.branch, PROBE_TIMEOUT_S)
    except RemoteError as error:
        raise type(error)(
            f"{error}; this home keeps the address that it has", hint=error.hint
        ) from error


def _check_not_earlier(home: Home, here: HomeRepo, seen: RemoteBranch) -> None:
    """Refuse the address of a repo that the node has left."""
    for each in home.earlier_repos:
        if seen.commit is None or not each.path.exists():
            continue
        with repo_errors(each.path):
            is_there = LedgerRepo(each).builds_on(seen.commit)
        if is_there:
            raise HomeError(
                f"{here.remote.url} has the history of {each.path}, which {home.node} has left",
                hint=f"name the address of its newest repo, the one that was {home.repo.remote.url}"
                " until now; earlier ones are looked for beside it",
            )


def _take(
    present: HomeRepo,
    here: HomeRepo,
    seen: RemoteBranch,
    vouched: Vouched,
    now: datetime,
    *,
    empty_ok: bool = False,
) -> Standing:
    """Compare a repo with the remote at its new address, and have it send what that lacks."""
    sweep_stale_locks(here.path)
    repo = LedgerRepo(here)
    # while it fetches commits, git asks there for files that a partial clone lacks
    note_place(here)
    try:
        found = standing(repo, seen, vouched, now, empty_ok=empty_ok)
    except BaseException:
        note_place(present)
        raise
    if found.missing:
        repo.note_lost(found.commit)
    return found


def _followed(
    earlier: HomeRepo, to: Remote, vouched: Vouched, now: datetime
) -> tuple[RepoPlace, EarlierRepo]:
    """Where an earlier repo is from now on: beside the new address if its history is there."""
    before = earlier.remote.url
    url = beside(to.url, before)
    if url == before or not earlier.path.exists():
        return earlier.place, EarlierRepo(before, before)
    here = _at(earlier, replace(to, url=url))
    try:
        seen = read_branch(here.remote, here.branch, PROBE_TIMEOUT_S)
        with repo_errors(here.path):
            found = _take(earlier, here, seen, vouched, now)
            _have_marked(here, found)
    except GitmeterError as error:
        return earlier.place, EarlierRepo(before, before, str(error))
    return here.place, EarlierRepo(url, before)


def _have_marked(here: HomeRepo, found: Standing) -> None:
    """Let the next push put the moved mark into an earlier repo whose remote lacks it.

    The home may have given it up, when there was no repo at the address before.
    """
    if found.commit != LedgerRepo(here).tip:
        note_unmarked(here)
