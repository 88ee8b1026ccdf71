"""The balance that counts for automatic payments: without what was taken too lately to be trusted.

Whoever steals the key of a node, a desk or the portal could bill an account, or buy a plan for it,
only to have its card charged. So for some hours that leaves the balance as it was, and a person can
look. What is left out is rather more than less, so the balance is never too low:

- from the first hour on of which a node that is new to the account wrote usage, all usage, whoever
  wrote it: it also moves what others' usage costs, in later hours of a price's window, of a plan's
  cycle and of a grant. How long a node is known is told by this ledger's own clock, because its
  commits have whatever date their writer likes;
- the fees of plans, and adjustments by desks that take, by the later of their own time and that of
  their commit.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from aggregator.balances.funds import CurrentFunds
from aggregator.store.questions.reports import Row
from aggregator.store.questions.sums import Grouping
from aggregator.store.questions.topups import FeeLine, TopupLine
from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import credited_nano
from gitmeter.money.granted import EVER_HOUR
from gitmeter.money.rivals import MoneyState
from wire_format.instants import HOUR_US, to_us
from wire_format.money import parse_nano

SETTLE_H: Final = 2
"""For how many hours, unless something else is configured."""

_AS_ONE: Final = Grouping(by_resource=False)


class Settling:
    """Tells the balances that count at an instant.

    Args:
        store: the ledger, in a view.
        now: the instant.
        settle_h: for how many hours what was taken is left out.
    """

    def __init__(self, store: LedgerStore, now: datetime, settle_h: int = SETTLE_H) -> None:
        self._store = store
        self._current = CurrentFunds(store, now)
        self._since_s = int((now - timedelta(hours=settle_h)).timestamp())
        self._since_us = to_us(now) - settle_h * HOUR_US

    def balance_nano(self, row: Row, lines: Iterable[TopupLine]) -> int:
        """The balance of an account that counts, in nano-dollars.

        Args:
            row: the account, as `store.reports` has it.
            lines: its lines about money.
        """
        taken_nano = self._fees_nano(row) + self._adjusted_nano(lines)
        return self._current.of(row).balance_nano + taken_nano + self._new_nano(row["id"])

    def _new_nano(self, account_id: int) -> int:
        first_hour = self._store.account_nodes.first_hour_of_new(account_id, self._since_s)
        if first_hour is None:
            return 0
        used = self._store.sums.usage(first_hour, EVER_HOUR, _AS_ONE, account_id)
        return sum(each.billed_nano for each in used)

    def _fees_nano(self, row: Row) -> int:
        if row["plans"] is None:
            return 0
        return fees_since_nano(self._store.topups.fees(row["id"]), self._since_us)

    def _adjusted_nano(self, lines: Iterable[TopupLine]) -> int:
        return adjusted_since_nano(lines, self._since_us)


def fees_since_nano(lines: Iterable[FeeLine], since_us: int) -> int:
    """What plan lines cost that were stated or committed after an instant, in nano-dollars."""
    return sum(
        parse_nano(record.fee_usd)
        for record, committed_us in lines
        if record.fee_usd is not None and max(to_us(record.ts), committed_us) > since_us
    )


def adjusted_since_nano(lines: Iterable[TopupLine], since_us: int) -> int:
    """What desks took by adjustments that were stated or committed after an instant."""
    return sum(
        max(0, -credited_nano(line.record))
        for line in lines
        if line.record.kind == "adjustment"
        and line.state == MoneyState.COUNTED
        and not line.is_of_books
        and max(to_us(line.record.ts), line.committed_us) > since_us
    )
