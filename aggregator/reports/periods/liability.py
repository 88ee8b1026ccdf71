"""What is owed to customers at an instant, and by them: paid and promotional apart."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from aggregator.balances.earlier import all_funds_at
from aggregator.balances.funds import Funds, funds_of, has_terms
from aggregator.balances.terms import terms_of
from aggregator.rating.standing import GrantLeft, breakage_of, in_balance_nano
from aggregator.reports.basis import stands_on
from aggregator.reports.periods.report import Column, Report
from aggregator.store.questions.reports import account_of
from aggregator.store.store import LedgerStore
from wire_format.instants import format_ts, to_us

_COLUMNS: Final = (
    Column("what", "", "text"),
    Column("accounts", "accounts", "number"),
    Column("amount", "amount"),
)
_OWED: Final = ("prepaid balances", "paid grants", "promotional grants")
"""What customers may still use; the rest is told beside it."""
_BESIDE: Final = (
    "debts of customers",
    "breakage of promotional grants",
    "breakage of paid grants",
    "left of void grants",
)


def liability_report(store: LedgerStore, now: datetime, at: datetime | None = None) -> Report:
    """Add up what accounts have, inside the caller's view.

    Prepaid balances are what accounts have without any grant, where that is above zero; debts are
    the same where it is below. Neither is set off against grants, which pay for usage to come
    alone. Breakage is what grants had left when they ended, since the first one.

    Args:
        store: the ledger.
        now: the time.
        at: an earlier instant; told by what is known today.
    """
    sums = dict.fromkeys((*_OWED, *_BESIDE), 0)
    counts = dict.fromkeys(sums, 0)
    for funds, grants in _all(store, now, at):
        for name, nano in _parts(funds, grants).items():
            sums[name] += nano
            counts[name] += nano != 0
    head = {"at": format_ts(now if at is None else at), **stands_on(store)}
    head["beside"] = [
        {"what": name, "accounts": counts[name], "amount_nano": sums[name]} for name in _BESIDE
    ]
    rows = [(name, counts[name], sums[name]) for name in _OWED]
    return Report(head, _COLUMNS, rows, (None, None, sum(sums[name] for name in _OWED)))


def _all(
    store: LedgerStore, now: datetime, at: datetime | None
) -> Iterator[tuple[Funds, list[GrantLeft]]]:
    """What each account has, and its grants."""
    terms, at_us = terms_of(store), to_us(now)
    if at is not None:
        for _, found in all_funds_at(store, terms, at):
            yield found.funds, found.grants
        return
    for row in store.reports.accounts():
        grants: list[GrantLeft] = []
        if has_terms(row):
            grants = terms.grants(account_of(row), at_us, store.drawn.totals(row["id"]))
        yield funds_of(row, in_balance_nano(grants)), grants


def _parts(funds: Funds, grants: list[GrantLeft]) -> dict[str, int]:
    left = {
        category: in_balance_nano(each for each in grants if each.grant.category == category)
        for category in ("paid", "promotional")
    }
    broken: dict[str, Any] = breakage_of(grants)._asdict()
    return {
        "prepaid balances": max(funds.own_nano, 0),
        "paid grants": left["paid"],
        "promotional grants": left["promotional"],
        "debts of customers": min(funds.own_nano, 0),
        "breakage of promotional grants": broken["promotional"],
        "breakage of paid grants": broken["paid"],
        "left of void grants": broken["voided"],
    }
