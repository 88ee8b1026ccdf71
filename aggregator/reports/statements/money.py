"""What each line of money changed in the pool of an account."""

from collections.abc import Sequence
from typing import NamedTuple

from aggregator.store.store import LedgerStore
from gitmeter.money.pool import credit_by
from gitmeter.money.rivals import Judged, judge
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
    """What lines dated in a period changed in the pool of a user, each after those before it.

    Together they are the difference of the pools at both ends, as `aggregator.balances.earlier` has
    them: a refund takes no more than its payment has left then.

    Args:
        store: the ledger.
        user: the account.
        from_us: the first instant, microseconds since 1970.
        until_us: the instant before which lines are dated.
    """
    judged = sorted(judge(store.money.entries({user}, ()).values()), key=_in_time)
    before = [line for line in judged if to_us(line.record.ts) < from_us]
    changes: list[PoolChange] = []
    had_nano = _pool_nano(before, user)
    for line in judged[len(before) :]:
        if to_us(line.record.ts) >= until_us:
            break
        before.append(line)
        has_nano = _pool_nano(before, user)
        if has_nano != had_nano:
            changes.append(PoolChange(line.record, has_nano - had_nano))
        had_nano = has_nano
    return changes


def _pool_nano(lines: Sequence[Judged], user: str) -> int:
    return credit_by(lines, user).credit_nano


def _in_time(line: Judged) -> tuple[object, ...]:
    record = line.record
    return record.ts, record.node, record.seq, record.kind
