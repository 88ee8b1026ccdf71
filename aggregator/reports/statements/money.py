"""What each line of money changed in the pool of an account."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
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
        at_us: when it changed it, microseconds since 1970: at its own time, but what is taken from
            a payment not before that.
        nano: the change, in nano-dollars.
    """

    record: Money
    at_us: int
    nano: int


def pool_changes(store: LedgerStore, user: str, from_us: int, until_us: int) -> list[PoolChange]:
    """What lines changed in the pool of a user in a period, by time.

    Together they are the difference of the pools at both ends, as `aggregator.balances.earlier` has
    them: a refund takes no more than its payment has left then.

    Args:
        store: the ledger.
        user: the account.
        from_us: the first instant, microseconds since 1970.
        until_us: the instant before which the changes are.
    """
    judged = judge(store.money.entries({user}, ()).values())
    changes: list[PoolChange] = []
    taken: dict[Money, list[Money]] = defaultdict(list)
    for line in judged:
        record = line.record
        if line.state is not MoneyState.COUNTED:
            continue
        if line.payment is not None:
            taken[line.payment].append(record)
        elif is_pooled(record) and record.user == user:
            changes.append(PoolChange(record, to_us(record.ts), credited_nano(record)))
    for paid in payments_of(judged):
        if paid.user == user:
            changes += _of_payment(paid, taken[paid])
    found = (each for each in changes if each.nano and from_us <= each.at_us < until_us)
    return sorted(found, key=_in_time)


def _of_payment(paid: Money, taken: Iterable[Money]) -> Iterator[PoolChange]:
    """What a payment and each line that takes from it or gives back to it changed."""
    payment = Payment(paid)
    yield PoolChange(paid, payment.at_us, payment.credit_nano)
    for record in sorted(taken, key=lambda record: (record.ts, record.node, record.seq)):
        before_nano = payment.left_nano()
        payment.take(record)
        at_us = max(payment.at_us, to_us(record.ts))
        yield PoolChange(record, at_us, payment.left_nano() - before_nano)


def _in_time(change: PoolChange) -> tuple[object, ...]:
    """A payment before what is taken from it in the same instant."""
    record = change.record
    return change.at_us, record.of_ref is not None, record.node, record.seq, record.kind
