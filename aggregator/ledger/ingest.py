"""One repo, from its cursor towards its head. Read this module first.

    git commits -> walk -> segments -> admission -> batch -> ledger (one transaction)

The crash guarantee: a batch is collected in memory from whole commits, and `Ledger.apply` writes
its charges, balances, evidence and the moved cursor in one SQLite transaction. A process that dies
anywhere leaves the cursor on the last commit whose records are in the database; the next pass reads
from there and ends in the same ledger, because admission depends on the set of lines alone.

What stops a repo (an edited history, a commit from the future) is returned, not raised: the commits
before it are applied, the cursor stays there, and every other repo goes on.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.admission.admission import Admission, Delivery
from aggregator.admission.batch import Batch
from aggregator.admission.decisions import Decisions
from aggregator.admission.held import Place, rejected_line
from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger.applied import Intake, Stop
from aggregator.ledger.known_lines import LINES_READ_AGAIN_MAX, NodeLines, TangledError
from aggregator.ledger.ledger import Changes, Ledger, Move
from aggregator.ledger.rejudge import judged_anew
from aggregator.ledger.rule_files import read_rules, rules_below
from aggregator.ledger.segments import SegmentReader, entry_for, misplaced, read_segment
from aggregator.mirrors.commit_delta import AddedFile, CommitDelta, commit_delta
from aggregator.mirrors.mirror import Mirror
from aggregator.store.repo_rows import RepoRow
from wire_format.faults import Fault
from wire_format.rule_book import RuleBookError

BATCH_WEIGHT: Final = 50_000
"""Lines after which a batch is written: bounds memory and how long the write lock is held."""

_PATHS_SHOWN_MAX: Final = 3


@dataclass(frozen=True)
class Rules:
    """What reading records depends on besides the records.

    Attributes:
        reader: reads segments again, under the rules of the repo that each stands in.
        latest_commit: commits dated later are not read yet; None reads all of them.
        now: when an incident that the records show counts as opened.
    """

    reader: SegmentReader
    latest_commit: datetime | None
    now: datetime


@dataclass(frozen=True)
class Stretch:
    """Commits to apply.

    Attributes:
        commits: oldest first, each compared with its first parent.
        accepted: how many of them, from the first, the operator has accepted whatever they do: an
            edited segment is then read like an added one, and no limit but memory's holds.
        kept: tips that the commits do not build on and whose records stay.
        replaced: those of the commits that the cursor will not build on; their rules do not hold.
    """

    commits: Sequence[str]
    accepted: int = 0
    kept: tuple[str, ...] = ()
    replaced: frozenset[str] = frozenset()


class Ingest:
    """Applies commits of one repo to a ledger.

    Args:
        ledger: where they go.
        repo: whose commits they are.
        mirror: where they are read.
        rules: the limits of the configuration.
    """

    def __init__(self, ledger: Ledger, repo: RepoRow, mirror: Mirror, rules: Rules) -> None:
        self._ledger = ledger
        self._repo = repo
        self._mirror = mirror
        self._rules = rules
        self._blobs: dict[tuple[str, str], int] = {}
        self._intake = Intake()
        self._unwritten: list[CommitDelta] = []
        self._replaced: frozenset[str] = frozenset()

    def _begin(self) -> None:
        """Start collecting from what the database holds."""
        ledger, repo, reader = self._ledger, self._repo, self._rules.reader
        self._known = NodeLines(ledger.store, repo.node_id, reader, repo.name, repo.node)
        self._admission = Admission(
            reader.rules_of(repo.name),
            ledger.store.lines.seen(repo.node_id),
            ledger.decisions.of_node(repo.node),
            self._known,
        )
        self._known.batch = self._batch
        self._blobs.clear()
        self._unwritten.clear()

    @property
    def _batch(self) -> Batch:
        return self._admission.settlement.batch

    def run(
        self,
        stretch: Stretch,
        on_commit: Callable[[], object] = lambda: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Intake:
        """Apply commits.

        Args:
            stretch: what to apply.
            on_commit: told after each.
            interrupted: asked after each commit whether to leave the rest for another pass.

        Raises:
            CursorMovedError: another aggregator writes to this database.
            MirrorError: an object is missing from the mirror.
        """
        self._begin()  # between two turns another repo of the same node may have been read
        self._replaced = stretch.replaced
        with without_cycle_collection():
            self._run(stretch, on_commit, interrupted)
        return self._intake

    def _run(
        self, stretch: Stretch, on_commit: Callable[[], object], interrupted: Callable[[], bool]
    ) -> None:
        if stretch.kept and stretch.commits and self._repo.role == "books":
            self._batch.rule_files = rules_below(self._mirror, stretch.commits[0])
        for number, commit in enumerate(stretch.commits):
            if not self._take(commit, is_accepted=number < stretch.accepted):
                break
            self._intake.commits += 1
            on_commit()
            stopping = interrupted()
            if stopping or self._batch.weight + len(self._unwritten) >= BATCH_WEIGHT:
                self._write(stretch.kept)
            if stopping:
                return
        self._write(stretch.kept)

    def _take(self, commit: str, *, is_accepted: bool) -> bool:
        """Read a commit into the batch, unless there is a reason to stop before it."""
        delta = commit_delta(self._mirror, commit, is_limited=not is_accepted)
        if not is_accepted:
            self._intake.stop = self._reason_to_stop(delta)
            if self._intake.stop is not None:
                return False
        self._known.limit(None if is_accepted else LINES_READ_AGAIN_MAX)
        try:
            self._read_commit(delta)
        except TangledError:
            detail = "has lines that overlap too many earlier ones"
            self._intake.stop = Stop(IncidentKind.OVERSIZED_COMMIT, commit, detail)
            self._read_again()
            return False
        self._unwritten.append(delta)
        return True

    def _read_again(self) -> None:
        """Collect the commits of this batch anew, without the half of one that came after."""
        read = list(self._unwritten)
        self._begin()
        for delta in read:
            self._read_commit(delta)
            self._unwritten.append(delta)

    def _write(self, kept: tuple[str, ...]) -> None:
        if not self._unwritten:
            return
        batch, tip = self._batch, self._unwritten[-1].commit
        changes = self._with_decisions(batch)
        expected = self._ledger.store.cursors.of_repo(self._repo.name)
        move = Move(self._repo, expected, tip, kept)
        self._intake.add(batch, self._ledger.apply(move, changes, self._rules.now))
        self._blobs.clear()
        self._unwritten.clear()
        self._admission.settlement.batch = self._known.batch = Batch()

    def _with_decisions(self, batch: Batch) -> Changes:
        """The batch, and what its decisions change for every node."""
        if not batch.decisions:
            return Changes(batch)
        store, before = self._ledger.store, self._ledger.decisions
        after = Decisions(store.decisions.all(batch.decisions))
        self._known.limit(None)
        own = self._repo.node
        self._admission.adopt(after.of_node(own), before.changed_seqs(after, own))
        others = judged_anew(store, self._rules.reader, before, after, but=own)
        return Changes(batch, others, after)

    def _reason_to_stop(self, delta: CommitDelta) -> Stop | None:
        if delta.edited:
            paths = ", ".join(file.path for file in delta.edited[:_PATHS_SHOWN_MAX])
            if len(delta.edited) > _PATHS_SHOWN_MAX:
                paths += f" and {len(delta.edited) - _PATHS_SHOWN_MAX} more"
            return Stop(
                IncidentKind.EDITED_HISTORY,
                delta.commit,
                f"changes or deletes billed files: {paths}",
            )
        if delta.oversized:
            return Stop(IncidentKind.OVERSIZED_COMMIT, delta.commit, delta.oversized)
        latest = self._rules.latest_commit
        if latest is not None and delta.committed_at > latest:
            return Stop(
                IncidentKind.COMMIT_AHEAD,
                delta.commit,
                f"is dated {delta.committed_at:%Y-%m-%dT%H:%M:%SZ}, ahead of our clock",
            )
        return None

    def _read_commit(self, delta: CommitDelta) -> None:
        is_in_force = self._repo.role == "books" and delta.commit not in self._replaced
        if delta.touches_rules and is_in_force:
            self._read_rules(delta.commit)
        edited = [file.after for file in delta.edited if file.after is not None]
        for file in (*delta.added, *edited):
            self._read_file(file, Delivery(delta.commit, file.path, delta.committed_at))

    def _read_file(self, file: AddedFile, delivery: Delivery) -> None:
        batch = self._batch
        fault = misplaced(file, self._repo.role)
        key = (file.path.partition("/")[0], file.blob)
        claimed = None if fault else self._claimed_records(*key)
        if claimed is not None:
            batch.duplicates += claimed
            return
        segment = fault or read_segment(self._mirror, file)
        if isinstance(segment, Fault):
            place = Place(delivery.commit, file.path, 0)
            batch.rejected.append(rejected_line(b"", segment, place))
            return
        all_claimed = self._admission.admit(segment, delivery)
        entry = entry_for(segment, file, delivery, self._repo.node, all_claimed=all_claimed)
        if entry is not None:
            batch.segments.append(entry)
            if all_claimed:
                self._blobs[key] = entry.records

    def _claimed_records(self, folder: str, blob: str) -> int | None:
        """How many records a blob brought that was applied whole before, or None."""
        if (folder, blob) in self._blobs:
            return self._blobs[folder, blob]
        store, node_id = self._ledger.store, self._repo.node_id
        return store.segments.claimed_records(node_id, folder, blob)

    def _read_rules(self, commit: str) -> None:
        """Take over the rule book of a commit; one that cannot be used is reported and passed."""
        try:
            self._batch.rule_files = read_rules(self._mirror, commit)
        except RuleBookError as error:
            self._batch.bad_rules.append((commit, str(error)))
        else:
            self._batch.bad_rules.clear()


@contextmanager
def without_cycle_collection() -> Iterator[None]:
    """Pause Python's search for cycles.

    Millions of records make none, and looking for them takes a quarter of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
