"""The lines of wire version 1, stated: meaning, unit and limits of every field.

The JSON Schemas in `wire_format/schema/` are generated from these models, and a bad line is
explained by them. The hot path decodes with `wire_format.lines`; a property test proves that both
accept and refuse the same lines.
"""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from wire_format import fields
from wire_format.agreement import DECISION_ABOUT, decision_fault, money_fault, usage_fault
from wire_format.fields import APPLIES_TO_DEFAULT, INT_MAX, AppliesTo
from wire_format.instants import parse_ts
from wire_format.lines import DecisionKind, MoneyKind, Provider, Status


def _text(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^(?:{pattern})$")


def _only_int(value: object) -> object:
    if type(value) is not int:  # 1.0 and true equal 1, but are no version
        raise ValueError("must be an int")
    return value


def _check_ts(text: str) -> str:
    parse_ts(text)
    return text


Seq = Annotated[int, Field(ge=1, le=INT_MAX)]
MetaKey = Annotated[str, _text(fields.META_KEY_PATTERN)]
MetaValue = (
    Annotated[int, Field(ge=-INT_MAX, le=INT_MAX)] | Annotated[str, _text(fields.META_TEXT_PATTERN)]
)
Node = Annotated[str, _text(fields.NODE_PATTERN)]
User = Annotated[str, _text(fields.USER_PATTERN)]
Amount = Annotated[str, _text(fields.AMOUNT_PATTERN)]
Reason = Annotated[str, _text(fields.REASON_PATTERN)]
Timestamp = Annotated[str, _text(fields.TS_PATTERN), AfterValidator(_check_ts)]


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    v: Annotated[Literal[1], BeforeValidator(_only_int)] = Field(description="Wire version.")
    node: Node = Field(description="The node that wrote the line; the owner of the repo it is in.")
    seq: Seq = Field(
        description="One counter per node, contiguous within an epoch, given when the line is"
        " appended, never reused."
    )
    ts: Timestamp = Field(
        description="An instant inside the time that the line covers, in UTC with 0 or exactly 6"
        " decimals (6 zeros are left out), years 2000 to 2100. A usage line covers at most one"
        " clock hour, and `ts` is never the exclusive end of it."
    )

    def canonical(self) -> bytes:
        """The one encoding of this value that is a valid line, with its newline."""
        values: dict[str, Any] = {
            name: value
            for name, value in self
            if type(self).model_fields[name].is_required()
            or value != type(self).model_fields[name].default
        }
        if isinstance(meta := values.get("meta"), dict):
            values["meta"] = dict(sorted(meta.items()))
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class _AccountLine(_Line):
    user: User = Field(description="Opaque account id: who pays.")


class UsageRecord(_AccountLine):
    """What one user used of one resource, within one clock hour, on one node."""

    resource: Annotated[str, _text(fields.RESOURCE_PATTERN)] = Field(
        description="What was used, unit included: `vm/small/seconds`,"
        " `llm/<provider>/<model>/<kind>`."
    )
    applies_to: AppliesTo = Field(
        default=APPLIES_TO_DEFAULT,
        description="Discount category; left out when it is `hero_os_hourly`.",
    )
    units: Annotated[int, Field(ge=-INT_MAX, le=INT_MAX)] = Field(
        description="Quantity in whole units of the resource (seconds, tokens, bytes). Negative"
        " only in a correction."
    )
    instance: Annotated[str, _text(fields.INSTANCE_PATTERN)] | None = Field(
        default=None,
        description="Which VM, API key or project; audited, not part of the charge.",
    )
    id: Annotated[str, _text(fields.ID_PATTERN)] | None = Field(
        default=None,
        description="The caller's own key: a retry with the same id and content within 7 days gets"
        " the same seq.",
    )
    corrects: Seq | None = Field(
        default=None,
        description="The earlier seq of this node that this line corrects: same user, resource,"
        " applies_to and ts.",
    )
    reason: Reason | None = Field(
        default=None, description="Why; required in a correction, absent elsewhere."
    )
    meta: (
        Annotated[
            dict[MetaKey, MetaValue],
            Field(
                min_length=1,
                max_length=fields.META_ENTRIES_MAX,
                json_schema_extra={"additionalProperties": False},
            ),
        ]
        | None
    ) = Field(default=None, description="Shown in audits, never rated; keys sorted.")

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        fault = usage_fault(
            seq=self.seq, units=self.units, corrects=self.corrects, reason=self.reason
        )
        if fault is not None:
            raise ValueError(fault)
        return self


class MoneyRecord(_AccountLine):
    """One movement of a user's prepaid balance, as the operator's books state it."""

    kind: MoneyKind = Field(
        description="`payment` and `grant` add, `refund` takes away, `adjustment` does either."
    )
    provider: Provider = Field(description="Who moved the money.")
    external_ref: Annotated[str, _text(fields.REFERENCE_PATTERN)] | None = Field(
        default=None,
        description="The provider's own reference; succeeded lines with the same provider,"
        " external_ref and kind are one movement.",
    )
    refers_to: Seq | None = Field(
        default=None, description="For a refund: the seq of the payment it gives back."
    )
    amount: Amount = Field(
        description="In `currency`: up to 9 digits before and 9 after the point, above zero; only"
        " an adjustment may lead with `-`."
    )
    currency: Annotated[str, _text(fields.CURRENCY_PATTERN)] = Field(
        description="ISO 4217 code of `amount`."
    )
    credited_usd: Amount | None = Field(
        default=None,
        description="What the balance gets, in USD; required when the currency is not USD.",
    )
    status: Status = Field(description="Only `succeeded` lines move money.")
    reason: Reason | None = Field(default=None, description="Why; required in an adjustment.")

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        fault = money_fault(
            kind=self.kind,
            seq=self.seq,
            refers_to=self.refers_to,
            amount=self.amount,
            currency=self.currency,
            credited_usd=self.credited_usd,
            reason=self.reason,
        )
        if fault is not None:
            raise ValueError(fault)
        return self


class DecisionRecord(_Line):
    """What the operator decided about a repo, about lines, or about an earlier decision."""

    kind: DecisionKind = Field(
        description="`accept_tip` takes a history as it is, `exclude` makes lines count nothing,"
        " `choose` says which of conflicting lines counts, `acknowledge` closes incidents,"
        " `withdraw` takes an earlier decision back."
    )
    repo: Annotated[str, _text(fields.REPO_PATTERN)] | None = Field(
        default=None,
        description="For accept_tip and acknowledge: the repo, as the aggregator names it.",
    )
    tip: Annotated[str, _text(fields.COMMIT_PATTERN)] | None = Field(
        default=None,
        description="For accept_tip: the commit up to which the history is accepted, whatever its"
        " shape or signature.",
    )
    of: Node | None = Field(
        default=None, description="For exclude and choose: the node whose lines are meant."
    )
    of_seq: Seq | None = Field(
        default=None, description="For exclude and choose: the seq of the line, or the first one."
    )
    to_seq: Seq | None = Field(
        default=None,
        description="For exclude: the last seq of a range, both ends included; not with `of_ts`.",
    )
    of_ts: Timestamp | None = Field(
        default=None,
        description="The `ts` of the record. For exclude: only the record with exactly this key,"
        " instead of every record with the seq. Required in choose.",
    )
    line_sha256: Annotated[str, _text(fields.SHA256_PATTERN)] | None = Field(
        default=None,
        description="For choose: SHA-256 of the line that counts, its newline included.",
    )
    incident: Annotated[str, _text(fields.INCIDENT_PATTERN)] | None = Field(
        default=None, description="For acknowledge: the kind of incident."
    )
    subject: Annotated[str, _text(fields.SUBJECT_PATTERN)] | None = Field(
        default=None,
        description="For acknowledge: what the incident is about, as the aggregator shows it.",
    )
    refers_to: Seq | None = Field(
        default=None,
        description="For withdraw: the seq of the earlier decision of these books that no longer"
        " holds.",
    )
    by: Annotated[str, _text(fields.BY_PATTERN)] = Field(description="Who decided.")
    reason: Reason = Field(description="Why; required in every decision.")

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        fault = decision_fault(
            kind=self.kind,
            seq=self.seq,
            stated=[name for name in DECISION_ABOUT if getattr(self, name) is not None],
            of_seq=self.of_seq,
            to_seq=self.to_seq,
            refers_to=self.refers_to,
        )
        if fault is not None:
            raise ValueError(fault)
        return self


AnyRecord = UsageRecord | MoneyRecord | DecisionRecord
