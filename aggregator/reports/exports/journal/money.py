"""What lines of money move: an entry for each line that changes what a customer has.

Nearly every line adds what it states. Only where something was taken from a payment the lines of
its account are judged again, because refunds and disputes take no more than there is.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from aggregator.reports.exports.journal import accounts
from aggregator.reports.exports.journal.accounts import cash
from aggregator.reports.exports.journal.entries import EntryKind, JournalEntry, Postings
from aggregator.reports.exports.journal.names import text_part
from aggregator.reports.exports.journal.sorting import SortedLines
from aggregator.reports.statements.money import PoolChange, pool_changes
from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import credited_nano
from gitmeter.money.pool import is_pooled
from gitmeter.support.printout import chunks
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.instants import DAY_US, to_us

_OTHER_SIDES: Final = {"grant": accounts.GIVEN, "adjustment": accounts.ADJUSTED}
_DIGITS: Final = 19


class MoneyMove(NamedTuple):
    """What a line changes in the pool of its account. All are texts, which sort by time.

    Attributes:
        at_us: when, microseconds since 1970, with all digits.
        node, seq: its key.
        kind, provider, reference: what it states; no reference is empty.
        user: the account, of a refund that of its payment.
        paid: amount and currency, where that is not USD.
        nano: the change, in nano-dollars.
    """

    at_us: str
    node: str
    seq: str
    kind: str
    provider: str
    reference: str
    user: str
    paid: str
    nano: str

    @property
    def other_side(self) -> str:
        """The account that has the other side of the change."""
        return _OTHER_SIDES.get(self.kind) or cash(self.provider)

    def move_in(self, postings: Postings) -> None:
        """Add it to what accounts have."""
        postings.move(self.other_side, accounts.PREPAID, int(self.nano))

    def entry(self) -> JournalEntry:
        """An entry of its own, which names the line."""
        postings = Postings()
        self.move_in(postings)
        words = f"{self.kind.replace('_', ' ')} of {text_part(self.user)}"
        comment = ", ".join(filter(None, (f"{self.node} {int(self.seq)}", self.paid)))
        day = int(self.at_us) // DAY_US
        return JournalEntry(day, EntryKind.MONEY, words, postings.listed(), self.reference, comment)


def money_entries(
    store: LedgerStore, from_us: int, until_us: int, before: Postings
) -> Iterator[JournalEntry]:
    """An entry for each line dated in a period that changes a pool, inside the caller's view.

    Args:
        store: the ledger.
        from_us: the first instant, microseconds since 1970.
        until_us: the instant before which lines are dated.
        before: gets what earlier lines moved, before this returns.

    Returns:
        the entries by the time of their lines.
    """
    told = SortedLines()
    for move in _moves(store, until_us):
        if int(move.at_us) < from_us:
            move.move_in(before)
        else:
            told.add("\t".join(move))
    return (MoneyMove(*line.split("\t")).entry() for line in told)


def _moves(store: LedgerStore, until_us: int) -> Iterator[MoneyMove]:
    """What lines change, account by account and then line by line."""
    taken_from = _users_taken_from(store)
    for user in taken_from:
        for change in pool_changes(store, user, 0, until_us):
            yield _move(change, user)
    for record in store.journal.counted_money(until_us):
        if record.user not in taken_from and (record.kind == "payment" or is_pooled(record)):
            nano = credited_nano(record)
            if nano:
                yield _move(PoolChange(record, to_us(record.ts), nano), record.user)


def _users_taken_from(store: LedgerStore) -> set[str]:
    """The users who have a payment of which something was taken, and perhaps others."""
    found: set[str] = set()
    for records in chunks(store.journal.counted_takes()):
        found |= {record.user for record in records if record.user}
        found |= store.money.users_tied_to(records)
    return found


def _move(change: PoolChange, user: str) -> MoneyMove:
    record = change.record
    is_default = record.currency == CURRENCY_DEFAULT
    return MoneyMove(
        f"{change.at_us:0{_DIGITS}d}",
        record.node,
        f"{record.seq:0{_DIGITS}d}",
        record.kind,
        record.provider,
        record.external_ref or "",
        user,
        "" if is_default else f"{record.amount} {record.currency}",
        str(change.nano),
    )
