"""What a stretch of commits changes, collected in memory until one transaction writes it."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from aggregator.ranges import Range
from wire_format.faults import Fault
from wire_format.fields import LINE_BYTES_MAX, AppliesTo
from wire_format.lines import Folder, Money


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
    CORRECTION = "correction"
    CONFLICT = "conflict"
    SAME_MOVEMENT = "same_movement"
    NO_PAYMENT = "no_payment"

    @property
    def meaning(self) -> str:
        """One sentence for the person who looks at the line."""
        return _MEANINGS[self]


_MEANINGS = {
    HeldReason.UNKNOWN_VERSION: "its wire version is newer than this code: update the aggregator",
    HeldReason.WRONG_NODE: "it names another node than the one this repo belongs to",
    HeldReason.AHEAD_OF_COMMIT: "its ts is further ahead of its commit than the allowed skew",
    HeldReason.CORRECTION: "corrections are not applied by this version",
    HeldReason.CONFLICT: "another line with the same node, seq and ts is counted instead",
    HeldReason.SAME_MOVEMENT: "an earlier line of the same provider, external_ref and kind counts",
    HeldReason.NO_PAYMENT: "it gives back a payment of this user that is not counted",
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


class RuleFiles(NamedTuple):
    """The rule files of one commit of the books; None is an absent file."""

    commit: str
    prices_toml: bytes | None
    discounts_toml: bytes | None


@dataclass
class Batch:
    """Changes of one repo from one cursor position to a later one.

    Attributes:
        usage: for each charge the units and the records to add (below zero where a conflict is
            decided for another line), as a list of these two numbers.
        money_added, money_removed: admitted money lines that count now, or no longer.
        held, released: lines to file as held, and lines that are no longer held as too far ahead,
            because the same bytes claim their key now.
        seen: seqs of this node that were met.
        sequence_reused: seqs that stand in two records with different `ts`.
        admitted, duplicates: how many lines were admitted and dropped.
        rule_files: the newest usable rule book among the commits.
        bad_rules: later commits whose rule book cannot be used, with the reason.
    """

    usage: dict[ChargeKey, list[int]] = field(default_factory=dict)
    money_added: list[MoneyEntry] = field(default_factory=list)
    money_removed: list[MoneyEntry] = field(default_factory=list)
    held: list[HeldLine] = field(default_factory=list)
    released: list[bytes] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    segments: list[SegmentEntry] = field(default_factory=list)
    seen: list[Range] = field(default_factory=list)
    sequence_reused: set[int] = field(default_factory=set)
    admitted: int = 0
    duplicates: int = 0
    rule_files: RuleFiles | None = None
    bad_rules: list[tuple[str, str]] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """How many lines were read into it."""
        return self.admitted + self.duplicates + len(self.held) + len(self.rejected)
