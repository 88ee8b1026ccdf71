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
from datetime import datetime, timedelta
from typing import Final

from aggregator.admission import Admission, Admitted, Delivery
from aggregator.batch import Batch, Place, RuleFiles, rejected_line
from aggregator.database import evidence
from aggregator.database.evidence import RepoRow, SegmentPlace
from aggregator.incidents import IncidentKind
from aggregator.intake import Intake, Stop
from aggregator.ledger import Ledger
from aggregator.mirror import Mirror
from aggregator.segments import SegmentReader, entry_for, misplaced, read_segment
from aggregator.walk import AddedFile, CommitDelta, commit_delta
from cursors.store import read_cursor
from wire_format.faults import Fault
from wire_format.fields import SEGMENTS_PER_COMMIT_MAX
from wire_format.rule_book import (
    DISCOUNTS_PATH,
    PRICES_PATH,
    RULE_FILE_BYTES_MAX,
    RuleBookError,
    parse_rule_book,
)

BATCH_WEIGHT: Final = 50_000
"""Lines after which a batch is written: bounds memory and how long the write lock is held."""

_PATHS_SHOWN_MAX: Final = 3


@dataclass(frozen=True)
class Rules:
    """What reading records depends on besides the records.

    Attributes:
        skew: how far a `ts` may lie ahead of its commit, and a commit ahead of our clock.
        latest_commit: commits dated later are not read yet; None reads all of them.
        now: when an incident that the records show counts as opened.
    """

    skew: timedelta
    latest_commit: datetime | None
    now: datetime


class Ingest:
    """Applies commits of one repo to a ledger.

    Args:
        ledger: where they go.
        repo: whose commits they are.
        mirror: where they are read.
        open_mirror: gives any repo's mirror by name: a node's earlier records may lie in another.
        rules: the limits of the configuration.
    """

    def __init__(
        self,
        ledger: Ledger,
        repo: RepoRow,
        mirror: Mirror,
        open_mirror: Callable[[str], Mirror],
        rules: Rules,
    ) -> None:
        self._ledger = ledger
        self._repo = repo
        self._mirror = mirror
        self._rules = rules
        self._reader = SegmentReader(open_mirror, rules.skew)
        seen = evidence.read_seen(ledger.connection, repo.node_id)
        self._admission = Admission(repo.node, rules.skew, seen, self._lines_between)
        self._blobs: dict[str, int] = {}
        self._intake = Intake()

    def run(
        self,
        commits: Sequence[str],
        on_commit: Callable[[], object] = lambda: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Intake:
        """Apply commits, oldest first, each against its first parent.

        Args:
            commits: what to apply.
            on_commit: told after each.
            interrupted: asked after each commit whether to leave the rest for another pass.

        Raises:
            CursorMovedError: another aggregator writes to this database.
            MirrorError: an object is missing from the mirror.
        """
        with without_cycle_collection():
            return self._run(commits, on_commit, interrupted)

    def _run(
        self,
        commits: Sequence[str],
        on_commit: Callable[[], object],
        interrupted: Callable[[], bool],
    ) -> Intake:
        cursor = read_cursor(self._ledger.connection, self._repo.name)
        tip = cursor
        unwritten = 0
        for commit in commits:
            delta = commit_delta(self._mirror, commit)
            self._intake.stop = self._reason_to_stop(delta)
            if self._intake.stop is not None:
                break
            self._read_commit(delta)
            tip = commit
            self._intake.commits += 1
            on_commit()
            unwritten += 1
            stopping = interrupted()
            if stopping or self._admission.batch.weight + unwritten >= BATCH_WEIGHT:
                cursor, unwritten = self._write(cursor, tip), 0
            if stopping:
                break
        if tip is not None and tip != cursor:
            self._write(cursor, tip)
        return self._intake

    def _write(self, cursor: str | None, tip: str) -> str:
        batch, self._admission.batch = self._admission.batch, Batch()
        self._ledger.apply(self._repo, cursor, tip, batch, self._rules.now)
        self._intake.add(batch)
        self._blobs.clear()
        return tip

    def _reason_to_stop(self, delta: CommitDelta) -> Stop | None:
        if delta.edited:
            paths = ", ".join(delta.edited[:_PATHS_SHOWN_MAX])
            if len(delta.edited) > _PATHS_SHOWN_MAX:
                paths += f" and {len(delta.edited) - _PATHS_SHOWN_MAX} more"
            return Stop(
                IncidentKind.EDITED_HISTORY,
                delta.commit,
                f"changes or deletes billed files: {paths}",
            )
        if len(delta.added) > SEGMENTS_PER_COMMIT_MAX:
            return Stop(
                IncidentKind.OVERSIZED_COMMIT,
                delta.commit,
                f"adds more than {SEGMENTS_PER_COMMIT_MAX} segments",
            )
        latest = self._rules.latest_commit
        if latest is not None and delta.committed_at > latest:
            return Stop(
                IncidentKind.COMMIT_AHEAD,
                delta.commit,
                f"is dated {delta.committed_at:%Y-%m-%dT%H:%M:%SZ}, ahead of our clock",
            )
        return None

    def _read_commit(self, delta: CommitDelta) -> None:
        if delta.touches_rules and self._repo.role == "books":
            self._read_rules(delta.commit)
        for file in delta.added:
            self._read_file(file, Delivery(delta.commit, file.path, delta.committed_at))

    def _read_file(self, file: AddedFile, delivery: Delivery) -> None:
        batch = self._admission.batch
        fault = misplaced(file, self._repo.role)
        claimed = None if fault else self._claimed_records(file.blob)
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
                self._blobs[file.blob] = entry.records

    def _claimed_records(self, blob: str) -> int | None:
        """How many records a blob brought that was applied whole before, or None."""
        if blob in self._blobs:
            return self._blobs[blob]
        return evidence.claimed_records(self._ledger.connection, self._repo.node_id, blob)

    def _lines_between(self, first_seq: int, last_seq: int) -> Iterator[Admitted]:
        """The node's lines around a range of seqs: applied ones, then those of this batch."""
        applied = evidence.segments_between(
            self._ledger.connection, self._repo.node_id, first_seq, last_seq
        )
        pending = [
            SegmentPlace(
                repo=self._repo.name,
                node=self._repo.node,
                folder=entry.folder,
                commit=entry.commit,
                path=entry.path,
                blob=entry.blob,
                committed_at_s=entry.committed_at_s,
            )
            for entry in self._admission.batch.segments
            if entry.first_seq <= last_seq and entry.last_seq >= first_seq
        ]
        for place in (*applied, *pending):
            yield from self._reader.claims(place)

    def _read_rules(self, commit: str) -> None:
        """Take over the rule book of a commit; one that cannot be used is reported and passed."""
        batch = self._admission.batch
        try:
            files = RuleFiles(
                commit,
                self._rule_file(commit, PRICES_PATH),
                self._rule_file(commit, DISCOUNTS_PATH),
            )
            parse_rule_book(files.prices_toml, files.discounts_toml)
        except RuleBookError as error:
            batch.bad_rules.append((commit, str(error)))
        else:
            batch.rule_files = files
            batch.bad_rules.clear()

    def _rule_file(self, commit: str, path: str) -> bytes | None:
        blob = self._mirror.find_blob(commit, path)
        if blob is None:
            return None
        if (size := self._mirror.blob_size(blob)) > RULE_FILE_BYTES_MAX:
            raise RuleBookError(path, [f"{size} bytes; at most {RULE_FILE_BYTES_MAX}"])
        return self._mirror.read_blob(blob)


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
