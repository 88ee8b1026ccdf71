"""Commits of a repo that are read and not written yet: one batch, and its admission."""

from functools import partial
from typing import Final

from aggregator.admission.admission import Admission, Source
from aggregator.admission.batch import Batch, SegmentEntry, WriterCommit
from aggregator.admission.grouped import grouped
from aggregator.admission.writers import WriterAdmission
from aggregator.ledger.applied import Changes
from aggregator.ledger.known_lines import NodeLines
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading.segment import read_segment
from aggregator.ledger.reading.walk import Walk
from aggregator.ledger.rejudge import InForce, judged_again, seqs_to_judge
from aggregator.ledger.repriced import RepricingError, repriced_seqs
from aggregator.ledger.rule_files import read_rules
from aggregator.ledger.seen_seqs import NodeSeqs
from aggregator.ledger.segments import (
    SegmentReader,
    UnreadableSegmentError,
    entry_for,
    entry_of,
    misplaced,
)
from aggregator.mirrors.commit_delta import AddedFile, CommitDelta
from aggregator.mirrors.mirror import Mirror
from aggregator.store.repo_rows import RepoRow
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.grounds import Grounds
from gitmeter.counting.ranges import RangeSet
from gitmeter.roles.role import FACES_STRANGERS
from wire_format.faults import Fault
from wire_format.instants import to_us
from wire_format.rule_files.loading import RuleBookError
from wire_format.segment import Segment


