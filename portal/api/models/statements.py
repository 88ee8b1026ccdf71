"""A statement: what happened to an account in a period."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.fields import Fresh, Time, Usd
from portal.api.request import Form


class StatementLine(Form):
    """A line in git that says something about the account.

    Attributes:
        commit: the commit that has it.
        path: the file.
        line_no: the line there.
    """

    commit: str | None
    path: str | None
    line_no: int | None


class StatementMoney(StatementLine):
    """Money that came in or went out.

    Attributes:
        ts: when.
        kind: what it is.
        provider: who moved it.
        external_ref: its name there.
        amount: how much, in its currency.
        currency: which.
        reason: why, if anybody says.
        change_usd: what it changed in the balance.
    """

    ts: Time
    kind: str
    provider: str
    external_ref: str | None
    amount: str
    currency: str
    reason: str | None
    change_usd: Usd


class StatementFee(StatementLine):
    """The fee of a plan.

    Attributes:
        ts: when.
        plan: the plan.
        instead_of: of an upgrade, the plan that it replaced.
        from_: when its period begins.
        until: when it ends.
        fee_usd: the fee.
    """

    ts: Time
    plan: str
    instead_of: str | None
    from_: Annotated[Time, Field(serialization_alias="from", description="When its period begins.")]
    until: Time | None
    fee_usd: Usd


class StatementPart(Form):
    """What usage is made of.

    Attributes:
        kind: units at a price, `packages`, the fee of a tier (`flat`), `included` units, or why it
            is not billed in full.
        what: the same in words.
        price_from: since when the price is in force.
        tier: of it.
        usd: the price of `per` units, of a package, or the fee.
        per: units.
        units: how many.
        list_cost_usd: what they cost without discounts.
        billed_cost_usd: what they cost.
    """

    kind: str
    what: str
    price_from: Time | None
    tier: int | None
    usd: str | None
    per: int | None
    units: int
    list_cost_usd: Usd
    billed_cost_usd: Usd


class StatementUsage(Form):
    """Usage of one resource under one discount.

    Attributes:
        resource: what was used.
        applies_to: the category of discounts.
        multiplier: by which the list price is multiplied.
        quantity: units.
        included: units that the plan includes.
        records: lines that state them.
        list_cost_usd: what they cost without discounts.
        discount_usd: the discount.
        billed_cost_usd: what they cost.
        drawn_usd: what grants paid of that.
        uncovered_usd: what no grant paid.
        parts: what it is made of.
    """

    resource: str
    applies_to: str
    multiplier: str
    quantity: int
    included: int
    records: int
    list_cost_usd: Usd
    discount_usd: Usd
    billed_cost_usd: Usd
    drawn_usd: Usd
    uncovered_usd: Usd
    parts: list[StatementPart]


class StatementGrant(Form):
    """What became of a grant: opening + begun - drawn - ended = closing.

    Attributes:
        grant: its name.
        category: promotional credit, or paid.
        until: when it ends; null for never.
        opening_usd: what it added to the opening balance.
        begun_usd: what it added when it began.
        drawn_usd: what it paid.
        ended_usd: what it had left when it ended.
        closing_usd: what it adds to the closing balance.
    """

    grant: str
    category: Literal["promotional", "paid"]
    until: Time | None
    opening_usd: Usd
    begun_usd: Usd
    drawn_usd: Usd
    ended_usd: Usd
    closing_usd: Usd


class StatementSums(Form):
    """The sums of a statement: opening + money - fees - billed cost + begun - ended = closing.

    Attributes:
        money_usd: money that came in, less what went out.
        fees_usd: fees of plans.
        list_cost_usd: usage without discounts.
        discount_usd: discounts.
        billed_cost_usd: usage.
        drawn_usd: what grants paid of that.
        uncovered_usd: what no grant paid.
        grants_begun_usd: grants that began.
        grants_ended_usd: what grants had left that ended.
    """

    money_usd: Usd
    fees_usd: Usd
    list_cost_usd: Usd
    discount_usd: Usd
    billed_cost_usd: Usd
    drawn_usd: Usd
    uncovered_usd: Usd
    grants_begun_usd: Usd
    grants_ended_usd: Usd


class AccountStatement(Fresh):
    """What happened to an account in a period.

    Attributes:
        user: the account.
        period: the period.
        from_: its first hour; null for the beginning of all.
        until: the hour before which it ends; of a period that runs, the next one.
        is_over: whether it is over.
        opening_balance_usd: the balance at its beginning.
        money: money that came in or went out.
        fees: fees of plans.
        usage: what was used.
        grants: what became of grants.
        sums: the sums of these.
        closing_balance_usd: the balance at its end.
        unrated_charges: charges that are not billed in full.
    """

    user: str
    period: str
    from_: Annotated[
        Time | None,
        Field(
            serialization_alias="from", description="Its first hour; null for the beginning of all."
        ),
    ]
    until: Time | None
    is_over: bool
    opening_balance_usd: Usd
    money: list[StatementMoney]
    fees: list[StatementFee]
    usage: list[StatementUsage]
    grants: list[StatementGrant]
    sums: StatementSums
    closing_balance_usd: Usd
    unrated_charges: int
