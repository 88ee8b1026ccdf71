"""Lines that are not billed: the reason, the place, and what can be done about it."""

import hashlib
from enum import StrEnum
from typing import Final, NamedTuple

from gitmeter.counting.lines import Place
from wire_format.faults import Fault


class HeldReason(StrEnum):
    """Why a valid line is not billed, in the order of the checks."""

    UNKNOWN_VERSION = "unknown_version"
    WRONG_NODE = "wrong_node"
    AHEAD_OF_COMMIT = "ahead_of_commit"
    NOT_ALLOWED = "not_allowed"
    EXCLUDED = "excluded"
    CONFLICT = "conflict"
    NO_ORIGINAL = "no_original"
    UNLIKE_ORIGINAL = "unlike_original"
    BELOW_ZERO = "below_zero"
    CONTRADICTS = "contradicts"
    BEYOND_LIMIT = "beyond_limit"
    SAME_MOVEMENT = "same_movement"
    NO_PAYMENT = "no_payment"
    WRONG_NAME = "wrong_name"
    TEST_MODE = "test_mode"
    CUT_OFF = "cut_off"
    BACK_DATED = "back_dated"
    NUMBER_REUSED = "number_reused"
    UNCONFIRMED = "unconfirmed"
    RIVALS = "rivals"
    OTHER_CURRENCY = "other_currency"
    UNLIKE_TEMPLATE = "unlike_template"
    NOT_PAID = "not_paid"
    OVER_BUDGET = "over_budget"
    OVER_FEES = "over_fees"
    NO_GRANT = "no_grant"
    KEY_CLAIMED = "key_claimed"

    @property
    def meaning(self) -> str:
        """What the reason means for the line, in one clause."""
        return _MEANINGS[self]

    @property
    def advice(self) -> str:
        """What a person can do about the line."""
        return _ADVICE[self]


_MEANINGS = {
    HeldReason.UNKNOWN_VERSION: "its wire version is newer than this aggregator's: update the"
    " aggregator",
    HeldReason.WRONG_NODE: "it names a node other than the one this repo belongs to",
    HeldReason.AHEAD_OF_COMMIT: "its ts is ahead of its commit by more than the allowed skew",
    HeldReason.NOT_ALLOWED: "its repo may not state it: of usage see `allow` in the configuration,"
    " of a till or desk its role and `rules/writers.toml` of the books",
    HeldReason.EXCLUDED: "the operator excluded it",
    HeldReason.CONFLICT: "another line with the same node, seq and ts counts instead",
    HeldReason.NO_ORIGINAL: "the record that it corrects does not count, or has a different ts",
    HeldReason.UNLIKE_ORIGINAL: "the record that it corrects has a different user, resource or"
    " applies_to",
    HeldReason.BELOW_ZERO: "the corrected record and all its corrections would sum to below zero",
    HeldReason.CONTRADICTS: "it says that a movement failed which an earlier line says succeeded;"
    " that line counts",
    HeldReason.BEYOND_LIMIT: "its record alone has a list cost above charge_cost_max_usd",
    HeldReason.SAME_MOVEMENT: "an earlier line with the same provider, external_ref and kind"
    " counts instead",
    HeldReason.NO_PAYMENT: "the payment that it is about does not count",
    HeldReason.WRONG_NAME: "its reference is not the one name that its provider has for a movement",
    HeldReason.TEST_MODE: "it is of a provider's test account, which does not count here",
    HeldReason.CUT_OFF: "the operator cut its writer off before the commit that has it",
    HeldReason.BACK_DATED: "its commit appeared later than it is dated, or lies too long after it",
    HeldReason.NUMBER_REUSED: "another line of its writer has the same number, and stands",
    HeldReason.UNCONFIRMED: "its writer has more unconfirmed money than its limit, so it waits",
    HeldReason.RIVALS: "another writer says something else about this movement, so none counts",
    HeldReason.OTHER_CURRENCY: "its currency is not that of the payment that it is about",
    HeldReason.UNLIKE_TEMPLATE: "it is not what the template that its reference names allowed at"
    " the time of its commit",
    HeldReason.NOT_PAID: "less is left of what was paid than its template asks for",
    HeldReason.OVER_BUDGET: "with it its desk gives more than its template allows, so it waits",
    HeldReason.OVER_FEES: "with it its desk charges more fees in a day than it may, so it waits",
    HeldReason.NO_GRANT: "the grant that it ends does not count, or its writer did not record it",
    HeldReason.KEY_CLAIMED: "another line claims the same key for something else, and opens it or"
    " neither does",
}


