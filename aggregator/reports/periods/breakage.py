"""What grants had left when they ended, by the day on which they did."""

from collections import defaultdict
from datetime import datetime
from operator import itemgetter
from typing import Final

from aggregator.balances.terms import terms_of
from aggregator.rating.standing import GrantLeft, breakage_of
from aggregator.reports.basis import stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.periods.usage import day_text
from aggregator.store.questions.reports import account_of
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Granted
from gitmeter.money.plans.timeline import PLAN_PROVIDER
from wire_format.instants import DAY_HOURS, to_us

_COLUMNS: Final = (
    Column("day", "day", "text"),
    Column("promotional", "promotional"),
    Column("paid", "paid"),
    Column("amount", "amount"),
)


def breakage_report(store: LedgerStore, now: datetime, period: Period) -> Report:
    """Add up what grants that ended in a period had left, inside the caller's view.

    It is told by what is known today: usage that comes late may still take from it. What is left
    of void grants is no part of it.

    Returns:
        A row for each day on which something was left.
    """
    ended: dict[int, list[GrantLeft]] = defaultdict(list)
    terms, at_us = terms_of(store), to_us(now)
    for row in store.reports.having_terms():
        drawn = store.drawn.totals(row["id"])
        for each in terms.grants(account_of(row), at_us, drawn):
            end_hour = _end_hour(each.grant)
            if end_hour is not None and period.first_hour <= end_hour < period.end_hour:
                ended[end_hour // DAY_HOURS].append(each)
    left = {day: breakage_of(each)[:2] for day, each in sorted(ended.items())}
    rows = [(day_text(day), *sums, sum(sums)) for day, sums in left.items() if any(sums)]
    total = None, *(sum(map(itemgetter(at), rows)) for at in (1, 2, 3))
    return Report({**period.answer(), **stands_on(store)}, _COLUMNS, rows, total)


def _end_hour(grant: Granted) -> int | None:
    """The clock hour with which a grant ends; that of a plan's credit may come before its term."""
    if grant.provider == PLAN_PROVIDER:
        return grant.spans[-1].end if grant.spans else None
    return grant.until_hour
