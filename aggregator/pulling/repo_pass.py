"""One repo in one pass: judge its head, check its signature, apply its commits, report."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from aggregator.config.repos import RepoConfig
from aggregator.incidents.filing import file_head_incident
from aggregator.incidents.kinds import PASSING, IncidentKind, kind_of
from aggregator.ledger.applied import Applied, Stop
from aggregator.ledger.ingest import Ingest, Rules, Stretch
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.segments import segment_reader
from aggregator.mirrors.mirror import (
    Mirror,
    MirrorError,
    OutOfResourcesError,
    OversizedObjectError,
)
from aggregator.mirrors.state import State
from aggregator.pulling.fetching import Fetched
from aggregator.pulling.signatures import Signers
from cursors.position import Advance, HeadOutcome, advance
from gitmeter.support.bulk import Progress
from gitmeter.support.errors import with_hint
from gitmeter.support.terminal import counted
from wire_format.instants import format_ts

_UNSIGNED_WALKED_MAX: Final = 1000
"""How many commits below an unsigned head are walked, to say how many there are."""
_NOTHING_NEW: Final = {IncidentKind.REPO_GONE, IncidentKind.SET_BACK}
"""What may happen to the repo of a retired node: no push brings back what it lacks."""


@dataclass(frozen=True)
class RepoReport:
    """What one pass did with one repo.

    Attributes:
        name, node, role: the repo, its node and its role.
        outcome: what its head meant.
        incident: what stops this repo, or None.
        detail: a sentence about the outcome or the incident; may be empty.
        noticed: other incidents, which the new records show.
        commits: how many commits were applied.
        admitted, duplicates, held, rejected: how many of their lines had each result.
        behind: how many fetched commits were not applied.
        retry: whether the next pass may succeed without anyone's intervention.
        retry_after_s: how long the server asks us to wait, if it does.
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
    retry_after_s: int | None


