"""One pass over all repos: look at each head, fetch what is new, apply it, report.

Looking and fetching happens in a bounded pool of threads; everything that touches the database
happens here, one repo after the other, the books first. What goes wrong with one repo is its report
and its incident; the others go on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.config import Config, RepoConfig
from aggregator.database import evidence
from aggregator.database.connection import read_meta, upsert_meta, write_transaction
from aggregator.incidents import IncidentKind, file_standing, kind_of
from aggregator.ingest import Ingest, Rules
from aggregator.intake import Intake
from aggregator.ledger import Ledger
from aggregator.look import Look, look_at
from aggregator.mirror import Mirror, MirrorError
from aggregator.rebuild import Progress
from aggregator.state import State
from cursors.position import Advance, HeadOutcome, advance
from cursors.store import read_cursor
from git_remote.runner import stop_running
from wire_format.instants import format_ts, hour_of

PULLED_AT: Final = "pulled_at"
_PROMOTED_ON: Final = "tiers_promoted_on"
_WAIT_S: Final = 1.0
_STOP_S: Final = 0.1
_PASSING: Final = frozenset(
    (IncidentKind.UNREACHABLE, IncidentKind.BRANCH_MISSING, IncidentKind.COMMIT_AHEAD)
)
"""Incidents that may pass without anybody doing anything."""


@dataclass(frozen=True)
class RepoReport:
    """What one pull did with one repo.

    Attributes:
        name, node, role: which repo.
        outcome: what its head meant.
        incident: what keeps it from going on, or None.
        detail: a sentence about it.
        noticed: other incidents that the new records show.
        commits, admitted, duplicates, held, rejected: what was applied.
        behind: commits fetched and not applied.
        retry: whether the next pull may succeed without anybody doing anything.
    """

    name: str
    node: str
    role: str
    outcome: HeadOutcome
    incident: IncidentKind | None
    detail: str
    noticed: tuple[IncidentKind, ...]
    commits: int
    admitted: int
    duplicates: int
    held: int
    rejected: int
    behind: int
    retry: bool


class Puller:
    """Pulls all configured repos into a ledger.

    Args:
        state: locked by the caller.
        ledger: open for writing.
        clock: tells the time.
        interrupted: asked between repos and transactions whether to stop early.
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
    ) -> Iterator[RepoReport]:
        """Look at every repo and apply what is new, yielding each report as it is done.

        Args:
            on_progress: told after each applied commit.
            skip: tells by name which repos are not looked at this time.
            on_wait: told about once a second while remotes are waited for.
        """
        repos = [repo for repo in self._config.repo if not skip(repo.name)]
        repos.sort(key=lambda repo: repo.role != "books")
        with ThreadPoolExecutor(self._config.fetch_workers) as pool:
            looks = {
                pool.submit(look_at, self._state, repo, self._cursor(repo), self._interrupted): repo
                for repo in repos
            }
            for done in _books_first(looks, on_wait, self._interrupted):
                yield self._take(looks[done], done.result(), on_progress)
            if self._interrupted():
                pool.shutdown(wait=False, cancel_futures=True)
                _stop_looking(looks, on_wait)
                return
        self._finish()

    def _cursor(self, repo: RepoConfig) -> str | None:
        return read_cursor(self._ledger.connection, repo.name)

    def _take(self, repo: RepoConfig, look: Look, on_progress: Progress) -> RepoReport:
        """Judge a look, apply what is new and write down where the repo stands."""
        now = self._clock()
        connection = self._ledger.connection
        with write_transaction(connection):
            row = evidence.repo_row(connection, repo.name, repo.node, repo.role)
        intake: Intake | None = None
        position = Advance(look.trouble or HeadOutcome.UNCHANGED)
        detail, kind = look.detail, None
        try:
            if look.trouble is None and not look.is_mirror_bad:
                mirror = self._state.open_mirror(repo.identity)
                self._catch_up(row, mirror, now, on_progress)
                position = advance(self._cursor(repo), look.head, mirror.first_parent)
                if position.outcome is HeadOutcome.FAST_FORWARD:
                    intake = self._apply(row, mirror, position, now, on_progress)
            kind = intake.stop.kind if intake and intake.stop else kind_of(position.outcome)
            detail = _detail(look, position, intake)
        except MirrorError as error:
            kind, detail = IncidentKind.BAD_MIRROR, str(error)
        if look.is_mirror_bad:
            kind = IncidentKind.BAD_MIRROR
        behind = len(position.commits) - (intake.commits if intake else 0)
        with write_transaction(connection):
            subject = (intake.stop.commit if intake and intake.stop else look.head) or ""
            file_standing(connection, row.id, kind, subject, detail, now)
            evidence.save_look(
                connection, row.id, look.head, str(position.outcome), behind, format_ts(now)
            )
        return _report(repo, look, position, kind, detail, behind, intake or Intake())

    def _catch_up(
        self, row: evidence.RepoRow, mirror: Mirror, now: datetime, on_progress: Progress
    ) -> None:
        """Apply what was billed before an older copy of the database was put back."""
        cursor, applied = read_cursor(self._ledger.connection, row.name), mirror.applied
        if applied is not None and applied != cursor:
            position = advance(cursor, applied, mirror.first_parent)
            if position.outcome is HeadOutcome.FAST_FORWARD:
                self._apply(row, mirror, position, now, on_progress)

    def _apply(
        self,
        row: evidence.RepoRow,
        mirror: Mirror,
        position: Advance,
        now: datetime,
        on_progress: Progress,
    ) -> Intake:
        rules = Rules(self._state.skew, now + self._state.skew, now)
        ingest = Ingest(self._ledger, row, mirror, self._state.open_mirror_named, rules)
        total = len(position.commits)
        done = iter(range(1, total + 1))
        intake = ingest.run(
            position.commits,
            lambda: on_progress(row.name, next(done), total),
            self._interrupted,
        )
        self._tiers_due |= row.role == "books"
        cursor = read_cursor(self._ledger.connection, row.name)
        if cursor is not None:
            mirror.advance_applied(cursor)
        return intake

    def _finish(self) -> None:
        """Note when the ledger was brought up to date, and once a day who stands on which tier."""
        now = self._clock()
        connection = self._ledger.connection
        today = f"{now:%Y-%m-%d} {self._ledger.rater.rule_book.sha256}"
        if read_meta(connection, _PROMOTED_ON) != today or self._tiers_due:
            self._ledger.promote_tiers(hour_of(now))
        with write_transaction(connection):
            upsert_meta(connection, PULLED_AT, format_ts(now))
            upsert_meta(connection, _PROMOTED_ON, today)


