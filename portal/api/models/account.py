"""An account: who it is, what it has, and what its plan allows."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.fields import Fresh, Time, Usd, User
from portal.api.request import Form


class Me(Form):
    """The account, and the key or identity that asks.

    Attributes:
        user: the account.
        key_id: the key; null where an issuer's token was sent.
        identity: the name of the identity that the token is of; null for a key.
        scopes: what opens with it.
        rpm: most requests in a minute with it.
        suspended: whether services refuse the account.
    """

    user: User
    key_id: str | None
    identity: str | None
    scopes: list[str]
    rpm: int
    suspended: bool


class AccountGrant(Form):
    """Credit with terms that can be used now.

    Attributes:
        grant: its name.
        left_usd: what is left of it.
        amount_usd: what it was.
        until: when it ends; null for never.
        scope: the resources that it pays for; null for all.
        category: promotional credit, or paid.
    """

    grant: str
    left_usd: Usd
    amount_usd: Usd
    until: Time | None
    scope: list[str] | None
    category: Literal["promotional", "paid"]


BalanceState = Literal["ok", "low", "exhausted"]


class AccountBalance(Fresh):
    """What an account has.

    Attributes:
        balance_usd: all that is left, grants included.
        spendable_usd: what can be spent on any resource: without grants for some resources alone.
        granted_usd: what there was for the running cycle: the balance, and what the cycle used.
        state: `exhausted` where nothing can be spent any more, `low` where less than a tenth of
            `granted_usd` is left.
        cap_usd: the most that may be billed in a cycle, as the account set it.
        plan: the plan in force.
        cycle_end: when the running cycle ends: that of the plan, else the month in UTC.
        grants: those that can be used now.
    """

    balance_usd: Usd
    spendable_usd: Usd
    granted_usd: Usd
    state: BalanceState
    cap_usd: Usd | None
    plan: str | None
    cycle_end: Time
    grants: list[AccountGrant]


Count = Annotated[int | Literal["unlimited"], Field(description="Units, or the word for no limit.")]


class MeterState(Form):
    """What a plan includes of some resources, in each cycle.

    Attributes:
        meter: its name.
        match: the resources, `*` for any text.
        used: units used in the running cycle.
        included: units that cost nothing.
        left: units of these that are left.
        beyond: what services do after that.
        resets_at: when the next cycle begins.
    """

    meter: str
    match: list[str]
    used: int
    included: Count
    left: Count
    beyond: Literal["bill", "block"]
    resets_at: Time


class AccountPlan(Form):
    """The plan in force.

    Attributes:
        plan: its name.
        cycle_start: when the running cycle began.
        cycle_end: when it ends.
        until: when the period that is paid for ends; null of a plan without a fee.
        fee_usd: what a period costs; null of a plan without a fee.
        rpm: requests in a minute that services answer; null where the plan states none.
        features: what it has.
        limits: how many of something it allows.
        meters: what it includes.
    """

    plan: str
    cycle_start: Time
    cycle_end: Time
    until: Time | None
    fee_usd: Usd | None
    rpm: int | None
    features: list[str]
    limits: dict[str, Count]
    meters: list[MeterState]


class Entitlements(Fresh):
    """What an account may use.

    Attributes:
        suspended: whether services refuse the account.
        spendable_usd: what can be spent on any resource.
        cap_usd: the most that may be billed in a cycle.
        next_plan: the plan of the next period, `none` for none, null for the same again.
        plan: the plan in force; null without one.
    """

    suspended: bool
    spendable_usd: Usd
    cap_usd: Usd | None
    next_plan: str | None
    plan: AccountPlan | None
