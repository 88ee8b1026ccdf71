"""What came in and went out of an account."""

from typing import Literal

from pydantic import Field

from portal.api.models.fields import Fresh, Time, Usd
from portal.api.request import Form

PaymentKind = Literal[
    "payment",
    "refund",
    "refund_reversal",
    "dispute",
    "dispute_reversal",
    "grant",
    "adjustment",
    "plan_fee",
]
PaymentState = Literal["counts", "waits", "in_question", "failed", "does_not_count"]


class AccountPayment(Form):
    """One movement of money or credit.

    Attributes:
        id: its name.
        at: when it was.
        kind: what it is.
        amount: how much, in its currency.
        currency: which.
        change_usd: what it changed in the money of the account; null where it changed nothing, and
            of grants with terms, which lie beside it.
        left_usd: of a payment what was not given back, of a grant with terms what can be used.
        until: when a grant ends, or the period of a fee.
        scope: the resources that a grant pays for; null for all.
        reference: its name at the provider, or of the grant.
        automatic: whether a saved card was charged, without the customer beginning it.
        plan: of a fee, the plan.
        reason: why, of grants and adjustments.
        state: whether it counts.
        why: the state in words.
    """

    id: str
    at: Time
    kind: PaymentKind
    amount: str = Field(examples=["20.00"])
    currency: str
    change_usd: Usd | None
    left_usd: Usd | None
    until: Time | None
    scope: list[str] | None
    reference: str | None
    automatic: bool
    plan: str | None
    reason: str | None
    state: PaymentState
    why: str


class AccountPayments(Fresh):
    """A page of what came in and went out.

    Attributes:
        payments: the newest first.
        next: the cursor of the next page; null of the last one.
    """

    payments: list[AccountPayment]
    next: str | None
