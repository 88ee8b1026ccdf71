"""The forms of answers about the house."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.fields import Time, Usd, User
from portal.api.models.spans import CURSOR_MAX
from portal.api.request import Form

Which = Literal["all", "payments", "unconfirmed", "in_question", "disputes", "acts"]
RULE_TEXT_MAX = 48 << 10
"""Most characters of a rule file that is tried: a request has 64 KiB."""

_Period = Annotated[str, Field(max_length=40)]


class FeedWanted(Form):
    """Which lines.

    Attributes:
        period: a month, quarter, year or day, or two days with two points between.
        which: all; payments and what is taken from them; lines of tills that no reconciliation
            covers; what does not count, or waits, and why; disputes; or what staff and the books
            did.
        limit: how many.
        cursor: `next` of the page before, as it is; absent for the first one.
    """

    period: _Period = "this-month"
    which: Which = "all"
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str | None, Field(max_length=CURSOR_MAX)] = None


class FeedLine(Form):
    """One line about money or an account.

    Attributes:
        at: when it was.
        user: the account; null where it names none.
        kind: what it states.
        amount, currency: how much; null of lines that state no amount.
        credit_usd: what it adds to a balance; null where it does not say so by itself.
        left_usd: of a payment that counts, what was not given back.
        state: `counted`, or why it does not count.
        why: that in words; empty where it counts.
        reconciled: whether the provider was asked about it since.
        provider, reference: where the money moved, and its name there.
        by, reason: who acted, and why, where the line says so.
        node, seq: which line it is.
        repo, commit, path, line_no: where it is in git.
    """

    at: Time
    user: User | None
    kind: str
    amount: str | None
    currency: str | None
    credit_usd: Usd | None
    left_usd: Usd | None
    state: str
    why: str
    reconciled: bool
    provider: str | None
    reference: str | None
    by: str | None
    reason: str | None
    node: str
    seq: int
    repo: str | None
    commit: str
    path: str
    line_no: int


class FeedPage(Form):
    """A page of lines, the newest first.

    Attributes:
        lines: this page.
        next: the cursor of the next page; null of the last one.
    """

    lines: list[FeedLine]
    next: str | None


class CashWanted(Form):
    """A period.

    Attributes:
        period: a month, quarter, year or day, or two days with two points between.
    """

    period: _Period = "this-month"


class CashKind(Form):
    """What lines of one kind came to.

    Attributes:
        kind: what they state.
        lines: how many count.
        credit_usd: what they added to balances; below zero what they took.
        given_back_usd: of payments, what was refunded or disputed since.
        waiting: how many of this kind do not count, or wait.
    """

    kind: str
    lines: int
    credit_usd: Usd
    given_back_usd: Usd
    waiting: int


class Cash(Form):
    """What came in during a period, by kind.

    Attributes:
        begin, end: the period: the latter is not in it.
        kinds: by name.
    """

    begin: Time
    end: Time
    kinds: list[CashKind]


class RuleFile(Form):
    """A file of the rule book.

    Attributes:
        name: `prices.toml`, for example.
        text: what is in it.
    """

    name: str
    text: str


class RulesInForce(Form):
    """The rule book in force.

    Attributes:
        sha256: its name; empty before the first.
        commit: of the books, which has it; empty before the first.
        files: those that it has.
    """

    sha256: str
    commit: str
    files: list[RuleFile]


class TrialWanted(Form):
    """A rule file to try.

    Attributes:
        file: which it is.
        text: what would be in it.
    """

    file: Annotated[str, Field(max_length=40, examples=["prices.toml"])]
    text: Annotated[str, Field(max_length=RULE_TEXT_MAX)]


class TrialAccount(Form):
    """What would change for an account.

    Attributes:
        user: the account.
        billed_usd, proposed_billed_usd: what it was billed in all, now and then.
        balance_usd, proposed_balance_usd: its balance, now and then.
    """

    user: User
    billed_usd: Usd
    proposed_billed_usd: Usd
    balance_usd: Usd
    proposed_balance_usd: Usd


class Trial(Form):
    """What a rule file would change of everything that was billed so far.

    Attributes:
        sha256: the rule book's name with it.
        charges, charges_changed: how many charges there are, and how many would cost otherwise.
        difference_usd: what all of them would cost more.
        unrated: charges that would have no price, by why.
        accounts_changed: for how many accounts something would change.
        accounts: those with the largest differences.
    """

    sha256: str
    charges: int
    charges_changed: int
    difference_usd: Usd
    unrated: dict[str, int]
    accounts_changed: int
    accounts: list[TrialAccount]
