"""What usage moves: what it was billed, and who paid that."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import attrgetter

from aggregator.reports.exports.journal import accounts
from aggregator.reports.exports.journal.accounts import discounted_of, usage_of
from aggregator.reports.exports.journal.entries import Postings
from aggregator.store.questions.sums import DrawnSum, Grouping
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Hours
from gitmeter.money.plans.timeline import PLAN_PROVIDER
from wire_format.instants import hour_of, hour_start


def usage_of_dates(
    store: LedgerStore, hours: Hours, date_of: Callable[[int], int]
) -> Iterator[tuple[int, Postings]]:
    """What usage of some hours moves, by date, inside the caller's view.

    The sums of one year at a time are in memory.

    Args:
        store: the ledger.
        hours: the hours.
        date_of: under which date a day is told, both days since 1970; within the same year.
    """
    charged = store.journal.charged_hours()
    if charged is None:
        return
    for year in _years(Hours(max(hours.first, charged.first), min(hours.end, charged.end))):
        found: dict[int, Postings] = defaultdict(Postings)
        for day, postings in _by_day(store, year, Grouping(by_day=True)).items():
            found[date_of(day)].add(postings)
        yield from sorted(found.items())


def usage_before(store: LedgerStore, hour: int) -> Postings:
    """What usage before a clock hour moves, inside the caller's view."""
    return _by_day(store, Hours(0, hour), Grouping())[0]


def _by_day(store: LedgerStore, hours: Hours, grouping: Grouping) -> dict[int, Postings]:
    """What usage moves by day; all of it under 0 where days are not kept apart."""
    resources = store.sums.resources()
    found: dict[int, Postings] = defaultdict(Postings)
    for used in store.sums.usage(*hours, grouping):
        resource = resources[used.resource_id]
        found[used.day or 0].move(accounts.PREPAID, usage_of(resource), used.billed_nano)
    for drawn, is_paid in _drawn(store, hours, grouping):
        postings = found[drawn.day or 0]
        owed = accounts.PAID if is_paid else accounts.PROMOTIONAL
        postings.move(owed, accounts.PREPAID, drawn.nano)
        if not is_paid:
            resource = resources[drawn.resource_id]
            postings.move(discounted_of(resource), accounts.DRAWN, drawn.nano)
    return found


def _drawn(store: LedgerStore, hours: Hours, grouping: Grouping) -> Iterator[tuple[DrawnSum, bool]]:
    """What grants paid, and whether somebody had paid for them."""
    granted = store.journal.paid_grants()
    account_id, paid = -1, frozenset[str]()
    for drawn_by, sums in groupby(store.sums.drawn(*hours, grouping), attrgetter("account_id")):
        # both are sorted by account, so only the grants of one are in memory
        while account_id < drawn_by:
            account_id, paid = next(granted, (drawn_by, frozenset()))
        own = paid if account_id == drawn_by else frozenset[str]()
        for drawn in sums:
            is_of_plan = drawn.granted.startswith(f"{PLAN_PROVIDER}:")
            yield drawn, not is_of_plan and drawn.granted in own


def _years(hours: Hours) -> Iterator[Hours]:
    """The parts of some hours by year."""
    first = hours.first
    while first < hours.end:
        year = hour_start(first).year
        end = min(hours.end, hour_of(hour_start(first).replace(year=year + 1, month=1, day=1)))
        yield Hours(first, end)
        first = end
