"""What each line of money changed in the pool of an account."""

from collections import defaultdict
from typing import NamedTuple

from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import credited_nano
from gitmeter.money.pool import Payment, is_pooled, payments_of
from gitmeter.money.rivals import MoneyState, judge
from wire_format.instants import to_us
from wire_format.lines import Money


class PoolChange(NamedTuple):
    """A line that changed what is in the pool.

    Attributes:
        record: the line; a refund may name another user than the payment's.
        nano: the change, in nano-dollars.
    """

    record: Money
    nano: int


def pool_changes(store: LedgerStore, user: str, from_us: int, until_us: int) -> list[PoolChange]:
    """What lines dated in a period changed in the pool of a user, by time.

    Together they are the difference of the pools at both ends, as `aggregator.balances.earlier` has
    them: a refund takes no more than its payment has left then. Lines of one instant about one
    payment are one change.

    Args:
        store: the ledger.
        user: the account.
        from_us: the first instant, microseconds since 1970.
        until_us: the instant before which lines are dated.
    """
    judged = judge(store.money.entries({user}, ()).values())
    payments = payments_of(judged)
    changes: list[PoolChange] = []
    about: dict[Money, dict[int, Money]] = defaultdict(dict)
    for line in judged:
        record, at_us = line.record, to_us(line.record.ts)
        if line.state is not MoneyState.COUNTED or not from_us <= at_us < until_us:
            continue
        if is_pooled(record) and record.user == user:
            changes.append(PoolChange(record, credited_nano(record)))
        elif record in payments:
            about[record][at_us] = record
        elif line.payment is not None:
            about[line.payment].setdefault(at_us, record)
    for paid, records in about.items():
        if paid.user == user:
            for at_us, record in records.items():
                change = _left_nano(payments[paid], at_us + 1) - _left_nano(payments[paid], at_us)
                changes.append(PoolChange(record, change))
    return sorted((each for each in changes if each.nano), key=_in_time)


def _left_nano(payment: Payment, before_us: int) -> int:
    """What was left of a payment before an instant; nothing before its own."""
    return payment.left_nano(before_us) if payment.at_us < before_us else 0


def _in_time(change: PoolChange) -> tuple[object, ...]:
    record = change.record
    return record.ts, record.node, record.seq, record.kind
