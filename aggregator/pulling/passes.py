"""One pass over all repos: probe each head, fetch what is new, apply it, report.

Probes and fetches run in a bounded pool of threads. Everything that uses the database runs in the
caller's thread, one repo after the other, the books first; what it billed, the mirrors record in
threads of their own. A failure of one repo goes into its report and its incident; the other repos
continue. What takes long, a slow remote or a long backlog, may be left to the next pass, so that it
delays no other repo.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.incidents.kinds import ABOUT_HEAD, BACKED_OFF, IncidentKind
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.segments import SegmentReader, StoppedError, segment_reader
from aggregator.mirrors.mirror import OutOfResourcesError
from aggregator.mirrors.state import State
from aggregator.pulling.answering import any_answers
from aggregator.pulling.fetching import Fetched, fetch_repo, stop_fetching
from aggregator.pulling.recording import Recording
from aggregator.pulling.repo_pass import RepoPass, RepoReport
from aggregator.pulling.signatures import Signers
from aggregator.pulling.turns import Turns
from aggregator.store.store import PULLED_AT
from gitmeter.support.bulk import Progress
from wire_format.instants import format_ts, hour_of

_PROMOTED_ON: Final = "tiers_promoted_on"
_WAIT_S: Final = 1.0
_BOOKS_WAIT_S: Final = 10.0
"""How long other repos wait for the books, so that usage is rated once; it is only rated again."""


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
        self._ledger = ledger
        self._clock = clock
        self._interrupted = interrupted
        self._tiers_due = False
        self._pool: ThreadPoolExecutor | None = None
        self._fetches: dict[Future[Fetched], RepoConfig] = {}
        self._unfinished: deque[RepoPass] = deque()
        self._ahead = ReadAhead()
        self._again: set[str] = set()
        self._signers = Signers(state.config)
        self._recording = Recording(state)

    @property
    def _config(self) -> Config:
        """The present one: registrations are read again while the daemon runs."""
        return self._state.config

    @property
    def has_more(self) -> bool:
        """Whether a backlog, or a fetch that has ended meanwhile, was left to the next pass."""
        return bool(self._unfinished) or any(fetch.done() for fetch in self._fetches)

    def stop(self, on_wait: Callable[[], object] = lambda: None) -> None:
        """End every fetch that is still running; nothing is left to a next pass."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        stop_fetching(self._fetches, on_wait)
        self._fetches.clear()
        self._unfinished.clear()
        self._recording.finish(on_wait)

    def pull(
        self,
        on_progress: Progress = lambda _repo, _done, _total: None,
        *,
        skip: Callable[[str], bool] = lambda _name: False,
        on_wait: Callable[[], object] = lambda: None,
        is_whole: bool = True,
        also: Callable[[], AbstractSet[str]] = frozenset,
        patience_s: float | None = None,
    ) -> Iterator[RepoReport]:
        """Probe every repo and apply what is new, yielding the report of each repo once it is done.

        Args:
            on_progress: called after each applied commit.
            skip: whether to leave out the repo of this name.
            on_wait: called about once a second while waiting for remotes.
            is_whole: whether the skipped repos are known to have nothing new, so that the ledger
                is up to date after this pass.
            also: called between turns, after a fetch has ended and before its head is judged; names
                repos to read in this pass as well, and may replace the configuration.
            patience_s: how long to wait for remotes of which none answers. Then, and once each
                repo had a turn, the rest is left to the next call. None: until all is done.
        """
        self._read_again(
            on_wait, lambda reader, now: self._ledger.use_books(self._config.books, reader, now)
        )
        running = Turns(patience_s, len(self._unfinished), time.monotonic() + _BOOKS_WAIT_S)
        try:
            self._begin(running, (repo for repo in self._readable() if not skip(repo.name)))
            yield from self._pull(running, on_progress, on_wait, also)
            self._read_again(on_wait, self._ledger.settle)
            self._recording.finish(on_wait)
        except BaseException:
            self.stop(on_wait)
            raise
        finally:
            self._ahead.stop()
        if self._interrupted():
            self.stop(on_wait)
            return
        if not self._fetches and self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        for step in self._unfinished:
            step.note_progress()
        self._finish(is_whole=is_whole and not self._fetches)

    def _read_again(
        self, on_wait: Callable[[], object], step: Callable[[SegmentReader, datetime], None]
    ) -> None:
        """Run a step that reads earlier segments; where it cannot, the next pass tries again."""
        with suppress(OutOfResourcesError, StoppedError):
            step(segment_reader(self._state, lambda: self._step(on_wait)), self._clock())

    def _pull(
        self,
        running: Turns,
        on_progress: Progress,
        on_wait: Callable[[], object],
        also: Callable[[], AbstractSet[str]],
    ) -> Iterator[RepoReport]:
        while not self._interrupted():
            done = self._done(running, 0 if running.turns else _WAIT_S)
            on_wait()
            if names := also():
                self._begin(running, (r for r in self._readable() if r.name in names))
            steps = self._ready(running, done, on_wait)
            if not steps and running.is_over(self._fetches.keys()):
                return
            for begin in steps:
                if self._interrupted():
                    return
                step = begin()
                # the books are read to their end without taking turns: usage is rated by them
                while (more := self._turn(step, on_progress)) and step.repo.role == "books":
                    pass
                if more:
                    self._unfinished.append(step)
                    running.turns += running.patience_s is None
                    continue
                report = step.report()
                yield report
                if report.name in self._again and report.incident not in BACKED_OFF:
                    self._begin(running, (r for r in self._readable() if r.name == report.name))

    def _ready(
        self, running: Turns, done: list[Future[Fetched]], on_wait: Callable[[], object]
    ) -> list[Callable[[], RepoPass]]:
        """The repos whose turn it is: those just fetched, or else one that has had a turn.

        Each is judged when it is called for, since its mirror is open from then on.
        """
        if done:
            running.heard()
            # whoever pushed had registered the key before: it is known now, though not at the start
            if not self._signers.are_current(self._config):
                self._signers = Signers(self._config)
            configured = self._state.configured
            fetched = [(self._fetches.pop(fetch), fetch.result()) for fetch in done]
            return [
                partial(
                    RepoPass,
                    *(self._state, self._ledger, configured.get(repo.name, repo), found),
                    *(self._signers, self._clock(), self._ahead, lambda: self._step(on_wait)),
                )
                for repo, found in fetched
            ]
        if running.turns:
            running.turns -= 1
            return [self._unfinished.popleft]
        return []

    def _step(self, on_wait: Callable[[], object]) -> None:
        on_wait()
        if self._interrupted():
            raise StoppedError

    def _begin(self, running: Turns, repos: Iterable[RepoConfig]) -> None:
        """Begin fetching repos; one that is busy is fetched again once it is done."""
        busy = {repo.name for repo in self._fetches.values()}
        busy |= {step.repo.name for step in self._unfinished}
        kept = self._ledger.store.cursors.kept()
        for repo in sorted(repos, key=lambda repo: repo.role != "books"):
            if repo.name in busy:
                self._again.add(repo.name)
                continue
            self._again.discard(repo.name)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._config.fetch_workers)
            cursor = self._ledger.store.cursors.of_repo(repo.name)
            tips = kept.get(repo.name, frozenset())
            fetch = self._pool.submit(
                self._fetch, self._recording.of_repo(repo.name), repo, cursor, tips
            )
            self._fetches[fetch] = repo
            running.begun.add(fetch)

    def _fetch(
        self,
        recording: Future[None] | None,
        repo: RepoConfig,
        cursor: str | None,
        kept: frozenset[str],
    ) -> Fetched:
        """Fetch a repo, once its mirror has recorded what was billed."""
        if recording is not None:
            wait([recording])
        return fetch_repo(self._state, repo, cursor, self._interrupted, kept)

    def _done(self, running: Turns, timeout_s: float) -> list[Future[Fetched]]:
        """The fetches that are done; while the books are being fetched, for a time only those."""
        books = {fetch for fetch, repo in self._fetches.items() if repo.role == "books"}
        is_first = bool(books) and time.monotonic() < running.books_end_s
        wanted = books if is_first else set(self._fetches)
        done = wait(wanted, timeout=timeout_s, return_when=FIRST_COMPLETED).done
        return sorted(done, key=lambda fetch: fetch not in books)

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

    def _turn(self, step: RepoPass, on_progress: Progress) -> bool:
        """Apply commits of one repo for one turn; return whether it has more."""
        end_s = time.monotonic() + self._config.turn_s
        is_over = lambda: self._interrupted() or time.monotonic() >= end_s  # noqa: E731
        more = step.turn(on_progress, is_over)
        if step.billed_to is not None:
            self._recording.start(step.repo.identity, step.billed_to)
        self._tiers_due |= step.repo.role != "usage" and step.has_applied
        return more and not self._interrupted()

    def _finish(self, *, is_whole: bool) -> None:
        """Record when the ledger was brought up to date; update stored tiers once a day.

        Tiers are also updated when the rule book changed, or a repo that carries money had new
        commits.
        """
        now = self._clock()
        store = self._ledger.store
        today = f"{now:%Y-%m-%d} {self._ledger.rater.rule_book.sha256}"
        if store.fact(_PROMOTED_ON) != today or self._tiers_due:
            self._ledger.promote_tiers(hour_of(now))
            self._tiers_due = False
        with store.transaction():
            if self._config.copy_remote is None:
                store.incidents.close_everywhere(IncidentKind.COPY_FAILED, now)
            if is_whole:
                names = [repo.name for repo in self._readable()]
                if any_answers(store.incidents, names):
                    store.set_fact(PULLED_AT, format_ts(now))
                # repos that are no longer read: no later pass would close their incidents
                store.incidents.close_except(ABOUT_HEAD, names, now)
            store.set_fact(_PROMOTED_ON, today)
