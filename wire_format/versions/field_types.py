"""The fields of version 2: type, limits and meaning, as in `wire_format.field_types`.

A struct that serves both versions has the wider type of a field; `wire_format.versions.forms` says
which type each version has.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from wire_format import fields
from wire_format.field_types import PATTERN, is_described, seq_form, text_checked_later, text_form
from wire_format.fields import INT_MAX, PRIORITY_MAX, SCOPE_MAX

AnyVersion = Annotated[Literal[1, 2], is_described("Wire version.")]
Version2 = Annotated[Literal[2], is_described("Wire version.")]

# money lines

MoneyKind2 = Annotated[
    Literal[
        "payment",
        "refund",
        "dispute",
        "refund_reversal",
        "dispute_reversal",
        "pending",
        "ended",
        "grant",
        "void",
        "adjustment",
    ],
    is_described(
        "`payment` adds; `refund` and `dispute` take back of a payment, their reversals give that"
        " back; `pending` and `ended` are of an attempt to pay and move nothing; `grant` adds"
        " credit with terms, `void` ends a grant; `adjustment` does either."
    ),
]
Provider2 = Annotated[
    str,
    text_checked_later(
        fields.PROVIDER_PATTERN,
        "The name of one account at a provider, or `manual` where no provider moved anything.",
    ),
]
OfProvider = Annotated[
    str,
    text_form(
        fields.PROVIDER_PATTERN,
        "The provider of what `of_ref` names: of the payment that a grant is a bonus on, or of the"
        " grant that a void ends.",
    ),
]
OfRef = Annotated[
    str,
    text_form(
        fields.REFERENCE_PATTERN,
        "The external_ref of the payment that money goes back of, or of what a bonus or a void is"
        " about.",
    ),
]
AnyStatus = Annotated[
    Literal["pending", "failed", "succeeded", "undecided"],
    is_described("Whether money moved; the version determines which it may be."),
]
Status2 = Annotated[
    Literal["succeeded", "undecided"],
    is_described(
        "`undecided`, of a payment alone: it happened, and a person says whose it is and what it"
        " credits."
    ),
]
CreditedUsd2 = Annotated[
    str,
    text_form(
        fields.AMOUNT_PATTERN,
        "What the balance gets, in USD: stated where the currency is not USD, and only there.",
    ),
]
Attempt = Annotated[
    str,
    text_form(fields.REFERENCE_PATTERN, "Which attempt to pay it is: the writer's own reference."),
]
GrantCategory = Annotated[
    Literal["promotional", "paid"], is_described("Whether anybody paid for a grant.")
]
Priority = Annotated[
    int,
    Meta(ge=0, le=PRIORITY_MAX, description="Of several grants the one with the smaller is first."),
]
From = Annotated[
    datetime,
    Meta(
        description="The first clock hour in which it holds.", extra={PATTERN: fields.HOUR_PATTERN}
    ),
]
Until = Annotated[
    datetime,
    Meta(
        description="The first clock hour in which it no longer holds.",
        extra={PATTERN: fields.HOUR_PATTERN},
    ),
]
Scope = Annotated[
    tuple[Annotated[str, text_form(fields.GLOB_PATTERN)], ...],
    Meta(
        min_length=1,
        max_length=SCOPE_MAX,
        description="Resources that a grant may pay for, as globs, sorted; all when left out.",
    ),
]
OptionalReason = Annotated[str, text_form(fields.REASON_PATTERN, "Why it was done, or happened.")]

# account lines

AccountKind = Annotated[
    Literal["open", "suspend", "reopen", "plan", "setting", "consent", "key", "revoke", "staff"],
    is_described(
        "`open`, `suspend` and `reopen` an account; its `plan` of a period; its `setting`; its"
        " `consent` to later charges; `key` and `revoke` of its access; `staff` names an operator."
    ),
]
Plan = Annotated[str, text_form(fields.NAME_PATTERN, "The plan of the period.")]
InsteadOf = Annotated[
    str, text_form(fields.NAME_PATTERN, "For an upgrade: the plan in force that it replaces.")
]
FeeUsd = Annotated[str, text_form(fields.USD_PATTERN, "What the period costs; absent: nothing.")]
CapUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a setting: at most this may be billed in one cycle.")
]
NextPlan = Annotated[
    str, text_form(fields.NAME_PATTERN, "For a setting: the plan of the next period, or `none`.")
]
AutoTopupUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a setting: how much an automatic payment is.")
]
AutoTopupBelowUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a setting: the balance below which it is made.")
]
AutoTopupMonthUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a setting: at most this by such payments in a month.")
]
AmountUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a consent: how much one charge may be.")
]
BelowUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a consent: the balance below which it may be made.")
]
MonthUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For a consent: at most this by such charges in a month.")
]
ConsentProvider = Annotated[
    str, text_form(fields.PROVIDER_PATTERN, "For a consent: the provider of the payment `of_ref`.")
]
ConsentRef = Annotated[
    str,
    text_form(
        fields.REFERENCE_PATTERN,
        "For a consent: the external_ref of the payment at which it was given, by the card that may"
        " be charged.",
    ),
]
KeyId = Annotated[
    str, text_form(fields.KEY_ID_PATTERN, "The first 16 digits of the hash of a key.")
]
KeySha256 = Annotated[str, text_form(fields.SHA256_PATTERN, "For a key: SHA-256 of its secret.")]
KeyScopes = Annotated[
    tuple[Annotated[str, text_form(fields.KEY_SCOPE_PATTERN)], ...],
    Meta(min_length=1, max_length=SCOPE_MAX, description="For a key: what it opens, sorted."),
]
RequestsPerMinute = Annotated[
    int, Meta(ge=1, le=INT_MAX, description="For a key: most requests in a minute.")
]
Identity = Annotated[
    str, text_form(fields.IDENTITY_PATTERN, "For staff: who it is, as `by` names them.")
]
StaffRole = Annotated[str, text_form(fields.NAME_PATTERN, "For staff: what they may do.")]
LimitUsd = Annotated[
    str, text_form(fields.USD_PATTERN, "For staff: at most this by one of their adjustments.")
]

# decision lines

AnyDecisionKind = Annotated[
    Literal[
        "accept_tip",
        "exclude",
        "choose",
        "acknowledge",
        "withdraw",
        "seen",
        "only",
        "reconciled",
    ],
    is_described("What was decided; the version determines which it may be."),
]
DecisionKind2 = Annotated[
    Literal["seen", "only", "reconciled"],
    is_described(
        "`seen` and `only` say up to which commit a writer's lines are known or may count,"
        " `reconciled` that lines agree with what the provider says."
    ),
]
OfWriter = Annotated[str, text_form(fields.NODE_PATTERN, "The till or desk that is meant.")]
SeenTip = Annotated[
    str,
    text_form(fields.COMMIT_PATTERN, "A commit of that writer; its ancestors are meant with it."),
]
FromSeq = Annotated[int, seq_form("For reconciled: the first seq of a range, included.")]
ReconciledToSeq = Annotated[int, seq_form("For reconciled: the last seq of the range, included.")]
