"""The three kinds of lines, as the hot path decodes them, and their canonical encoding.

The order of the attributes is the order of the keys on the wire, and an attribute that equals its
default is left out. What each field means is in `wire_format.field_types`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from wire_format import field_types as types
from wire_format.fields import APPLIES_TO_DEFAULT


class Folder(StrEnum):
    """Top-level folder of a repo with segments; it determines how their lines are decoded."""

    USAGE = "usage"
    PAYMENTS = "payments"
    DECISIONS = "decisions"


class Usage(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """What one user used of one resource, within one clock hour, on one node."""

    v: types.Version
    node: types.Node
    seq: types.Seq
    ts: types.Timestamp
    user: types.User
    resource: types.Resource
    applies_to: types.Category = APPLIES_TO_DEFAULT
    units: types.Units
    instance: types.Instance | None = None
    id: types.CallerId | None = None
    corrects: types.CorrectedSeq | None = None
    reason: types.CorrectionReason | None = None
    meta: types.MetaEntries | None = None


class Money(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """One movement of a user's prepaid balance, as the operator's books state it."""

    v: types.Version
    node: types.Node
    seq: types.Seq
    ts: types.Timestamp
    user: types.User
    kind: types.MoneyKind
    provider: types.Provider
    external_ref: types.Reference | None = None
    refers_to: types.RefundedSeq | None = None
    amount: types.Amount
    currency: types.Currency
    credited_usd: types.CreditedUsd | None = None
    status: types.Status
    reason: types.AdjustmentReason | None = None


class Decision(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """What the operator decided about a repo, about lines, or about an earlier decision."""

    v: types.Version
    node: types.Node
    seq: types.Seq
    ts: types.Timestamp
    kind: types.DecisionKind
    repo: types.Repo | None = None
    tip: types.Tip | None = None
    of: types.OfNode | None = None
    of_seq: types.OfSeq | None = None
    to_seq: types.ToSeq | None = None
    of_ts: types.OfTimestamp | None = None
    line_sha256: types.LineSha256 | None = None
    incident: types.Incident | None = None
    subject: types.Subject | None = None
    refers_to: types.WithdrawnSeq | None = None
    by: types.By
    reason: types.DecisionReason


Line = Usage | Money | Decision

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def encode_lines(lines: Sequence[Line]) -> bytes:
    """The one canonical encoding of each line, each with its newline."""
    return encode_decoded([_with_own_default(line) for line in lines])


def encode_decoded(lines: Sequence[Line]) -> bytes:
    """`encode_lines` for lines that come from a decoder of this package, without its checks."""
    return _ENCODER.encode_lines(lines)


def _with_own_default(line: Line) -> Line:
    # msgspec leaves a default out only when the value is the same object as the default.
    if (
        isinstance(line, Usage)
        and line.applies_to == APPLIES_TO_DEFAULT
        and line.applies_to is not APPLIES_TO_DEFAULT
    ):
        return msgspec.structs.replace(line, applies_to=APPLIES_TO_DEFAULT)
    return line
