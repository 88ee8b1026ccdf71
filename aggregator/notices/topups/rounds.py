"""One round: from the ledger as it is to what the till answers.

Who is below the threshold is a level, so each round tells it anew, and nothing is kept between
rounds: a post that is lost is made up for by the next one, and the till drops what is older than
ten minutes. An outbox as notices have could only repeat what is no longer true.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from aggregator.balances.topups.due import due_accounts, is_current, seen_of_tills
from aggregator.config.sections import TopupConfig
from aggregator.notices.topups.receiving import DueReceiver
from aggregator.store.store import open_for_reading
from gitmeter.support.errors import GitmeterError, with_hint
from wire_format.posts.topup_due import ACCOUNTS_MAX, VERSION, AccountBelow, TopupDue

ACCOUNTS_A_ROUND_MAX: Final = 20 * ACCOUNTS_MAX
"""Of one round; the next one begins after these. More than the till charges in any hour."""


class TopupReading(NamedTuple):
    """What a round found in the ledger.

    Attributes:
        at: when it was read.
        is_current: whether it was read far enough; else nobody is told.
        seen: by the node of each till the highest number that was read of it.
        accounts: those that are due, in the order in which they are told.
    """

    at: datetime
    is_current: bool
    seen: dict[str, int]
    accounts: list[AccountBelow]


class TopupReport(NamedTuple):
    """What became of a round.

    Attributes:
        is_behind: whether nobody was told because not all that is known of money was read.
        told: how many accounts the till was told of.
        posts: how many posts it took.
        last: the user who was told last; empty where the next round begins with the first one.
        stopped: why the till charges nothing until a person starts it again; None while it does, or
            where nothing was posted.
        error: why a post failed, which ended the round; empty without one.
    """

    is_behind: bool = False
    told: int = 0
    posts: int = 0
    last: str = ""
    stopped: str | None = None
    error: str = ""


class TopupRound:
    """One round.

    Args:
        path: the ledger, which it opens for itself.
        config: the till, and what is left out of balances.
        repos: the names of the repos of the books, tills and desks that are to be read.
        clock: the current time.
        stopping: called before each post; true to stop early.
    """

    def __init__(
        self,
        path: Path,
        config: TopupConfig,
        repos: Collection[str],
        clock: Callable[[], datetime],
        stopping: Callable[[], bool],
    ) -> None:
        self._path = path
        self._config = config
        self._repos = repos
        self._clock = clock
        self._stopping = stopping

    def run(self, after: str = "", *, asks: bool = False) -> TopupReport:
        """Read the ledger, and tell the till what is due.

        Args:
            after: the user after whom it begins.
            asks: whether to post also where nobody is due, to hear whether the till has stopped.
        """
        try:
            read = self.read(after)
            if not read.is_current:
                return TopupReport(is_behind=True, last=after)
            posts = list(_posts(read, asks=asks))
            return self._post(posts) if posts else TopupReport()
        except GitmeterError as error:
            return TopupReport(last=after, error=with_hint(error))

    def read(self, after: str) -> TopupReading:
        """What the ledger says now, beginning after a user."""
        with closing(open_for_reading(self._path)) as store, store.view():
            now = self._clock()
            if not is_current(store, self._repos, now):
                return TopupReading(now, is_current=False, seen={}, accounts=[])
            due = due_accounts(store, now, self._config.settle_h, after)
            some = islice(due, ACCOUNTS_A_ROUND_MAX)
            accounts = [account.below(now) for account in some]
            seen = seen_of_tills(store, now)
            return TopupReading(now, is_current=True, seen=seen, accounts=accounts)

    def _post(self, posts: list[TopupDue]) -> TopupReport:
        report = TopupReport()
        with DueReceiver(self._config) as till:
            for post in posts:
                if self._stopping():
                    break
                answer, error = till.post(post)
                if answer is None:
                    return report._replace(error=error)
                report = TopupReport(
                    told=report.told + len(post.accounts),
                    posts=report.posts + 1,
                    last=post.accounts[-1].user if post.accounts else "",
                    stopped=answer.stopped,
                )
        return report


def _posts(read: TopupReading, *, asks: bool) -> Iterator[TopupDue]:
    """The posts of a round, each of a bounded size."""
    firsts = range(0, len(read.accounts), ACCOUNTS_MAX)
    for first in firsts or ([0] if asks else []):
        some = tuple(read.accounts[first : first + ACCOUNTS_MAX])
        yield TopupDue(VERSION, str(uuid4()), read.at, read.seen, some)