_ADVICE = {
    HeldReason.UNKNOWN_VERSION: "it is judged again once the aggregator knows its version",
    HeldReason.WRONG_NODE: "find out why the node writes another node's name; the usage can be"
    " recorded under its own",
    HeldReason.AHEAD_OF_COMMIT: "the same line in a later commit counts: `node-pusher resend SEQ`"
    " on the node (`books resend` for the books) makes one",
    HeldReason.NOT_ALLOWED: "if the repo may bill it, widen `allow`: the next pull judges it again",
    HeldReason.EXCLUDED: "withdraw the decision to have it judged like any other line",
    HeldReason.CONFLICT: "choose this line if it is the true one",
    HeldReason.NO_ORIGINAL: "it counts once the record does; `aggregator nodes` shows gaps",
    HeldReason.UNLIKE_ORIGINAL: "correct the record again with `node-pusher correct`",
    HeldReason.BELOW_ZERO: "record another correction that brings the sum to zero or above",
    HeldReason.CONTRADICTS: "if the money went back, `books refund` the payment; if it never came,"
    " `books decide exclude` the line that says it succeeded",
    HeldReason.BEYOND_LIMIT: "if the node miscounted, `node-pusher correct` it there; if the price"
    " is wrong, `books rules set` a right one; if all is right, raise charge_cost_max_usd. It is"
    " judged again by itself",
    HeldReason.SAME_MOVEMENT: "if the earlier line is the wrong one, exclude it",
    HeldReason.NO_PAYMENT: "it counts once the payment does",
    HeldReason.WRONG_NAME: "state the movement again under its right name",
    HeldReason.TEST_MODE: "set `test = true` only in an aggregator where tests are to count",
    HeldReason.CUT_OFF: "withdraw the decision `only` if the line is honest",
    HeldReason.BACK_DATED: "if the movement is true, `books pay --by-hand` it; if not, somebody has"
    " its writer's key: `books decide only` cuts it off",
    HeldReason.NUMBER_REUSED: "find out who wrote the other: somebody may have the writer's key",
    HeldReason.UNCONFIRMED: "`books reconcile` asks the provider, and it counts if that agrees",
    HeldReason.RIVALS: "`books decide exclude` the false one, then the other counts",
    HeldReason.OTHER_CURRENCY: "a person may adjust the balance by hand",
    HeldReason.UNLIKE_TEMPLATE: "if it is right, `books grant` or `books adjust` it",
    HeldReason.NOT_PAID: "it counts once enough is paid, and as long as that is not taken back",
    HeldReason.OVER_BUDGET: "if all of it is right, `books rules set` a higher budget for what"
    " comes, and give this by `books`; exclude what is not, and the rest moves up",
    HeldReason.OVER_FEES: "if all of it is right, `books rules set` a higher fees_day_usd for what"
    " comes, and write this plan by `books`; exclude what is not, and the rest moves up",
    HeldReason.NO_GRANT: "the books may end any grant that has terms",
    HeldReason.KEY_CLAIMED: "revoke the key and make another; if neither claim is a mistake,"
    " somebody has the key of a desk: `books decide only` cuts it off",
}


KEPT_BYTES_MAX: Final = 512
"""More would take a page of the database for each line, overflowing its row."""


class HeldLine(NamedTuple):
    """A valid line that is not billed.

    Attributes:
        line: its bytes, newline included.
        reason: why it is held.
        place: where it was first seen.
        seq: its sequence number; None if its wire version is unknown.
        ts_us: its time in microseconds since 1970; None if its wire version is unknown.
    """

    line: bytes
    reason: HeldReason
    place: Place
    seq: int | None
    ts_us: int | None


class RejectedLine(NamedTuple):
    """A line that breaks the wire format, or a whole file that does, as line 0.

    Attributes:
        line: its first 512 bytes; empty for a whole file.
        sha256: the SHA-256 of the whole line, in hex; of no bytes for a whole file.
        fault: what is wrong with it.
        place: where it is.
    """

    line: bytes
    sha256: str
    fault: Fault
    place: Place


def rejected_line(line: bytes, fault: Fault, place: Place) -> RejectedLine:
    """Make a rejected line, keeping only the start: its place says where all of it is."""
    return RejectedLine(line[:KEPT_BYTES_MAX], line_sha256(line), fault, place)


def line_sha256(line: bytes) -> str:
    """The SHA-256 that identifies a held or rejected line, in hex."""
    return hashlib.sha256(line).hexdigest()
