"""Which accounts have less than an amount; only those that are near it are looked at closely."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from aggregator.balances.funds import CurrentFunds, Funds, funds_of
from aggregator.balances.terms import GrantsAndPlans, plans_in
from aggregator.rating.standing import in_balance_nano
from aggregator.store.questions.metrics import WithGrants
from aggregator.store.questions.notices import Balance
from aggregator.store.questions.reports import Row, account_of
from aggregator.store.store import LedgerStore
from wire_format.instants import to_us


def balances_below(store: LedgerStore, below_nano: int, now: datetime) -> list[Balance]:
    """Balances below an amount, in nano-dollars, sorted by user.

    Left out are accounts that never had anything to run out of.
    """
    found = store.notices.balances_below(below_nano)
    current = CurrentFunds(store, now)
    for row in store.reports.with_terms(below_nano):
        funds = current.of(row)
        if funds.balance_nano < below_nano and _had_something(row, funds):
            found.append(Balance(row["user"], funds.balance_nano))
    return sorted(found, key=attrgetter("user"))


def count_below_zero(accounts: Sequence[WithGrants], plans_toml: bytes | None, at: datetime) -> int:
    """How many accounts are below zero with what is left of their grants.

    Args:
        accounts: those that are without it.
        plans_toml: `rules/plans.toml` in force.
        at: the instant.
    """
    if not accounts:
        return 0
    terms = GrantsAndPlans(plans_in(plans_toml))
    at_us = to_us(at)
    return sum(
        funds_of(row, in_balance_nano(terms.grants(account_of(row), at_us, drawn))).balance_nano < 0
        for row, drawn in accounts
    )


def _had_something(row: Row, funds: Funds) -> bool:
    """Whether an account had something to run out of: a plan alone is nothing of that kind."""
    has_paid, has_grants = row["first_paid_us"] is not None, row["grants"] is not None
    return has_paid or has_grants or funds.pool_nano != 0 or funds.billed_nano != 0
