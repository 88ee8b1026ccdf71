"""The fields of lines: type, limits and meaning of each; `wire_format.lines` puts them together.

This is the one table of fields. The hot decoder reads it as it is, `wire_format.explanation` says
with it what is wrong with a line, and `wire_format.schema` derives the JSON Schemas from it.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from wire_format import fields
from wire_format.fields import INT_MAX

PATTERN: Final = "pattern"
"""The key in a field's `extra` for a pattern that the decoder itself does not check."""


def is_described(description: str) -> Meta:
    """A field whose type alone says what it may be."""
    return Meta(description=description)


def seq_form(description: str) -> Meta:
    """A number of a line."""
    return Meta(ge=1, le=INT_MAX, description=description)


def text_form(pattern: str, description: str | None = None) -> Meta:
    """A text that the decoder checks on every line."""
    return Meta(pattern=rf"^(?:{pattern})\Z", description=description)


def text_checked_later(pattern: str, description: str) -> Meta:
    """A text that `wire_format.segment` checks once per distinct value.

    A pattern that the decoder checks on every line costs five times the decode.
    """
    return Meta(description=description, extra={PATTERN: pattern})


# every line

Version = Annotated[Literal[1], is_described("Wire version.")]
Node = Annotated[
    str,
    text_checked_later(
        fields.NODE_PATTERN, "The node that wrote the line; the owner of the repo it is in."
    ),
]
Seq = Annotated[
    int,
    seq_form(
        "One counter per node, contiguous within an epoch, given when the line is appended, never"
        " reused."
    ),
]
Timestamp = Annotated[
    datetime,
    is_described(
        "An instant inside the time that the line covers, in UTC with 0 or exactly 6 decimals (6"
        " zeros are left out), years 2000 to 2100. A usage line covers at most one clock hour, and"
        " `ts` is never the exclusive end of it."
    ),
]
User = Annotated[str, text_checked_later(fields.USER_PATTERN, "Opaque account id: who pays.")]

# usage lines

Resource = Annotated[
    str,
    text_checked_later(
        fields.RESOURCE_PATTERN,
        "What was used, unit included: `vm/small/seconds`, `llm/<provider>/<model>/<kind>`.",
    ),
]
Category = Annotated[
    fields.AppliesTo, is_described("Discount category; left out when it is `hero_os_hourly`.")
]
Units = Annotated[
    int,
    Meta(
        ge=-INT_MAX,
        le=INT_MAX,
        description="Quantity in whole units of the resource (seconds, tokens, bytes). Negative"
        " only in a correction.",
    ),
]
Instance = Annotated[
    str,
    text_form(
        fields.INSTANCE_PATTERN, "Which VM, API key or project; audited, not part of the charge."
    ),
]
CallerId = Annotated[
    str,
    text_form(
        fields.ID_PATTERN,
        "The caller's own key: a retry with the same id and content within 7 days at least gets"
        " the same seq.",
    ),
]
CorrectedSeq = Annotated[
    int,
    seq_form(
        "The earlier seq of this node that this line corrects: same user, resource, applies_to and"
        " ts."
    ),
]
CorrectionReason = Annotated[
    str, text_form(fields.REASON_PATTERN, "Why; required in a correction, absent elsewhere.")
]
MetaKey = Annotated[str, text_form(fields.META_KEY_PATTERN)]
MetaInt = Annotated[int, Meta(ge=-INT_MAX, le=INT_MAX)]
MetaText = Annotated[str, text_form(fields.META_TEXT_PATTERN)]
MetaEntries = Annotated[
    dict[MetaKey, MetaInt | MetaText],
    Meta(
        min_length=1,
        max_length=fields.META_ENTRIES_MAX,
        description="Shown in audits, never rated; keys sorted.",
    ),
]

# money lines

MoneyKind = Annotated[
    Literal["payment", "refund", "grant", "adjustment"],
    is_described("`payment` and `grant` add, `refund` takes away, `adjustment` does either."),
]
Provider = Annotated[Literal["stripe", "clickpesa", "manual"], is_described("Who moved the money.")]
Reference = Annotated[
    str,
    text_form(
        fields.REFERENCE_PATTERN,
        "The provider's own reference; succeeded lines with the same provider, external_ref and"
        " kind are one movement.",
    ),
]
RefundedSeq = Annotated[int, seq_form("For a refund: the seq of the payment it gives back.")]
Amount = Annotated[
    str,
    text_form(
        fields.AMOUNT_PATTERN,
        "In `currency`: up to 9 digits before and 9 after the point, above zero; only an"
        " adjustment may lead with `-`.",
    ),
]
Currency = Annotated[str, text_form(fields.CURRENCY_PATTERN, "ISO 4217 code of `amount`.")]
CreditedUsd = Annotated[
    str,
    text_form(
        fields.AMOUNT_PATTERN,
        "What the balance gets, in USD; required when the currency is not USD.",
    ),
]
Status = Annotated[
    Literal["pending", "failed", "succeeded"], is_described("Only `succeeded` lines move money.")
]
AdjustmentReason = Annotated[
    str, text_form(fields.REASON_PATTERN, "Why; required in an adjustment.")
]

# decision lines

DecisionKind = Annotated[
    Literal["accept_tip", "exclude", "choose", "acknowledge", "withdraw"],
    is_described(
        "`accept_tip` takes a history as it is, `exclude` makes lines count nothing, `choose` says"
        " which of conflicting lines counts, `acknowledge` closes incidents, `withdraw` takes an"
        " earlier decision back."
    ),
]
Repo = Annotated[
    str,
    text_form(
        fields.REPO_PATTERN, "For accept_tip and acknowledge: the repo, as the aggregator names it."
    ),
]
Tip = Annotated[
    str,
    text_form(
        fields.COMMIT_PATTERN,
        "For accept_tip: the commit up to which the history is accepted, whatever its shape,"
        " dates or signature.",
    ),
]
OfNode = Annotated[
    str, text_form(fields.NODE_PATTERN, "For exclude and choose: the node whose lines are meant.")
]
OfSeq = Annotated[int, seq_form("For exclude and choose: the seq of the line, or the first one.")]
ToSeq = Annotated[
    int, seq_form("For exclude: the last seq of a range, both ends included; not with `of_ts`.")
]
OfTimestamp = Annotated[
    datetime,
    is_described(
        "The `ts` of the record. For exclude: only the record with exactly this key, instead of"
        " every record with the seq. Required in choose."
    ),
]
LineSha256 = Annotated[
    str,
    text_form(
        fields.SHA256_PATTERN, "For choose: SHA-256 of the line that counts, its newline included."
    ),
]
Incident = Annotated[
    str, text_form(fields.INCIDENT_PATTERN, "For acknowledge: the kind of incident.")
]
Subject = Annotated[
    str,
    text_form(
        fields.SUBJECT_PATTERN,
        "For acknowledge: what the incident is about, as the aggregator shows it.",
    ),
]
WithdrawnSeq = Annotated[
    int,
    seq_form("For withdraw: the seq of the earlier decision of these books that no longer holds."),
]
By = Annotated[str, text_form(fields.BY_PATTERN, "Who decided.")]
DecisionReason = Annotated[
    str, text_form(fields.REASON_PATTERN, "Why; required in every decision.")
]
