"""One pass over all repos: probe each head, fetch what is new, apply it, report.

Probes and fetches run in a bounded pool of threads. Everything that uses the database runs in the
caller's thread, one repo after the other, the books first. A failure of one repo goes into its
report and its incident; the other repos continue.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Final

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.incidents.kinds import ABOUT_HEAD, IncidentKind
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.segments import segment_reader
from aggregator.mirrors.state import State
from aggregator.pulling.fetching import Fetched, fetch_repo
from aggregator.pulling.repo_pass import RepoPass, RepoReport
from aggregator.pulling.signatures import Signers
from aggregator.store.store import PULLED_AT
from gitmeter.git_remote.runner import stop_running
from gitmeter.support.progress import Progress
from wire_format.instants import format_ts, hour_of

_PROMOTED_ON: Final = "tiers_promoted_on"
_WAIT_S: Final = 1.0
_STOP_S: Final = 0.1


class Puller:
    """Pulls all configured repos into a ledger.

    Args:
        state: the state directory, locked by the caller.
        ledger: the ledger, open for writing.
        clock: returns the current time, in UTC.
        interrupted: called between repos and transactions; True stops early.
    """

    def __init__(
        self,
        state: State,
        ledger: Ledger,
        clock: Callable[[], datetime],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._state = state
        self._config: Config = state.config
        self._ledger = ledger
        self._clock = clock
        self._interrupted = interrupted
        self._tiers_due = False

    def pull(
        self,
        on_progress: Progress = lambda _repo, _done, _total: None,
        *,
        skip: Callable[[str], bool] = lambda _name: False,
        on_wait: Callable[[], object] = lambda: None,
        is_whole: bool = True,
    ) -> Iterator[RepoReport]:
        """Probe every repo and apply what is new, yielding the report of each repo once it is done.

        Args:
            on_progress: called after each applied commit.
            skip: whether to leave out the repo of this name.
            on_wait: called about once a second while waiting for remotes.
            is_whole: whether the skipped repos are known to have nothing new, so that the ledger
                is up to date after this pass.
        """
        reader = segment_reader(self._state)
        self._ledger.use_books(self._config.books, reader, self._clock())
        repos = [repo for repo in self._readable() if not skip(repo.name)]
        repos.sort(key=lambda repo: repo.role != "books")
        signers = Signers(self._config)
        with ThreadPoolExecutor(self._config.fetch_workers) as pool:
            kept = self._ledger.store.cursors.kept()
            fetches = {self._begin_fetch(pool, repo, kept): repo for repo in repos}
            unfinished: deque[RepoPass] = deque()
            for done in _books_first(fetches, on_wait, self._interrupted):
                repo, now = fetches[done], self._clock()
                step = RepoPass(self._state, self._ledger, repo, done.result(), signers, now)
                # the books are read to their end without taking turns: usage is rated by them
                while self._turn(step, on_progress):
                    if repo.role != "books":
                        unfinished.append(step)
                        break
                else:
                    yield step.report()
            if self._interrupted():
                pool.shutdown(wait=False, cancel_futures=True)
                _stop_fetching(fetches, on_wait)
        yield from self._in_turns(unfinished, on_progress, on_wait)
        if not self._interrupted():
            self._finish(is_whole=is_whole)

    def _readable(self) -> Iterator[RepoConfig]:
        """The configured repos except those from which nothing may be read.

        A retired and archived repo has nothing new; a different repo under a registered name
        (incident `RECREATED`) has nothing of the node's.
        """
        others: AbstractSet[tuple[str, str]] = set()
        if self._config.forge is not None:
            others = self._ledger.store.incidents.subjects_by_repo(IncidentKind.RECREATED)
        for repo in self._config.repo:
            is_over = repo.is_retired and self._state.mirrors.is_archived(repo.name)
            if not is_over and (repo.name, str(repo.forge_id)) not in others:
                yield repo

    def _in_turns(
        self,
        unfinished: deque[RepoPass],
        on_progress: Progress,
        on_wait: Callable[[], object],
    ) -> Iterator[RepoReport]:
        """Give the repos that have more to apply than fits into one turn further turns."""
        while unfinished:
            step = unfinished.popleft()
            on_wait()
            if not self._interrupted() and self._turn(step, on_progress):
                unfinished.append(step)
            else:
                yield step.report()

    def _turn(self, step: RepoPass, on_progress: Progress) -> bool:
        """Apply commits of one repo for one turn; return whether it has more."""
        end_s = time.monotonic() + self._config.turn_s
        is_over = lambda: self._interrupted() or time.monotonic() >= end_s  # noqa: E731
        more = step.turn(on_progress, is_over)
        self._tiers_due |= step.repo.role == "books" and step.has_applied
        return more and not self._interrupted()

    def _begin_fetch(
        self, pool: ThreadPoolExecutor, repo: RepoConfig, kept: Mapping[str, frozenset[str]]
    ) -> Future[Fetched]:
        cursor = self._ledger.store.cursors.of_repo(repo.name)
        tips = kept.get(repo.name, frozenset())
        return pool.submit(fetch_repo, self._state, repo, cursor, self._interrupted, tips)

    def _finish(self, *, is_whole: bool) -> None:
        """Record when the ledger was brought up to date; update stored tiers once a day.

        Tiers are also updated when the rule book changed or the books had new commits.
        """
        now = self._clock()
        store = self._ledger.store
        self._ledger.settle(segment_reader(self._state), now)
        today = f"{now:%Y-%m-%d} {self._ledger.rater.rule_book.sha256}"
        if store.fact(_PROMOTED_ON) != today or self._tiers_due:
            self._ledger.promote_tiers(hour_of(now))
        with store.transaction():
            if self._config.copy_remote is None:
                store.incidents.close_everywhere(IncidentKind.COPY_FAILED, now)
            if is_whole:
                store.set_fact(PULLED_AT, format_ts(now))
                # repos that are no longer read: no later pass would close their incidents
                store.incidents.close_except(ABOUT_HEAD, (r.name for r in self._readable()), now)
            store.set_fact(_PROMOTED_ON, today)


def _books_first(
    fetches: Mapping[Future[Fetched], RepoConfig],
    on_wait: Callable[[], object],
    interrupted: Callable[[], bool],
) -> Iterator[Future[Fetched]]:
    """Yield fetches as they finish, until interrupted; the books first, so usage is rated once."""
    books = {fetched for fetched, repo in fetches.items() if repo.role == "books"}
    for group in (books, set(fetches) - books):
        pending = group
        while pending and not interrupted():
            done, pending = wait(pending, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
            on_wait()
            for fetched in done:
                if not interrupted():
                    yield fetched


def _stop_fetching(fetches: Iterable[Future[Fetched]], on_wait: Callable[[], object]) -> None:
    """Stop every fetch; repeated until none is left, as some may only just be starting."""
    pending = set(fetches)
    while pending:
        stop_running()
        on_wait()
        # `wait` never counts a future as done that was cancelled before a thread took it
        pending = {each for each in wait(pending, timeout=_STOP_S).not_done if not each.cancelled()}