class RepoPass:
    """Apply the commits of one repo from its cursor towards its head, in one or more turns.

    Args:
        state: the state directory, with the mirrors.
        ledger: the ledger, open for writing.
        repo: the repo.
        fetched: the result of fetching it.
        signers: the keys that may sign.
        now: the time of this pass.
        ahead: reads segments ahead in other processes.
        on_step: called between the steps of long work; raises `StoppedError` to end it.

    Attributes:
        repo: the argument.
        billed_to: the cursor after the last turn; the mirror is still to record it. None before.
    """

    def __init__(  # noqa: PLR0913 - what a pass depends on
        self,
        state: State,
        ledger: Ledger,
        repo: RepoConfig,
        fetched: Fetched,
        signers: Signers,
        now: datetime,
        ahead: ReadAhead,
        on_step: Callable[[], object] = lambda: None,
    ) -> None:
        self.repo = repo
        self.billed_to: str | None = None
        self._on_step = on_step
        self._state = state
        self._ledger = ledger
        self._fetched = fetched
        self._signers = signers
        self._now = now
        self._ahead = ahead
        with ledger.store.transaction():
            self._row = ledger.store.repos.row(repo.identity)
        self._position = Advance(fetched.trouble or HeadOutcome.UNCHANGED)
        self._stop: Stop | None = None
        self._stretch = Stretch(())
        self._ingest: Ingest | None = None
        self._applied = Applied()
        self._trouble: tuple[IncidentKind, str] | None = None
        if fetched.is_mirror_bad:
            self._trouble = (IncidentKind.BAD_MIRROR, fetched.detail)
        elif fetched.trouble is None:
            self._guarded(self._judge)

    @property
    def has_applied(self) -> bool:
        """Whether commits were applied in this pass."""
        return self._applied.commits > 0

    def turn(self, on_progress: Progress, turn_over: Callable[[], bool]) -> bool:
        """Apply commits until the turn is over; return whether more are left."""
        self._guarded(lambda: self._apply(on_progress, turn_over))
        if self._trouble or self._applied.stop:
            return False
        return self._applied.commits < len(self._stretch.commits)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step; what is wrong with this repo alone stops no other."""
        try:
            step()
        except OversizedObjectError as error:
            self._trouble = (IncidentKind.OVERSIZED_OBJECT, with_hint(error))
        except (OSError, OutOfResourcesError) as error:
            self._trouble = (IncidentKind.NOT_READ, with_hint(error))
        except MirrorError as error:
            self._trouble = (IncidentKind.BAD_MIRROR, with_hint(error))

    def _judge(self) -> None:
        """Find out which commits may be applied: compare head and cursor, check the signature."""
        mirror = self._state.mirrors.open(self.repo.identity)
        kept = self._ledger.store.cursors.kept_of(self.repo.name)
        cursor = self._cursor
        gone = [tip for tip in (cursor, *sorted(kept)) if tip and not mirror.has_commit(tip)]
        if gone:
            detail = f"neither the remote nor our mirror has {', '.join(gone)}, which was billed"
            if self._fetched.unrecovered:
                detail += f"; the copy remote: {self._fetched.unrecovered}"
            self._trouble = (IncidentKind.LOST_HISTORY, detail)
            return
        self._catch_up(mirror)
        head = self._fetched.head
        verdict = None
        if head is not None and head != self._cursor:
            verdict = self._signers.judge(mirror, self.repo, head, self._now)
        self._position = position = advance(
            self._cursor,
            head,
            mirror.first_parent,
            accepted := self._ledger.decisions.accepted_tips(self.repo.name),
            lambda: set(chain.from_iterable(map(mirror.chain, {*kept, self._cursor or ""} - {""}))),
            # who may not sign decides on little work; a tip that the operator accepted may be deep
            _UNSIGNED_WALKED_MAX if verdict is not None and not accepted else None,
        )
        commits = position.commits
        is_stopped = len(commits) > position.accepted or position.outcome is HeadOutcome.TOO_LONG
        if verdict is not None and head is not None and is_stopped:
            self._stop = Stop(verdict[0], head, verdict[1])
            commits = commits[: position.accepted]
        kept_now: tuple[str, ...] = ()
        if position.outcome is HeadOutcome.ACCEPTED and self._cursor is not None:
            mirror.keep(self._cursor)
            kept_now = (self._cursor,)
        self._stretch = Stretch(commits, position.accepted, kept_now)
        self._start(mirror)

    @property
    def _cursor(self) -> str | None:
        return self._ledger.store.cursors.of_repo(self.repo.name)

    def _start(self, mirror: Mirror) -> None:
        skew = timedelta(seconds=self._state.config.skew_s)
        reader = segment_reader(self._state, self._on_step)
        rules = Rules(reader, self._now + skew, self._now, self._ahead)
        self._ingest = Ingest(self._ledger, self._row, mirror, rules)
        self._applied = self._ingest.applied

    def _catch_up(self, mirror: Mirror) -> None:
        """Apply again what the mirror has as billed, if an older database was restored.

        These commits were accepted once, so they are not judged by date or signature again.
        """
        applied = mirror.applied
        if applied is not None and applied != self._cursor:
            position = advance(self._cursor, applied, mirror.first_parent)
            if position.outcome is HeadOutcome.FAST_FORWARD:
                reader = segment_reader(self._state, self._on_step)
                rules = Rules(reader, None, self._now, self._ahead)
                ingest = Ingest(self._ledger, self._row, mirror, rules)
                count = len(position.commits)
                ingest.run(Stretch(position.commits, accepted=count, is_billed=True))

    def _apply(self, on_progress: Progress, turn_over: Callable[[], bool]) -> None:
        if self._ingest is None or not self._stretch.commits:
            return
        done, total = self._applied.commits, len(self._stretch.commits)
        numbers = iter(range(done + 1, total + 1))
        stretch = Stretch(
            self._stretch.commits[done:],
            max(0, self._stretch.accepted - done),
            self._stretch.kept if done == 0 else (),
        )
        self._ingest.run(
            stretch, lambda: on_progress(self.repo.name, next(numbers), total), turn_over
        )
        self.billed_to = self._cursor

    def note_progress(self) -> None:
        """Store how many commits are left, where the rest is left to a later pass."""
        behind = len(self._position.commits) - self._applied.commits
        with self._ledger.store.transaction():
            self._ledger.store.repos.save_check(
                *(self._row.id, self._fetched.head, str(self._position.outcome), behind),
                format_ts(self._now),
            )

    def report(self) -> RepoReport:
        """Store the repo's outcome, open or close its incident, and return the report."""
        applied, position = self._applied, self._position
        stop = applied.stop or self._stop
        if self._trouble is not None:
            kind, detail = self._trouble
            subject = self._fetched.head or ""
        elif stop is not None:
            kind, detail = stop.kind, f"commit {stop.commit} {stop.detail}"
            subject = stop.commit
        else:
            found = kind_of(position.outcome)
            subject = self._fetched.head or ""
            detail = _detail(self._fetched, position, self._cursor)
            return self._filed(found, subject, detail)
        return self._filed(kind, subject, detail)

    def _filed(self, kind: IncidentKind | None, subject: str, detail: str) -> RepoReport:
        applied, outcome = self._applied, self._position.outcome
        if self.repo.is_retired and kind in _NOTHING_NEW:
            kind = None  # nothing more comes from it, and what was billed of it stays billed
        behind = len(self._position.commits) - applied.commits
        store, head = self._ledger.store, self._fetched.head
        with store.transaction():
            file_head_incident(store, self._row.id, kind, subject, detail, self._now)
            checked_at = format_ts(self._now)
            store.repos.save_check(self._row.id, head, str(outcome), behind, checked_at)
        return RepoReport(
            name=self.repo.name,
            node=self.repo.node,
            role=self.repo.role,
            outcome=outcome,
            incident=kind,
            detail=detail,
            noticed=tuple(sorted(applied.noticed)),
            commits=applied.commits,
            admitted=applied.admitted,
            duplicates=applied.duplicates,
            held=applied.held,
            rejected=applied.rejected,
            behind=behind,
            retry=kind in PASSING and self._fetched.retry,
            retry_after_s=self._fetched.retry_after_s,
        )


def _detail(fetched: Fetched, position: Advance, cursor: str | None) -> str:
    match position.outcome:
        case HeadOutcome.REWRITTEN:
            return f"head {fetched.head} does not build on what was billed"
        case HeadOutcome.SET_BACK:
            missing = counted(position.missing, "billed commit")
            return f"head {fetched.head} lacks {missing} up to {cursor}"
        case HeadOutcome.BRANCH_MISSING:
            return fetched.detail or "the branch is gone from the remote"
    return fetched.detail
