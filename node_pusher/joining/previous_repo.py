"""The previous repo of a home that was restored from a backup older than its rollover.

The disk that rolled over is gone, and the settings still name the previous repo; only the moved
mark in it says that the node went on in another one.
"""

from datetime import datetime
from typing import NamedTuple

from gitmeter.git_remote.failures import RepoGoneError
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home
from node_pusher.home.known_repos import note_marked, note_place
from node_pusher.home.new_address import set_remote_line
from node_pusher.joining.carry_over import carry_over, move_to
from node_pusher.joining.remote_history import fetch_missing, highest_used, moved_to, read_remote
from node_pusher.joining.trust import Vouched, check_tip
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.spool.store import Store


class PreviousRepo(NamedTuple):
    """What is known of it.

    Attributes:
        repo: the repo here.
        tip: the commit its remote is at.
        highest: no epoch above that of this number is used in what is vouched for.
        is_trusted: whether what its remote holds is vouched for.
    """

    repo: LedgerRepo
    tip: str
    highest: int
    is_trusted: bool

    def carry_over(self, store: Store, now: datetime) -> tuple[str, ...]:
        """See `node_pusher.joining.carry_over.carry_over`."""
        return carry_over(self.repo, store, self.tip, now)

    def settle(self) -> None:
        """Move the repo here to where its remote is, once it is not the one in use any more.

        Not before: a push would go there. Of a history that is not vouched for, only the part that
        was here already is accepted.
        """
        note_place(self.repo.home_repo)
        note_marked(self.repo.home_repo)
        theirs = {info.commit for info in self.repo.history(self.tip)}
        ours = (info.commit for info in self.repo.history() if info.commit in theirs)
        commit = self.tip if self.is_trusted else next(ours, None)
        if commit is not None:
            move_to(self.repo, commit)


def read_previous_repo(present: Home, url: str, vouched: Vouched, now: datetime) -> PreviousRepo:
    """Ask the repo that the settings name whether its node has left it.

    Which address its moved mark has does not matter: the node may have moved more than once since,
    and one repo has several addresses. The repo at `url` is asked for its node anyway.

    Args:
        present: the home as its settings say.
        url: where the person says that the node is now.
        vouched: the commit and keys to trust, apart from the home's own keys.
        now: the time at which keys must be valid.

    Raises:
        HomeError: it has no moved mark, or is empty.
        UnreachableError, RemoteError: it cannot be asked.
    """
    here = present.repo
    with repo_errors(here.path):
        repo = LedgerRepo.create(here)
        try:
            seen = read_remote(here)
        except RepoGoneError as error:
            raise type(error)(
                f"{error}; so it cannot say where the node went",
                hint=f"if it has another address now: {set_remote_line(present)}; then this again;"
                f" {_anew(present, url)}",
            ) from error
        fetched = fetch_missing(repo, seen)
        tip = fetched or seen.commit
        if tip is None or moved_to(repo, tip) is None:
            raise HomeError(
                f"{present.path} is the home of {present.node} at {here.remote.url}, which does"
                f" not say that it goes on in {url}",
                hint=f"`rollover` begins the next repo of a node; {_anew(present, url)}",
            )
        is_trusted = fetched is None or _is_trusted(repo, tip, vouched, now)
        # no number there is above the epoch that the newer repo began in, whoever wrote it
        tips = [each for each in (tip if is_trusted else None, repo.tip) if each is not None]
        return PreviousRepo(repo, tip, highest_used(repo, tips), is_trusted)


def _is_trusted(repo: LedgerRepo, tip: str, vouched: Vouched, now: datetime) -> bool:
    try:
        check_tip(repo, tip, vouched, now)
    except HomeError:
        return False  # nothing is built on it, so this need not stop the rejoin
    return True


def _anew(home: Home, url: str) -> str:
    return (
        f"if it does go on in {url}, move node.toml and the folders repo*.git of {home.path} aside"
        " (keep them) and run this without --rejoin: the spool stays and sends what was not sent"
    )
