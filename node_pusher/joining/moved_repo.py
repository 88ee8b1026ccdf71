"""The repo that a home stands in although its node has gone on in another one.

So it is where a home was restored from a backup that is older than its rollover: the disk that
rolled over is gone, and the repo that it left says so.
"""

from datetime import datetime
from typing import NamedTuple

from gitmeter.git_remote.failures import RepoGoneError
from node_pusher.home.errors import HomeError
from node_pusher.home.known_repos import note_told, remember
from node_pusher.home.settings import Home
from node_pusher.joining.carry_over import carry_over, stand_at
from node_pusher.joining.remote_history import ask, fetch_unknown, highest_of, moved_to
from node_pusher.joining.trust import Vouched, check_tip
from node_pusher.sending.repo import LedgerRepo
from node_pusher.sending.repo_faults import repo_faults
from node_pusher.spool.store import Store


class LeftRepo(NamedTuple):
    """What is known of it.

    Attributes:
        home: with this repo as the one in use.
        repo: the repo here.
        tip: where its remote stands.
        highest: no epoch above that of this number is used in it.
        is_trusted: whether somebody answers for what its remote holds.
    """

    home: Home
    repo: LedgerRepo
    tip: str
    highest: int
    is_trusted: bool

    def carry_over(self, store: Store, now: datetime) -> tuple[str, ...]:
        """See `node_pusher.joining.carry_over.carry_over`."""
        return carry_over(self.repo, store, self.tip, now)

    def settle(self) -> None:
        """Let the repo here stand where its remote does, once it is the one in use no more.

        Not before: a push would go there. Of a history that nobody answers for, only the part that
        was here already is believed.
        """
        remember(self.home)
        note_told(self.home)
        theirs = {info.commit for info in self.repo.history(self.tip)}
        ours = (info.commit for info in self.repo.history() if info.commit in theirs)
        commit = self.tip if self.is_trusted else next(ours, None)
        if commit is not None:
            stand_at(self.repo, commit)


def look_back(present: Home, url: str, vouched: Vouched, now: datetime) -> LeftRepo:
    """Ask the repo that a home stands in whether its node has left it.

    To which address it says does not matter: the node may have gone on more than once since, and
    one repo has several addresses. The repo at the other end is asked whose it is anyway.

    Args:
        present: the home as its settings say.
        url: where the person says that the node is now.
        vouched: whom to believe.
        now: whose keys are valid is judged by it.

    Raises:
        HomeError: it does not say so, or is empty.
        UnreachableError, RemoteError: it cannot be asked.
    """
    with repo_faults(present):
        repo = LedgerRepo.create(present)
        try:
            seen = ask(present)
        except RepoGoneError as error:
            raise type(error)(f"{error}; so it cannot tell", hint=_anew(present, url)) from error
        fetched = fetch_unknown(present, repo, seen)
        tip = fetched or seen.commit
        if tip is None or moved_to(present, repo, tip) is None:
            raise HomeError(
                f"{present.path} is the home of {present.node} at {present.remote.url}, which does"
                f" not say that it goes on in {url}",
                hint=f"`rollover` begins the next repo of a node; {_anew(present, url)}",
            )
        tips = [tip] if repo.tip is None else [tip, repo.tip]
        is_trusted = fetched is None or _is_trusted(present, repo, tip, vouched, now)
        return LeftRepo(present, repo, tip, highest_of(repo, tips), is_trusted)


def _is_trusted(home: Home, repo: LedgerRepo, tip: str, vouched: Vouched, now: datetime) -> bool:
    try:
        check_tip(home, repo, tip, vouched, now)
    except HomeError:
        return False  # nothing is built on it, so this need not stop anybody
    return True


def _anew(home: Home, url: str) -> str:
    return (
        f"if it does go on in {url}, move node.toml and the folders repo*.git of {home.path} aside"
        " (keep them) and run this without --rejoin: the spool stays and sends what was not sent"
    )
