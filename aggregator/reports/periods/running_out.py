"""Which accounts run out of money soon, at the rate of the last days."""

from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from aggregator.balances.funds import CurrentFunds
from aggregator.balances.used import with_usage
from aggregator.reports.basis import stands_on
from aggregator.reports.periods.report import Column, Report
from aggregator.store.store import LedgerStore
from wire_format.instants import DAY_HOURS, format_hour, hour_of
from wire_format.money import divide_half_even

BURN_DAYS: Final = 7
"""Whole days, the last ones before today, of which the mean is the rate."""

_DAYS_MAX: Final = 3650
_COLUMNS: Final = (
    Column("user", "user", "text"),
    Column("balance", "balance"),
    Column("burn_day", "a day"),
    Column("days_left", "days left", "number"),
    Column("runs_out_on", "runs out on", "text"),
)


def running_out(store: LedgerStore, now: datetime, days: int) -> Report:
    """Tell which accounts have less than some days left, inside the caller's view.

    Args:
        store: the ledger.
        now: the time.
        days: the most days that are left; 0 for those that have nothing left.

    Returns:
        Those with the fewest days first. Whole days are told, rounded down; accounts that used
        nothing lately are not among them, whatever they have.
    """
    today = hour_of(now) // DAY_HOURS * DAY_HOURS
    first = today - BURN_DAYS * DAY_HOURS
    current = CurrentFunds(store, now)
    rows: list[tuple[Any, ...]] = []
    for row, used in with_usage(store, first, today):
        burn_nano = 0 if used is None else divide_half_even(used.billed_nano, BURN_DAYS)
        if not burn_nano:
            continue
        balance_nano = current.of(row).balance_nano
        left = max(0, balance_nano // burn_nano)
        if left <= days:
            on = format_hour(today + left * DAY_HOURS)[: len("2026-10-31")]
            rows.append((row["user"], balance_nano, burn_nano, left, on))
    total = (None, *(sum(map(itemgetter(i), rows)) for i in (1, 2)), None, None)
    since = format_hour(first), format_hour(today)
    head = {"days": days, "burn_from": since[0], "burn_until": since[1], **stands_on(store)}
    return Report(head, _COLUMNS, sorted(rows, key=itemgetter(3, 0)), total)


def parse_days(text: str) -> int:
    """Read `7d` or `7`.

    Raises:
        ValueError: for any other text.
    """
    days = int(text.removesuffix("d"))
    if not 0 <= days <= _DAYS_MAX:
        raise ValueError(f"must be 0d to {_DAYS_MAX}d")
    return days
