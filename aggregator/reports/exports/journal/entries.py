"""What moves between accounts, and what an entry of a journal is. Pure.

Money moves into one account out of another, so that an entry balances however it is put together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final, Literal, NamedTuple

from aggregator.rating.windows import month_of
from aggregator.reports.exports.journal.accounts import in_order
from aggregator.reports.periods.period import Period
from wire_format.instants import DAY_HOURS

EntriesBy = Literal["day", "month"]
"""What becomes one entry of usage, fees and grants."""


class EntryKind(IntEnum):
    """What an entry is about; of one day they are in this order."""

    OPENING = 0
    MONEY = 1
    FEES = 2
    BEGUN = 3
    USAGE = 4
    ENDED = 5
    VOIDED = 6
    CLOSING = 7


DESCRIPTIONS: Final[Mapping[EntryKind, str]] = {
    EntryKind.OPENING: "opening balances",
    EntryKind.FEES: "fees of plans",
    EntryKind.BEGUN: "grants begin",
    EntryKind.USAGE: "usage",
    EntryKind.ENDED: "grants end",
    EntryKind.VOIDED: "grants are void",
    EntryKind.CLOSING: "closing balances",
}


class AccountMove(NamedTuple):
    """What one account gets out of another.

    Attributes:
        hour: when, clock hours since 1970.
        kind: what it is about.
        into, out_of: the accounts: the one that is debited, and the one that is credited.
        nano: nano-dollars; below zero the other way round.
    """

    hour: int
    kind: EntryKind
    into: str
    out_of: str
    nano: int


class Postings(defaultdict[str, int]):
    """What accounts have, in nano-dollars: debits above zero, credits below. The sum is 0."""

    def __init__(self) -> None:
        super().__init__(int)

    def move(self, into: str, out_of: str, nano: int) -> None:
        """Move an amount into one account out of another."""
        self[into] += nano
        self[out_of] -= nano

    def add(self, other: Mapping[str, int]) -> None:
        """Add what accounts have elsewhere."""
        for account, nano in other.items():
            self[account] += nano

    def listed(self) -> tuple[tuple[str, int], ...]:
        """The accounts that have anything, in the order of the chart."""
        return tuple((name, self[name]) for name in sorted(self, key=in_order) if self[name])


class JournalEntry(NamedTuple):
    """An entry of a journal, which hledger calls a transaction.

    Attributes:
        day: its date, days since 1970.
        kind: what it is about.
        description: in words.
        postings: accounts and nano-dollars; the sum is 0.
        code: the reference of a movement of money; empty without one.
        comment: what else there is to say; empty for nothing.
        closing: balances that are to be the result, in nano-dollars.
    """

    day: int
    kind: EntryKind
    description: str
    postings: tuple[tuple[str, int], ...]
    code: str = ""
    comment: str = ""
    closing: Mapping[str, int] = {}


class Dating:
    """Tells under which date something is entered.

    Args:
        period: the time that the journal is about.
        by: what becomes one entry.

    Attributes:
        first_day, last_day: of the period, days since 1970.
    """

    def __init__(self, period: Period, by: EntriesBy) -> None:
        self.first_day = period.first_hour // DAY_HOURS
        self.last_day = (period.end_hour - 1) // DAY_HOURS
        self._is_by_month = by == "month"

    def day(self, day: int) -> int:
        """The date of what is of a day: that day, or the last one of its month in the period."""
        if not self._is_by_month:
            return day
        return min(month_of(day).end // DAY_HOURS - 1, self.last_day)


def entries_of(day: int, kind: EntryKind, postings: Postings) -> Iterator[JournalEntry]:
    """The entry of what moved; none where nothing did."""
    if listed := postings.listed():
        yield JournalEntry(day, kind, DESCRIPTIONS[kind], listed)
