"""The ledger that the reports are about: made through git, as any other, and checked.

It ends on the day on which it is made, because some reports are about the last days.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple

from aggregator.cli.context import now as clock
from aggregator.reports import accounts
from aggregator.reports.periods.liability import liability_report
from aggregator.reports.periods.period import parse_period
from aggregator.reports.periods.usage import usage_report
from aggregator.store.store import LedgerStore, open_for_reading
from benchmarks.data import Resource
from benchmarks.ingest import pull, show_progress
from benchmarks.place import BOOKS, NODE, Place, provide
from benchmarks.reports.books import Sums, books_commits
from benchmarks.reports.usage import RESOURCES, Size, usage_commits
from wire_format.money import parse_nano

_CHECKED: Final = "checked"
_AGE_MAX: Final = timedelta(days=6)


class BenchLedger(NamedTuple):
    """A ledger of some size.

    Attributes:
        size: its size.
        end: the hour after the last one with usage: midnight.
        place: where it is.
    """

    size: Size
    end: datetime
    place: Place

    @property
    def start(self) -> datetime:
        """The first hour with usage."""
        return self.end - timedelta(days=self.size.days)

    @property
    def middle(self) -> datetime:
        """Midnight in the middle of its time."""
        return self.start + timedelta(days=self.size.days // 2)


def provide_ledger(folder: Path, size: Size) -> BenchLedger:
    """Make the ledger, unless the folder has it already.

    Raises:
        RuntimeError: it is not what its lines say, or it was made too long ago.
    """
    name = f"{size.accounts}-accounts-{size.charges}-charges-until-"
    kept = next(iter(folder.glob(f"{name}*")), folder / f"{name}{clock():%Y-%m-%d}")
    end = datetime.fromisoformat(kept.name.removeprefix(name)).replace(tzinfo=UTC)
    if clock() - end > _AGE_MAX:
        raise RuntimeError(f"{kept} has no usage of the last days: remove it")
    ledger = BenchLedger(size, end, Place(kept))
    if not (kept / _CHECKED).exists():
        rmtree(kept, ignore_errors=True)  # what an earlier run did not finish
        _make(ledger)
        (kept / _CHECKED).touch()
    return ledger


def _make(ledger: BenchLedger) -> None:
    size, start = ledger.size, ledger.start
    units, sums = Counter[str](), Sums()
    show_progress("data")
    provide(
        ledger.place.folder,
        str(size),
        {BOOKS: books_commits(size, start, sums), NODE: usage_commits(size, start, units)},
    )
    show_progress("pulling")
    pulled = pull(ledger.place, size.charges)
    show_progress(
        f"pulled in {pulled['cpu_s']:.0f} s CPU, {pulled['memory_peak_bytes'] / 1e6:.0f} MB"
    )
    with open_for_reading(ledger.place.config().database_path) as store:
        check(store, size, units, sums)


def check(store: LedgerStore, size: Size, units: Counter[str], sums: Sums) -> None:
    """Check that a ledger is what its lines say, and that its reports agree.

    Args:
        store: the ledger.
        size: its size.
        units: what was used of each resource.
        sums: what the lines of the books come to.

    Raises:
        RuntimeError: something differs.
    """
    now = clock()
    with store.view():
        report = usage_report(store, parse_period("all", now), ["resource"])
        names = [column.name for column in report.columns]
        rows = [dict(zip(names, row, strict=True)) for row in report.rows]
        charges = sum(row["charges"] for row in rows)
        balances = [*accounts.balances(store, now)]
        owed = liability_report(store, now)
        owed_nano = owed.total[-1] + owed.head["beside"][0]["amount_nano"]
    pool_nano = sum(each["credit_nano"] for each in balances)
    prices = {resource.name: _nano_a_unit(resource) for resource in RESOURCES}
    for what, found, wanted in (
        ("accounts", len(balances), size.accounts),
        ("charges", charges, size.charges),
        ("units", {row["resource"]: row["quantity"] for row in rows}, units),
        (
            "list costs",
            [row["list_cost"] for row in rows],
            [(row["quantity"] - row["included"]) * prices[row["resource"]] for row in rows],
        ),
        ("what is in the pools", pool_nano, sums.pool_nano),
        ("balances", sum(each["balance_nano"] for each in balances), owed_nano),
    ):
        if found != wanted:
            raise RuntimeError(f"{what}: {found}, and not {wanted}")


def _nano_a_unit(resource: Resource) -> int:
    return parse_nano(resource.usd) // resource.per
