"""The four kinds of lines, as the hot path decodes them, and their canonical encoding.

The order of the attributes is the order of the keys on the wire, and an attribute that equals its
default is left out. What each field means is in `wire_format.field_types` and, of version 2, in
`wire_format.versions.field_types`. `Money` and `Decision` serve both versions: a field that a line
does not have is its default, and a text that every line of version 1 has is empty then.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from wire_format import field_types as types
from wire_format.fields import APPLIES_TO_DEFAULT
from wire_format.versions import field_types as types_2


class Folder(StrEnum):
    """Top-level folder of a repo with segments; it determines how their lines are decoded."""

    USAGE = "usage"
    PAYMENTS = "payments"
    DECISIONS = "decisions"
    ACCOUNTS = "accounts"


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
    Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
    gc=False,
    rename={"from_": "from"},
):
    """One movement of a user's prepaid balance, or an attempt at one."""

    v: types_2.AnyVersion
    node: types.Node
    seq: types.Seq
    ts: types.Timestamp
    user: types.User = ""
    kind: types_2.MoneyKind2
    provider: types_2.Provider2 = ""
    external_ref: types.Reference | None = None
    refers_to: types.RefundedSeq | None = None
    of_provider: types_2.OfProvider | None = None
    of_ref: types_2.OfRef | None = None
    amount: types.Amount = ""
    currency: types.Currency = ""
    credited_usd: types_2.CreditedUsd2 | None = None
    status: types_2.AnyStatus | None = None
    attempt: types_2.Attempt | None = None
    category: types_2.GrantCategory | None = None
    priority: types_2.Priority | None = None
    from_: types_2.From | None = None
    until: types_2.Until | None = None
    scope: types_2.Scope | None = None
    by: types.By | None = None
    reason: types_2.OptionalReason | None = None


class Account(
    Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    kw_only=True,
    gc=False,
    rename={"from_": "from"},
):
    """What was settled about an account: its plan, settings and keys."""

    v: types_2.Version2
    node: types.Node
    seq: types.Seq
    ts: types.Timestamp
    user: types.User = ""
    kind: types_2.AccountKind
    plan: types_2.Plan | None = None
    instead_of: types_2.InsteadOf | None = None
    from_: types_2.From | None = None
    until: types_2.Until | None = None
    fee_usd: types_2.FeeUsd | None = None
    cap_usd: types_2.CapUsd | None = None
    next_plan: types_2.NextPlan | None = None
    auto_topup_usd: types_2.AutoTopupUsd | None = None
    auto_topup_below_usd: types_2.AutoTopupBelowUsd | None = None
    auto_topup_month_usd: types_2.AutoTopupMonthUsd | None = None
    amount_usd: types_2.AmountUsd | None = None
    below_usd: types_2.BelowUsd | None = None
    month_usd: types_2.MonthUsd | None = None
    of_provider: types_2.ConsentProvider | None = None
    of_ref: types_2.ConsentRef | None = None
    key_id: types_2.KeyId | None = None
    sha256: types_2.KeySha256 | None = None
    scopes: types_2.KeyScopes | None = None
    rpm: types_2.RequestsPerMinute | None = None
    identity: types_2.Identity | None = None
    role: types_2.StaffRole | None = None
    limit_usd: types_2.LimitUsd | None = None
    by: types.By | None = None
    reason: types_2.OptionalReason | None = None


class Decision(
    Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, gc=False
):
    """What the operator decided about a repo, about lines, or about an earlier decision."""

    v: types_2.AnyVersion
    node: types.Node
    seq: types.Seq
    ts: types.Timestamp
    kind: types_2.AnyDecisionKind
    repo: types.Repo | None = None
    tip: types.Tip | None = None
    of: types.OfNode | None = None
    from_seq: types_2.FromSeq | None = None
    of_seq: types.OfSeq | None = None
    to_seq: types.ToSeq | None = None
    of_ts: types.OfTimestamp | None = None
    line_sha256: types.LineSha256 | None = None
    incident: types.Incident | None = None
    subject: types.Subject | None = None
    refers_to: types.WithdrawnSeq | None = None
    by: types.By
    reason: types.DecisionReason


Line = Usage | Money | Decision | Account

STRUCTS: Final[Mapping[Folder, type[Line]]] = {
    Folder.USAGE: Usage,
    Folder.PAYMENTS: Money,
    Folder.DECISIONS: Decision,
    Folder.ACCOUNTS: Account,
}
"""What the lines of each folder are decoded into."""

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