class Pending:
    """Collects commits into one batch, judged against what the database has now.

    Args:
        ledger: the ledger as it was written last.
        repo: the repo of the commits.
        mirror: the mirror to read them from.
        reader: reads segments that were applied before.
        walk: the walk over the commits; it may have read segments ahead.

    Attributes:
        batch: what the commits change.
        commits: the commits that were read, oldest first.
    """

    def __init__(
        self,
        ledger: Ledger,
        repo: RepoRow,
        mirror: Mirror,
        reader: SegmentReader,
        walk: Walk,
    ) -> None:
        self.batch: Final = Batch()
        self.commits: Final[list[CommitDelta]] = []
        self._ledger = ledger
        self._repo = repo
        self._mirror = mirror
        self._reader = reader
        self._walk = walk
        self._filed: Final[dict[tuple[str, str], tuple[int, int]]] = {}
        seen = NodeSeqs(ledger.store, repo.node_id)
        self._writer = (
            WriterAdmission(repo.node, seen, self.batch) if repo.role in FACES_STRANGERS else None
        )
        self._known = NodeLines(
            ledger.store, repo.node_id, reader, repo.name, repo.node, self.batch, seen
        )
        self._admission = Admission(
            reader.rules_of(repo.name),
            seen,
            Grounds(ledger.decisions.of_node(repo.node), ledger.rater),
            self._known,
            self.batch,
        )

    @property
    def weight(self) -> int:
        """Roughly how many rows and commits wait to be written."""
        return self.batch.weight + len(self.commits)

    def read(self, delta: CommitDelta, *, lines_again_max: int | None, rules_hold: bool) -> None:
        """Read the next commit.

        Args:
            delta: the commit.
            lines_again_max: how many earlier lines may be read again for it; None for any number.
            rules_hold: whether its rule book comes into force, if it changes the rule book.

        Raises:
            TangledError: more would have to be read. The batch may have half of the commit and
                must be discarded.
            StoppedError: the work is to end now; as above.
            MirrorError: an object is missing from the mirror.
        """
        if self._writer is not None:
            self._read_writer(self._writer, delta)
            return
        self._known.limit(lines_again_max)
        if delta.touches_rules and rules_hold:
            self._read_rules(delta.commit)
        edited = [file.after for file in delta.edited if file.after is not None]
        for file in (*delta.added, *edited):
            self._read_file(file, Source(delta.commit, file.path, delta.committed_at))
        self.commits.append(delta)

    def changes(self, own_waits: UnreadableSegmentError | None = None) -> Changes:
        """What was read, with what its decisions and its rule book change for every node.

        Decisions about a node whose lines cannot be read again wait, and so does a rule book whose
        prices such lines are to be judged under; all else is carried out.

        Args:
            own_waits: why those about the repo's own node wait, after an earlier attempt.

        Raises:
            UnreadableSegmentError: earlier lines of the own node cannot be read; the batch may have
                half of the changes and must be discarded.
            OutOfResourcesError: nothing can be read now; as above.
        """
        ledger, batch, own = self._ledger, self.batch, self._repo.node
        if not batch.decisions and batch.rule_files is None:
            return Changes(batch)
        store, records, decisions = ledger.store, [], ledger.decisions
        if batch.decisions:
            records = store.decisions.all(batch.decisions)
            decisions = Decisions(records)
        rater, rules_wait = None, None
        before = InForce(ledger.decisions, ledger.rater)
        after, repriced = InForce(decisions, ledger.rater), dict[str, RangeSet]()
        again = partial(judged_again, store, self._reader, before, but=own)
        try:
            if batch.rule_files is not None:
                rater = ledger.rater_with(self._repo.name, batch.rule_files)
                after = InForce(decisions, rater)
                repriced = repriced_seqs(store, self._reader, ledger.rater, rater)
            judged = again(after, repriced)
        except RepricingError as error:
            rater, rules_wait = None, error
            after, repriced = InForce(decisions, ledger.rater), {}
            judged = again(after, repriced)
        if own_waits is None:
            self._known.limit(None)
            changed = seqs_to_judge(before, after, repriced, own)
            self._admission.adopt(after.of_node(own), changed)
        if not batch.decisions:
            return Changes(batch, judged.changes, rater=rater, rules_wait=rules_wait)
        unreadable = dict(judged.unreadable) | ({own: own_waits} if own_waits else {})
        waiting = {node: ledger.decisions.about(node) for node in unreadable}
        carried_out = Decisions(records, waiting)
        return Changes(batch, judged.changes, carried_out, rater, rules_wait, unreadable)

    def _read_file(self, file: AddedFile, source: Source) -> None:
        fault = misplaced(file, self._repo.role)
        key = (file.path.partition("/")[0], file.blob)
        claimed = None if fault else self._claimed_records(*key, source.committed_at_s)
        if claimed is not None:
            self.batch.duplicates += claimed
            return
        self._reader.on_step()
        found = None if fault else self._walk.take(file.blob)
        segment = None if found else fault or read_segment(self._mirror, file)
        if isinstance(segment, Segment):
            self._walk.note_lines(len(segment.records))
            found = grouped(segment)
        if found is not None and self._admission.count(found, source):
            self._file(entry_of(found, file, source), key)
            return
        segment = segment or read_segment(self._mirror, file)
        if isinstance(segment, Fault):
            self.batch.reject_file(segment, source.commit, file.path)
            return
        all_claimed = self._admission.admit(segment, source)
        entry = entry_for(segment, file, source, self._repo.node, all_claimed=all_claimed)
        if entry is not None:
            self._file(entry, key)

    def _read_writer(self, writer: WriterAdmission, delta: CommitDelta) -> None:
        """Read the next commit of a till or desk."""
        parent = None if delta.parent is None else delta.parent[0]
        writer.note(WriterCommit(delta.commit, parent, to_us(delta.committed_at)))
        edited = [file.after for file in delta.edited if file.after is not None]
        for file in (*delta.added, *edited):
            self._reader.on_step()
            source = Source(delta.commit, file.path, delta.committed_at)
            segment = misplaced(file, self._repo.role) or read_segment(self._mirror, file)
            if isinstance(segment, Fault):
                self.batch.reject_file(segment, source.commit, file.path)
                continue
            writer.admit(segment, source)
            entry = entry_for(segment, file, source, self._repo.node, all_claimed=False)
            if entry is not None:
                self.batch.segments.append(entry)
        self.commits.append(delta)

    def _file(self, entry: SegmentEntry, key: tuple[str, str]) -> None:
        self.batch.segments.append(entry)
        if entry.all_claimed:
            self._filed[key] = entry.records, entry.committed_at_s

    def _claimed_records(self, folder: str, blob: str, committed_at_s: int) -> int | None:
        """How many records a blob has that was applied whole before, from no later commit."""
        store, node_id = self._ledger.store, self._repo.node_id
        known = self._filed.get((folder, blob)) or store.segments.claimed(node_id, folder, blob)
        # of an earlier commit the lines say that their users used the node since then
        return None if known is None or committed_at_s < known[1] else known[0]

    def _read_rules(self, commit: str) -> None:
        """Take the rule book of a commit; an unusable one is reported and changes nothing."""
        try:
            self.batch.rule_files = read_rules(self._mirror, commit)
        except RuleBookError as error:
            self.batch.bad_rules.append((commit, str(error)))
        else:
            self.batch.bad_rules.clear()