def _books_first(
    looks: Mapping[Future[Look], RepoConfig],
    on_wait: Callable[[], object],
    interrupted: Callable[[], bool],
) -> Iterator[Future[Look]]:
    """Looks as they are done, until interrupted; the books first, so that usage is rated once."""
    books = {look for look, repo in looks.items() if repo.role == "books"}
    for group in (books, set(looks) - books):
        pending = group
        while pending and not interrupted():
            done, pending = wait(pending, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
            on_wait()
            for look in done:
                if not interrupted():
                    yield look


def _stop_looking(looks: Iterable[Future[Look]], on_wait: Callable[[], object]) -> None:
    """End every fetch, those that are only just starting too."""
    pending = set(looks)
    while pending:
        stop_running()
        on_wait()
        pending = wait(pending, timeout=_STOP_S).not_done


def _detail(look: Look, position: Advance, intake: Intake | None) -> str:
    if intake is not None and intake.stop is not None:
        return f"commit {intake.stop.commit} {intake.stop.detail}"
    if position.outcome is HeadOutcome.REWRITTEN:
        return f"head {look.head} does not build on what was billed"
    if position.outcome is HeadOutcome.BRANCH_MISSING:
        return look.detail or "the branch is gone from the remote"
    return look.detail


def _report(
    repo: RepoConfig,
    look: Look,
    position: Advance,
    kind: IncidentKind | None,
    detail: str,
    behind: int,
    intake: Intake,
) -> RepoReport:
    return RepoReport(
        name=repo.name,
        node=repo.node,
        role=repo.role,
        outcome=position.outcome,
        incident=kind,
        detail=detail,
        noticed=tuple(sorted(intake.noticed)),
        commits=intake.commits,
        admitted=intake.admitted,
        duplicates=intake.duplicates,
        held=intake.held,
        rejected=intake.rejected,
        behind=behind,
        retry=kind in _PASSING and look.retry,
    )
