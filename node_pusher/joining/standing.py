"""How the history at an address compares with that of a repo of the home.

A repo that was moved has the same commits, so their ids prove that it is the same one: its tip is a
commit of this home, or builds on one and is signed by a key that the home trusts.
"""

from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from gitmeter.git_remote.branch import BranchStatus, RemoteBranch
from gitmeter.roles.role import PROGRAMS
from gitmeter.support.terminal import counted, pasted
from node_pusher.home.errors import HomeError
from node_pusher.home.home import HomeRepo
from node_pusher.joining.remote_history import check_stated, drop_fetched, fetch_missing, moved_to
from node_pusher.joining.trust import Vouched, check_tip
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.remote_files import is_whole, lacks_files

FOREIGN_MAX: Final = 1_000_000
"""Commits of another history that are looked at: more than a century of hourly ones."""


class Standing(NamedTuple):
    """What the remote at an address has of a repo of the home.

    Attributes:
        commit: its tip; None if it is empty.
        missing: how many commits that were pushed it lacks.
        foreign: how many commits it has that this home has not; they build on what was pushed.
        goes_on_in: the address in the moved mark of those, if they have one.
    """

    commit: str | None
    missing: int = 0
    foreign: int = 0
    goes_on_in: str | None = None


def standing(
    repo: LedgerRepo,
    seen: RemoteBranch,
    vouched: Vouched,
    now: datetime,
    *,
    empty_ok: bool = False,
) -> Standing:
    """Compare what a remote was seen to have with a repo here.

    Args:
        repo: the repo here, with the address that was asked.
        seen: the branch there.
        vouched: the commit and keys to trust, apart from the home's own keys.
        now: the time at which keys must be valid.
        empty_ok: accept an empty remote, where this home can fill it.

    Raises:
        HomeError: it is another history, or parts from this one, or lacks what only another machine
            has; or its newer commits are not trusted.
        RemoteError: it cannot be fetched.
        AllowedSignersError, SigningKeyError: the keys cannot be read.
    """
    here = _Here.of(repo)
    if seen.commit is None:
        _check_fillable(here, seen, empty_ok=empty_ok)
        return Standing(None, missing=len(here.commits) - here.pushed)
    if seen.commit in here.commits:
        return _within(here, seen.commit)
    tip = fetch_missing(repo, seen) or seen.commit
    try:
        found = _above(here, tip)
        check_tip(repo, tip, vouched, now)
    except HomeError:
        drop_fetched(repo)
        raise
    return found


class _Here(NamedTuple):
    """A repo of the home.

    Attributes:
        repo: the repo, with the address that was asked.
        commits: its commits, newest first, as far as they are here.
        pushed: the place in them of the last one that was pushed; behind them if none was.
    """

    repo: LedgerRepo
    commits: list[str]
    pushed: int

    @classmethod
    def of(cls, repo: LedgerRepo) -> "_Here":
        commits = [info.commit for info in repo.history()]
        pushed = repo.pushed
        return cls(repo, commits, commits.index(pushed) if pushed in commits else len(commits))

    @property
    def place(self) -> HomeRepo:
        return self.repo.home_repo

    @property
    def url(self) -> str:
        return self.place.remote.url


def _within(here: _Here, tip: str) -> Standing:
    """The standing of a remote that is at a commit of this repo."""
    missing = max(0, here.commits.index(tip) - here.pushed)
    if missing and lacks_files(here.place, here.commits[0], tip):
        raise HomeError(
            f"{here.url} is at the older commit {tip[:12]}, and this home was joined without files"
            " of what came after it",
            hint=_from_mirror(here.place),
        )
    return Standing(tip, missing=missing)


def _check_fillable(here: _Here, seen: RemoteBranch, *, empty_ok: bool) -> None:
    """Refuse a remote without the branch, unless this home may and can send all of it."""
    if seen.status is BranchStatus.MISSING:
        raise HomeError(
            f"{here.url} has other branches, but no {here.place.branch}",
            hint="name the address that this repo has now",
        )
    if not here.commits or not is_whole(here.place, here.commits[0]):
        raise HomeError(
            f"{here.url} is empty, and this home cannot fill it: it was joined without older"
            " commits or their files",
            hint=f"{_from_mirror(here.place)}; or, while the present address answers, begin the"
            f" node's next repo there: `{PROGRAMS[here.place.role]} rollover`",
        )
    if not empty_ok:
        raise HomeError(
            f"{here.url} is empty, so nothing shows that it is the repo of {here.place.node}",
            hint="if it is to be filled from here, add --empty-ok: the next push then sends"
            f" {counted(len(here.commits), 'commit')}, the whole history",
        )


def _above(here: _Here, tip: str) -> Standing:
    """The standing of a remote with commits that this home has not, up to `tip`."""
    position = {commit: i for i, commit in enumerate(here.commits)}
    foreign, common = 0, None
    for info in islice(here.repo.history(tip), FOREIGN_MAX):
        common = position.get(info.commit)
        if common is not None:
            break
        foreign += 1
    if common is None:
        raise _another(here, tip)
    if common > here.pushed:
        raise HomeError(
            f"{here.url} has {counted(foreign, 'commit')} that this home has not, in place of"
            f" {counted(common - here.pushed, 'commit')} that it has pushed",
            hint="find out who wrote them. The aggregator's mirror of this node has what was"
            " billed, as refs/aggregator/applied: have the repo there set to a commit that builds"
            " on it",
        )
    return Standing(tip, foreign=foreign, goes_on_in=moved_to(here.repo, tip))


def _another(here: _Here, tip: str) -> HomeError:
    """The error for a history without any commit of this repo's.

    Raises:
        HomeError: it is another node's, or no pusher's, or has a moved mark.
    """
    check_stated(here.repo, tip)
    here_from = f"; this home has those from {here.commits[-1][:12]} on" if here.commits else ""
    return HomeError(
        f"{here.url} is at {tip[:12]}, which has no commit in common with"
        f" {here.place.path}{here_from}",
        hint=f"if {here.place.node} was set up anew there: `init` with that --remote and --rejoin;"
        f" if an old backup was restored there: {_from_mirror(here.place)}; else name the address"
        " of this repo",
    )


def _from_mirror(place: HomeRepo) -> str:
    refspec = f"refs/aggregator/applied:refs/heads/{place.branch}"
    command = pasted("git", "-C", "MIRROR", "push", place.remote.url, refspec)
    return f"put its history there first, from the aggregator's mirror of this node: `{command}`"
