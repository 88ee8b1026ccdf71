"""The entries of a period, from its opening to its closing balances.

What moved before the period is added up by the same rules as what moved in it, so the closing
balances of one period are the opening ones of the next.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge
from operator import attrgetter
from typing import Final

from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.exports.journal import accounts
from aggregator.reports.exports.journal.accounts import carried_as
from aggregator.reports.exports.journal.entries import (
    DESCRIPTIONS,
    AccountMove,
    Dating,
    EntriesBy,
    EntryKind,
    JournalEntry,
    Postings,
    entries_of,
)
from aggregator.reports.exports.journal.money import money_entries
from aggregator.reports.exports.journal.terms import term_moves
from aggregator.reports.exports.journal.usage import usage_before, usage_of_dates
from aggregator.reports.periods.period import Period
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import Hours
from wire_format.instants import DAY_HOURS, HOUR_US

_ASSERTED: Final = (accounts.PREPAID, accounts.PAID, accounts.PROMOTIONAL)
"""The balances that are stated in the end, which the ledger alone changes."""


def journal_entries(store: LedgerStore, period: Period, by: EntriesBy) -> Iterator[JournalEntry]:
    """Yield the entries of a period by date, inside the caller's view.

    Args:
        store: the ledger.
        period: the time, of an hour at least.
        by: what becomes one entry of usage, fees and grants; a line of money always does.
    """
    hours, dating, before = Hours(*period[1:]), Dating(period, by), Postings()
    terms = _of_terms(term_moves(store, period), hours, dating, before)
    money = money_entries(store, hours.first * HOUR_US, hours.end * HOUR_US, before)
    before.add(usage_before(store, hours.first))
    usage = (
        entry
        for day, postings in usage_of_dates(store, hours, dating.day)
        for entry in entries_of(day, EntryKind.USAGE, postings)
    )
    closing = Postings()
    opening = entries_of(dating.first_day, EntryKind.OPENING, opened(before))
    for entry in merge(opening, terms, money, usage, key=attrgetter("day", "kind")):
        closing.add(dict(entry.postings))
        yield entry
    yield from _closing(dating.last_day, closing)


def journal_head(store: LedgerStore, asked: Period, end_hour: int, made_from: Answer) -> Answer:
    """Return what a journal is about and what it is made from, inside the caller's view.

    Args:
        store: the ledger.
        asked: the period that was asked for.
        end_hour: the clock hour before which it is told.
        made_from: the commits and the digest, as `proof.past.made_from` returns them.

    Returns:
        `Period.answer` of what is told, `is_over`: whether that is all of it, `made_from`, and what
        `basis.stands_on` returns.
    """
    return {
        **asked.until(end_hour).answer(),
        "is_over": asked.end_hour <= end_hour,
        **stands_on(store),
        "made_from": made_from,
    }


def opened(before: Postings) -> Postings:
    """What accounts have at the beginning of a period, by all that moved before it."""
    found = Postings()
    for account, nano in before.items():
        carried = carried_as(account)
        if carried is not None:
            found.move(carried, accounts.OPENING, nano)
    return found


def _of_terms(
    moves: Iterable[AccountMove], hours: Hours, dating: Dating, before: Postings
) -> list[JournalEntry]:
    """The entries of fees and grants in some hours; `before` gets what moved earlier."""
    found: dict[tuple[int, EntryKind], Postings] = defaultdict(Postings)
    for move in moves:
        if move.hour < hours.first:
            before.move(*move[2:])
        elif move.hour < hours.end:
            found[dating.day(move.hour // DAY_HOURS), move.kind].move(*move[2:])
    return [each for key in sorted(found) for each in entries_of(*key, found[key])]


def _closing(day: int, balances: Postings) -> Iterator[JournalEntry]:
    """What is owed in the end, which hledger compares with what is entered."""
    stated = {account: balances[account] for account in _ASSERTED if account in balances}
    if stated:
        nothing = tuple((account, 0) for account in stated)
        yield JournalEntry(
            day, EntryKind.CLOSING, DESCRIPTIONS[EntryKind.CLOSING], nothing, closing=stated
        )
