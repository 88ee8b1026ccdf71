"""The accounts of a journal, and what each is for. Pure.

- Promotional credit is owed in usage alone, so it is a liability with another side that takes it
  back: together they are nothing, and no profit depends on what was given away. What it pays is
  taken off revenue.
- Somebody paid for a paid grant, but in no line: that is still to be booked, and receivable until
  then.
- Grants without terms and adjustments lie in the pool, which does not know them apart from
  payments, so what they pay is earned: they are expenses.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aggregator.reports.exports.journal.names import account_part

RECEIVABLE: Final = "assets:receivable:grants"
PREPAID: Final = "liabilities:prepaid"
PAID: Final = "liabilities:grants:paid"
PROMOTIONAL: Final = "liabilities:grants:promotional"
CONTRA: Final = "liabilities:contra:promotional"
BEGUN: Final = f"{CONTRA}:begun"
DRAWN: Final = f"{CONTRA}:drawn"
BREAKAGE: Final = f"{CONTRA}:breakage"
VOIDED: Final = f"{CONTRA}:void"
PAID_BREAKAGE: Final = "income:breakage:paid"
GIVEN: Final = "expenses:grants"
ADJUSTED: Final = "expenses:adjustments"
OPENING: Final = "equity:opening"

_CASH: Final = "assets:cash"
_USAGE: Final = "revenue:usage"
_DISCOUNTED: Final = "revenue:promotional"
_PLANS: Final = "revenue:plans"
_CARRIED: Final = ("assets:", "liabilities:")


class _Group(NamedTuple):
    """Accounts that are declared together: one of a name, or all below it."""

    name: str
    meaning: str


_CHART: Final = (
    _Group(_CASH, "what came in at each provider, less what went back, as the pool counts it"),
    _Group(RECEIVABLE, "money for paid grants, which is in no line: book it here when it comes in"),
    _Group(PREPAID, "what customers have without grants with terms; debts are set off in it"),
    _Group(PAID, "what is left of grants that somebody paid for"),
    _Group(PROMOTIONAL, "what is left of promotional grants, and of credit that comes with plans"),
    _Group(CONTRA, "its other side: promotional credit is owed in usage, not in money"),
    _Group(_USAGE, "what usage was billed, by resource"),
    _Group(_DISCOUNTED, "what promotional credit paid of that"),
    _Group(_PLANS, "fees, by plan"),
    _Group(PAID_BREAKAGE, "what paid grants had left when they ended"),
    _Group(GIVEN, "grants without terms: what they pay is in revenue"),
    _Group(ADJUSTED, "adjustments: what they pay is in revenue"),
    _Group(OPENING, "what was there before the period"),
)


def cash(provider: str) -> str:
    """What came in at a provider."""
    return f"{_CASH}:{account_part(provider)}"


def usage_of(resource: str) -> str:
    """What usage of a resource was billed."""
    return f"{_USAGE}:{account_part(resource)}"


def discounted_of(resource: str) -> str:
    """What promotional credit paid of a resource."""
    return f"{_DISCOUNTED}:{account_part(resource)}"


def fees_of(plan: str) -> str:
    """Fees of a plan."""
    return f"{_PLANS}:{account_part(plan)}"


def in_order(account: str) -> tuple[int, str]:
    """Sorts accounts as the chart has them."""
    return _group_of(account), account


def carried_as(account: str) -> str | None:
    """The account in which a balance is carried into the next period.

    None for revenue and expenses, which begin at nothing. What became of promotional credit is told
    for each period; what is left of it has begun before.
    """
    if not account.startswith(_CARRIED):
        return None
    return BEGUN if account.startswith(f"{CONTRA}:") else account


def declarations(accounts: Iterable[str]) -> Iterator[str]:
    """The lines that declare accounts, with what they are for."""
    told: int | None = None
    for at, account in sorted(map(in_order, accounts)):
        if at != told:
            yield f"; {_CHART[at].meaning}"
            told = at
        yield f"account {account}"


def _group_of(account: str) -> int:
    return next(
        at
        for at, group in enumerate(_CHART)
        if account == group.name or account.startswith(f"{group.name}:")
    )
