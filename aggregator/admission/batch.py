"""What a stretch of commits changes, collected in memory until one transaction writes it."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from aggregator.admission.ranges import Range
from wire_format.faults import Fault
from wire_format.fields import LINE_BYTES_MAX, AppliesTo
from wire_format.lines import Decision, Folder, Money


class Place(NamedTuple):
    """Where a line stands: line `line_no` from 1 of `git show <commit>:<path>`; 0 is all of it."""

    commit: str
    path: str
    line_no: int


ChargeKey = tuple[int, str, str, AppliesTo]
"""What makes usage one charge: clock hour, user, resource, discount category."""


class HeldReason(StrEnum):
    """Why a well-formed line is not billed, in the order in which the checks are made."""

    UNKNOWN_VERSION = "unknown_version"
    WRONG_NODE = "wrong_node"
    AHEAD_OF_COMMIT = "ahead_of_commit"
    NOT_ALLOWED = "not_allowed"
    EXCLUDED = "excluded"
    CONFLICT = "conflict"
    NO_ORIGINAL = "no_original"
    UNLIKE_ORIGINAL = "unlike_original"
    BELOW_ZERO = "below_zero"
    SAME_MOVEMENT = "same_movement"
    NO_PAYMENT = "no_payment"

    @property
    def meaning(self) -> str:
        """One sentence for the person who looks at the line."""
        return _MEANINGS[self]

    @property
    def advice(self) -> str:
        """What a person can do about it."""
        return _ADVICE[self]


_MEANINGS = {
    HeldReason.UNKNOWN_VERSION: "its wire version is newer than this code: update the aggregator",
    HeldReason.WRONG_NODE: "it names another node than the one this repo belongs to",
    HeldReason.AHEAD_OF_COMMIT: "its ts is further ahead of its commit than the allowed skew",
    HeldReason.NOT_ALLOWED: "this repo may not bill its resource: see `allow` in the configuration",
    HeldReason.EXCLUDED: "the operator decided that it counts nothing",
    HeldReason.CONFLICT: "another line with the same node, seq and ts is counted instead",
    HeldReason.NO_ORIGINAL: "the record that it corrects does not count, or has another ts",
    HeldReason.UNLIKE_ORIGINAL: "the record that it corrects has another user, resource or"
    " applies_to",
    HeldReason.BELOW_ZERO: "with all its corrections the corrected record would be below zero",
    HeldReason.SAME_MOVEMENT: "an earlier line of the same provider, external_ref and kind counts",
    HeldReason.NO_PAYMENT: "it gives back a payment of this user that is not counted",
}


_ADVICE = {
    HeldReason.UNKNOWN_VERSION: "it is judged again once the aggregator knows its version",
    HeldReason.WRONG_NODE: "find out why the node writes another's name; what it used can be"
    " recorded under its own",
    HeldReason.AHEAD_OF_COMMIT: "check the node's clock; the same line in a later commit counts",
    HeldReason.NOT_ALLOWED: "if the repo may bill it, widen `allow`: the next pull judges it again",
    HeldReason.EXCLUDED: "withdraw the decision, and it is judged like any other",
    HeldReason.CONFLICT: "choose this line, if it is the true one",
    HeldReason.NO_ORIGINAL: "it counts once the record does; see `aggregator nodes` for gaps",
    HeldReason.UNLIKE_ORIGINAL: "correct the record again with `node-pusher correct`",
    HeldReason.BELOW_ZERO: "record another correction that brings the sum back to zero or above",
    HeldReason.SAME_MOVEMENT: "if the earlier line is the wrong one, exclude that one",
    HeldReason.NO_PAYMENT: "it counts once the payment does",
}


class HeldLine(NamedTuple):
    """A well-formed line that is not billed.

    Attributes:
        line: its bytes, newline included.
        reason: why.
        place: where it was seen first.
        seq: its sequence number, and
        ts_us: its time in microseconds since 1970; both None when the version is unknown.
    """

    line: bytes
    reason: HeldReason
    place: Place
    seq: int | None
    ts_us: int | None


class RejectedLine(NamedTuple):
    """A line (or a whole file, at line 0) that is not valid.

    Attributes:
        line: its first 8 KiB; for a whole file empty.
        sha256: of all of it.
        fault: what is wrong.
        place: where it stands.
    """

    line: bytes
    sha256: str
    fault: Fault
    place: Place


def rejected_line(line: bytes, fault: Fault, place: Place) -> RejectedLine:
    """File a line without keeping all of one that may be megabytes long."""
    return RejectedLine(line[:LINE_BYTES_MAX], line_sha256(line), fault, place)


def line_sha256(line: bytes) -> str:
    """What names a held or rejected line."""
    return hashlib.sha256(line).hexdigest()


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


class MoneyEntry(NamedTuple):
    """An admitted money line and where it stands."""

    record: Money
    line: bytes
    place: Place


class DecisionEntry(NamedTuple):
    """An admitted decision line and where it stands."""

    record: Decision
    line: bytes
    place: Place


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
    money: dict[bytes, tuple[MoneyEntry, bool]] = field(default_factory=dict)
    decisions: dict[bytes, tuple[DecisionEntry, bool]] = field(default_factory=dict)
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
