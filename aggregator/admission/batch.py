"""What a run of commits changes, collected in memory until one transaction writes it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gitmeter.counting.held import HeldLine, HeldReason, RejectedLine, rejected_line
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.ranges import Range, SeenSeqs, runs
from wire_format.faults import Fault, FaultCode
from wire_format.fields import AppliesTo
from wire_format.lines import Account, Decision, Folder, Money
from wire_format.segment import Reject

if TYPE_CHECKING:
    from aggregator.admission.grouped import GroupedSegment

ChargeKey = tuple[int, str, str, AppliesTo]
"""What identifies a charge: clock hour since 1970, user, resource, discount category."""


class SegmentEntry(NamedTuple):
    """An index entry for a segment that was read, to find it again by seq and by hour.

    Attributes:
        folder: the kind of lines in it.
        commit, path, blob: where it is.
        committed_at_s: its commit's time, seconds since 1970.
        first_seq, last_seq: range of this node's seqs in it.
        first_hour, last_hour: clock hours of its records, since 1970.
        records: how many valid lines of this node it has.
        all_claimed: whether every line of it claimed its key. The same blob in a later commit can
            then add nothing.
    """

    folder: Folder
    commit: str
    path: str
    blob: str
    committed_at_s: int
    first_seq: int
    last_seq: int
    first_hour: int
    last_hour: int
    records: int
    all_claimed: bool


class RuleFiles(NamedTuple):
    """The rule files of one commit of the books; None is an absent file."""

    commit: str
    prices_toml: bytes | None
    discounts_toml: bytes | None
    imported_toml: bytes | None = None
    writers_toml: bytes | None = None
    fx_toml: bytes | None = None
    plans_toml: bytes | None = None

    @property
    def contents(self) -> tuple[bytes | None, ...]:
        """The files alone, in the order of `wire_format.rule_book.RULE_PATHS`."""
        return self[1:]

    @property
    def are_absent(self) -> bool:
        """Whether the commit has none of them."""
        return all(content is None for content in self.contents)


class StatedLine(NamedTuple):
    """A line of a till or desk, as one commit has it.

    Attributes:
        record: the decoded line.
        line: its bytes, newline included.
        place: where it is.
    """

    record: Money | Account
    line: bytes
    place: Place


class WriterCommit(NamedTuple):
    """A commit of a till or desk.

    Attributes:
        commit: its hash.
        parent: its first parent; None of a first commit.
        at_us: its time, microseconds since 1970.
    """

    commit: str
    parent: str | None
    at_us: int


@dataclass
class Batch:
    """Changes to the lines and charges of one node.

    Attributes:
        usage: for each charge a list of two numbers, the units and the records to add; below zero
            where lines no longer count.
        counted: segments that are counted by their sums, besides `usage`.
        charges: how many charges `counted` have parts in, one by one.
        users: of each user of usage that claims its key, whether or not it counts, the time of the
            earliest commit with such a line, seconds since 1970.
        noted_until_s: the latest of all commits with such lines.
        money, decisions: by line, the claim and whether it counts from now on (True) or no longer
            (False); of the books' lines.
        stated: lines of a till or desk, once for each commit that has them.
        commits: commits of a till or desk, parents first.
        held: lines to file as held, by line and reason; None for one that is no longer held.
        rejected: lines that are not valid.
        segments: index entries of the segments that were read.
        corrections: for each new correction the seq that it corrects, and its own seq.
        seen: seqs of this node that were read.
        sequence_reused: seqs that two records with different `ts` have.
        admitted, duplicates: how many more lines count (below zero for fewer), and how many were
            dropped.
        rule_files: the newest usable rule book among the commits.
        bad_rules: later commits whose rule book cannot be used, with the reason.
    """

    usage: dict[ChargeKey, list[int]] = field(default_factory=dict)
    counted: "list[GroupedSegment]" = field(default_factory=list)
    charges: int = 0
    users: dict[str, int] = field(default_factory=dict)
    noted_until_s: int = 0
    money: dict[bytes, tuple[Claim[Money | Account], bool]] = field(default_factory=dict)
    decisions: dict[bytes, tuple[Claim[Decision], bool]] = field(default_factory=dict)
    stated: list[StatedLine] = field(default_factory=list)
    commits: list[WriterCommit] = field(default_factory=list)
    held: dict[tuple[bytes, HeldReason], HeldLine | None] = field(default_factory=dict)
    rejected: list[RejectedLine] = field(default_factory=list)
    segments: list[SegmentEntry] = field(default_factory=list)
    corrections: list[tuple[int, int]] = field(default_factory=list)
    seen: list[Range] = field(default_factory=list)
    sequence_reused: set[int] = field(default_factory=set)
    admitted: int = 0
    duplicates: int = 0
    rule_files: RuleFiles | None = None
    bad_rules: list[tuple[str, str]] = field(default_factory=list)

    def count(self, found: "GroupedSegment", committed_at_s: int) -> None:
        """Count a segment by its sums."""
        self.note_users(found.users, committed_at_s)
        self.counted.append(found)
        self.charges += found.charges
        self.admitted += found.records
        self.seen += found.seqs

    def note_users(self, users: Iterable[str], committed_at_s: int) -> None:
        """Note whose usage a commit has that claims its key."""
        noted = self.users
        if committed_at_s >= self.noted_until_s:  # as in most histories
            earlier = [user for user in users if user not in noted]
            self.noted_until_s = committed_at_s
        else:
            earlier = [user for user in users if user not in noted or committed_at_s < noted[user]]
        noted.update(dict.fromkeys(earlier, committed_at_s))

    def hold(self, held: HeldLine) -> None:
        """File a line as held, unless it is filed already."""
        if self.held.get((held.line, held.reason)) is None:
            self.held[held.line, held.reason] = held

    def reject(self, reject: Reject, commit: str, path: str) -> None:
        """File a line that is not valid; one of a version that is not known yet is held."""
        place = Place(commit, path, reject.line_no)
        if reject.fault.code is FaultCode.UNKNOWN_VERSION:
            self.hold(HeldLine(reject.line, HeldReason.UNKNOWN_VERSION, place, None, None))
        else:
            self.rejected.append(rejected_line(reject.line, reject.fault, place))

    def reject_file(self, fault: Fault, commit: str, path: str) -> None:
        """File a segment of which no line can be read."""
        self.rejected.append(rejected_line(b"", fault, Place(commit, path, 0)))

    def mark_seen(self, ascending: Sequence[int], seen: SeenSeqs) -> None:
        """Note that seqs of the node were read, here and among those `seen` so far."""
        added = list(runs(ascending))
        seen.update(added)
        self.seen += added

    def release(self, line: bytes, reason: HeldReason) -> None:
        """Note that a line is no longer held for this reason."""
        self.held[line, reason] = None

    @property
    def held_lines(self) -> list[HeldLine]:
        """The lines to file as held."""
        return [held for held in self.held.values() if held is not None]

    @property
    def weight(self) -> int:
        """Roughly how many rows it writes, or keeps in memory until it does."""
        filed = len(self.money) + len(self.decisions) + len(self.held) + len(self.rejected)
        filed += len(self.stated) + len(self.commits)
        return len(self.usage) + self.charges + filed + len(self.corrections) + len(self.seen)
