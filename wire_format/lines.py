"""Lines as the hot path decodes and encodes them, and their canonical encoding.

The order of the attributes is the order of the keys on the wire, and an attribute that equals its
default is left out. `wire_format.models` states what each field means; a property test holds both
to accept and refuse the same lines.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from wire_format import fields
from wire_format.fields import APPLIES_TO_DEFAULT, INT_MAX, AppliesTo


def _text(pattern: str) -> Meta:
    return Meta(pattern=rf"^(?:{pattern})\Z")


Seq = Annotated[int, Meta(ge=1, le=INT_MAX)]
MetaInt = Annotated[int, Meta(ge=-INT_MAX, le=INT_MAX)]
MetaText = Annotated[str, _text(fields.META_TEXT_PATTERN)]
MetaKey = Annotated[str, _text(fields.META_KEY_PATTERN)]

MoneyKind = Literal["payment", "refund", "grant", "adjustment"]
Provider = Literal["stripe", "clickpesa", "manual"]
Status = Literal["pending", "failed", "succeeded"]
DecisionKind = Literal["accept_tip", "exclude", "choose", "acknowledge", "withdraw"]


class Folder(StrEnum):
    """Top-level folder of a repo with segments; it determines how their lines are decoded."""

    USAGE = "usage"
    PAYMENTS = "payments"
    DECISIONS = "decisions"


class Usage(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """One usage line. Fields as in `wire_format.models.UsageRecord`; `ts` is an instant in UTC.

    `user` and `resource` are checked once per distinct value by `wire_format.segment`, not here:
    a pattern on every line costs five times the decode.
    """

    v: Literal[1]
    node: str
    seq: Seq
    ts: datetime
    user: str
    resource: str
    applies_to: AppliesTo = APPLIES_TO_DEFAULT
    units: Annotated[int, Meta(ge=-INT_MAX, le=INT_MAX)]
    instance: Annotated[str, _text(fields.INSTANCE_PATTERN)] | None = None
    id: Annotated[str, _text(fields.ID_PATTERN)] | None = None
    corrects: Seq | None = None
    reason: Annotated[str, _text(fields.REASON_PATTERN)] | None = None
    meta: (
        Annotated[
            dict[MetaKey, MetaInt | MetaText],
            Meta(min_length=1, max_length=fields.META_ENTRIES_MAX),
        ]
        | None
    ) = None


class Money(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """One money line of the books. Fields as in `wire_format.models.MoneyRecord`."""

    v: Literal[1]
    node: str
    seq: Seq
    ts: datetime
    user: str
    kind: MoneyKind
    provider: Provider
    external_ref: Annotated[str, _text(fields.REFERENCE_PATTERN)] | None = None
    refers_to: Seq | None = None
    amount: Annotated[str, _text(fields.AMOUNT_PATTERN)]
    currency: Annotated[str, _text(fields.CURRENCY_PATTERN)]
    credited_usd: Annotated[str, _text(fields.AMOUNT_PATTERN)] | None = None
    status: Status
    reason: Annotated[str, _text(fields.REASON_PATTERN)] | None = None


class Decision(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """One decision of the operator. Fields as in `wire_format.models.DecisionRecord`.

    `ts` and `of_ts` are instants in UTC.
    """

    v: Literal[1]
    node: str
    seq: Seq
    ts: datetime
    kind: DecisionKind
    repo: Annotated[str, _text(fields.REPO_PATTERN)] | None = None
    tip: Annotated[str, _text(fields.COMMIT_PATTERN)] | None = None
    of: Annotated[str, _text(fields.NODE_PATTERN)] | None = None
    of_seq: Seq | None = None
    to_seq: Seq | None = None
    of_ts: datetime | None = None
    line_sha256: Annotated[str, _text(fields.SHA256_PATTERN)] | None = None
    incident: Annotated[str, _text(fields.INCIDENT_PATTERN)] | None = None
    subject: Annotated[str, _text(fields.SUBJECT_PATTERN)] | None = None
    refers_to: Seq | None = None
    by: Annotated[str, _text(fields.BY_PATTERN)]
    reason: Annotated[str, _text(fields.REASON_PATTERN)]


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
