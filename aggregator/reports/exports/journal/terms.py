"""What fees of plans and grants with terms move.

A grant is owed from its first hour on, and what is left of it goes when it ends. Of the credit of a
plan's cycles only those are told that something was drawn of, and those at either end of the
period: a cycle of which nothing was drawn comes to nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from aggregator.balances.funds import has_terms
from aggregator.balances.terms import GrantsAndPlans, terms_of
from aggregator.reports.exports.journal import accounts
from aggregator.reports.exports.journal.accounts import fees_of
from aggregator.reports.exports.journal.entries import AccountMove, EntryKind
from aggregator.reports.periods.period import Period
from aggregator.store.account_rows import AccountRow
from aggregator.store.questions.reports import account_of
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Granted
from gitmeter.money.plans import periods
from gitmeter.money.plans.timeline import PLAN_PROVIDER
from wire_format.instants import hour_of
from wire_format.lines import Account


class _Sides(NamedTuple):
    """The account in which a grant is owed, and where it comes from and goes."""

    owed: str
    begun: str
    breakage: str
    void: str


_SIDES = {
    "paid": _Sides(accounts.PAID, accounts.RECEIVABLE, accounts.PAID_BREAKAGE, accounts.RECEIVABLE),
    "promotional": _Sides(accounts.PROMOTIONAL, accounts.BEGUN, accounts.BREAKAGE, accounts.VOIDED),
}


def term_moves(store: LedgerStore, period: Period) -> Iterator[AccountMove]:
    """What fees and grants move until the end of a period, inside the caller's view.

    What is before the period is among it, and some of what is after.
    """
    terms = terms_of(store)
    for row in store.reports.accounts():
        if has_terms(row):
            account = account_of(row)
            yield from fee_moves(account.plans)
            yield from _moves_of_account(store, terms, account, period)


def fee_moves(lines: Iterable[Account]) -> Iterator[AccountMove]:
    """What fees move, each at the time of its line."""
    for line in lines:
        terms = periods.terms_of(line)
        hour, into, out_of = hour_of(line.ts), accounts.PREPAID, fees_of(terms.plan)
        yield AccountMove(hour, EntryKind.FEES, into, out_of, terms.fee_nano)


def grant_moves(grant: Granted, drawn_nano: Sequence[int]) -> Iterator[AccountMove]:
    """What a grant moves in its time, but for what it pays.

    Args:
        grant: the grant, or the credit of a plan's cycle.
        drawn_nano: what was drawn of it before each border of its spans, in their order.
    """
    sides = _SIDES[grant.category]
    borders = [hour for span in grant.spans for hour in span]
    for at, (hour, drawn) in enumerate(zip(borders, drawn_nano, strict=True)):
        left = grant.amount_nano - drawn
        if not left:
            return
        # the credit of a plan of which nothing was drawn is no breakage: it comes to nothing
        is_breakage = grant.provider != PLAN_PROVIDER or drawn > 0
        begins, comes_again = at % 2 == 0, at > 0
        if begins:
            out_of = sides.breakage if comes_again and is_breakage else sides.begun
            yield AccountMove(hour, EntryKind.BEGUN, out_of, sides.owed, left)
        elif hour == grant.void_hour:
            yield AccountMove(hour, EntryKind.VOIDED, sides.owed, sides.void, left)
        else:
            into = sides.breakage if is_breakage else sides.begun
            yield AccountMove(hour, EntryKind.ENDED, sides.owed, into, left)


def _moves_of_account(
    store: LedgerStore, terms: GrantsAndPlans, account: AccountRow, period: Period
) -> Iterator[AccountMove]:
    totals = store.drawn.totals(account.id)
    told = {grant.name: grant for grant in account.grants}
    if account.plans:
        told |= terms.credits(account, (hour - 1 for hour in period[1:]), totals)
    for name, grant in told.items():
        if len(grant.spans) == 1:
            drawn = [0, totals.get(name, 0)]
        else:
            hours = [hour for span in grant.spans for hour in span]
            drawn = [store.drawn.before(account.id, hour).get(name, 0) for hour in hours]
        yield from grant_moves(grant, drawn)
