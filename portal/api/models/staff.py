"""What staff see and send."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.account import AccountBalance, Entitlements
from portal.api.models.fields import Time, Usd, User
from portal.api.models.keys import AccountKey
from portal.api.request import Form

Ticket = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z]{0,10}[#-]?[0-9]{1,12}$",
        description="The number of the case; no text, since what is in git cannot be erased.",
        examples=["T-4711"],
    ),
]
Reason = Literal["abuse", "chargeback", "goodwill", "outage", "request", "welcome", "other"]
"""Why staff act: a word of this list, so that no text about a person gets into git."""


class ListWanted(Form):
    """Which accounts.

    Attributes:
        search: a part of the id.
        below_usd: only those that have less than this without grants.
        limit: how many.
        cursor: of the page before.
    """

    search: Annotated[str, Field(max_length=256)] = ""
    below_usd: Annotated[str, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$")] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(max_length=256)] = ""


class AccountListed(Form):
    """An account among others.

    Attributes:
        user: its id.
        balance_usd: all that is left, grants included.
        own_usd: what it has without any grant.
        billed_usd: what it used in all.
        paid_usd: what it paid in all.
        last_active_at: the last hour with usage.
        unrated_charges: charges that are not billed in full.
    """

    user: User
    balance_usd: Usd
    own_usd: Usd
    billed_usd: Usd
    paid_usd: Usd
    last_active_at: Time | None
    unrated_charges: int


class AccountPage(Form):
    """Accounts in the order of their ids.

    Attributes:
        accounts: this page.
        cursor: of the next page; null after the last.
    """

    accounts: list[AccountListed]
    cursor: str | None


class AccountFile(Form):
    """One account, with everything.

    Attributes:
        user: its id.
        suspended: whether services refuse it.
        settings: what it stated; fields that it did not state are absent.
        balance: what it has.
        entitlements: what it may use.
        keys: its keys in force.
    """

    user: User
    suspended: bool
    settings: dict[str, str]
    balance: AccountBalance
    entitlements: Entitlements
    keys: list[AccountKey]


class Why(Form):
    """Why something is done.

    Attributes:
        reason: a word.
        ticket: where the case is written down.
    """

    reason: Reason
    ticket: Ticket

    @property
    def text(self) -> str:
        """As the line states it."""
        return f"{self.reason} {self.ticket}"


class OpeningWanted(Why):
    """An account to open.

    Attributes:
        user: its id; null for one that is made.
    """

    user: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{7,63}$")] | None = None


class Written(Form):
    """A line that was written; it counts once the aggregator has pulled it.

    Attributes:
        user: the account.
        kind: what it states.
        node, seq: which line it is.
        at: when it was written.
    """

    user: User
    kind: str
    node: str
    seq: int
    at: Time


class GrantWanted(Why):
    """Credit by a template of the operator.

    Attributes:
        template: its name.
    """

    template: Annotated[str, Field(max_length=64)]


class AdjustWanted(GrantWanted):
    """A correction of the balance by a template of the operator.

    Attributes:
        amount_usd: what is added; below zero it is taken.
    """

    amount_usd: Annotated[str, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$")]


class Template(Form):
    """What staff may give.

    Attributes:
        name: its name.
        kind: credit, or a correction.
        role: of staff who may use it; null for all.
        amount_usd: what one gives, or most of one correction.
        days: how long credit holds; null for no end.
        scope: the resources it pays for; null for all.
        budget_usd: most of all.
    """

    name: str
    kind: Literal["grant", "adjustment"]
    role: str | None
    amount_usd: Usd
    days: int | None
    scope: list[str] | None
    budget_usd: Usd


class Templates(Form):
    """What staff may give.

    Attributes:
        templates: by kind and name.
    """

    templates: list[Template]


class PeriodWanted(Form):
    """A period, and how its sums are told.

    Attributes:
        period: a month, quarter, year or day, or two days with two points between.
        by: one row for each.
    """

    period: Annotated[str, Field(max_length=40)] = "this-month"
    by: Literal["resource", "plan", "month"] = "resource"


class HouseReport(Form):
    """A report of the house: rows of named values, amounts in dollars.

    Attributes:
        about: what it is about and stands on.
        rows: its rows.
        total: the sums of all rows.
        beside: of what is owed, what is no part of it, in rows of their own.
    """

    about: dict[str, object]
    rows: list[dict[str, str | int | None]]
    total: dict[str, str | int | None]
    beside: list[dict[str, str | int | None]] = Field(default_factory=list)


class FoundList(Form):
    """What was found, as the aggregator's own commands state it in JSON.

    Attributes:
        found: one by one.
    """

    found: list[dict[str, object]]
