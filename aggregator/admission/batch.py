"""What a stretch of commits changes, collected in memory until one transaction writes it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.admission.held import HeldLine, HeldReason, RejectedLine
from aggregator.admission.lines import Claim
from aggregator.admission.ranges import Range
from wire_format.fields import AppliesTo
from wire_format.lines import Decision, Folder, Money

ChargeKey = tuple[int, str, str, AppliesTo]
"""What makes usage one charge: clock hour, user, resource, discount category."""


class SegmentEntry(NamedTuple):
    """A segment that was read, so that it can be found again by seq and by hour.

    Attributes:
        folder: what kind of lines it holds.
        commit, path, blob: where it is.
        committed_at_s: its commit's time, seconds since 1970.
        first_seq, last_seq: range of this node's seqs in it.
        first_hour, last_hour: clock hours of its records.
        records: how many valid lines of this node it has.
        all_claimed: whether every line of it was admitted or is a duplicate or a conflict, so that
            the same blob in a later commit cannot add anything.
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


@dataclass
class Batch:
    """Changes to what is filed for one node.

    Attributes:
        usage: for each charge the units and the records to add (below zero where lines no longer
            count), as a list of these two numbers.
        money, decisions: lines that count from now on (True) or no longer (False).
        held: lines to file as held, by line and reason; None for one that is held no longer.
        rejected: lines that are not valid.
        segments: what was read.
        corrections: for each new correction what it corrects, and its own seq.
        seen: seqs of this node that were met.
        sequence_reused: seqs that stand in two records with different `ts`.
        admitted, duplicates: how many more lines count, and how many were dropped.
        rule_files: the newest usable rule book among the commits.
        bad_rules: later commits whose rule book cannot be used, with the reason.
    """

    usage: dict[ChargeKey, list[int]] = field(default_factory=dict)
    money: dict[bytes, tuple[Claim[Money], bool]] = field(default_factory=dict)
    decisions: dict[bytes, tuple[Claim[Decision], bool]] = field(default_factory=dict)
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

    def hold(self, held: HeldLine) -> None:
        """File a line as held, unless it is filed already."""
        if self.held.get((held.line, held.reason)) is None:
            self.held[held.line, held.reason] = held

    def release(self, line: bytes, reason: HeldReason) -> None:
        """Let a line be held no longer."""
        self.held[line, reason] = None

    @property
    def held_lines(self) -> list[HeldLine]:
        """Those to file."""
        return [held for held in self.held.values() if held is not None]

    @property
    def weight(self) -> int:
        """About how many lines were read into it."""
        return abs(self.admitted) + self.duplicates + len(self.held) + len(self.rejected)
