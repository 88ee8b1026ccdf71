"""Accounts, each with what it used in some hours: both are read row by row, in the same order."""

from collections.abc import Iterator

from aggregator.store.questions.reports import Row
from aggregator.store.questions.sums import Grouping, UsageSum
from aggregator.store.store import LedgerStore


def with_usage(
    store: LedgerStore, first_hour: int, end_hour: int
) -> Iterator[tuple[Row, UsageSum | None]]:
    """Every account with what it used from one clock hour on and before another, sorted by user.

    Without usage there is None.
    """
    sums = store.sums.usage(first_hour, end_hour, Grouping(by_account=True, by_resource=False))
    used = next(sums, None)
    for row in store.reports.accounts():
        if used is not None and used.account_id == row["id"]:
            yield row, used
            used = next(sums, None)
        else:
            yield row, None
