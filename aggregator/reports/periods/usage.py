"""What was used in a period, and what it costs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal

from aggregator.reports.accounts import account_row
from aggregator.reports.basis import stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.report import Column, Report, added_to
from aggregator.store.questions.sums import Grouping
from aggregator.store.store import LedgerStore

By = Literal["day", "month", "user", "resource"]
BY: Final[tuple[By, ...]] = ("day", "month", "user", "resource")
"""What usage can be added up by, in the order of the columns."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


_UNITS: Final = (Column("quantity", "units", "number"), Column("included", "included", "number"))
_COUNTS: Final = (
    Column("records", "records", "number", is_spare=True),
    Column("charges", "charges", "number", is_spare=True),
    Column("unrated_charges", "unrated", "number", is_spare=True),
)
_COSTS: Final = (
    Column("list_cost", "list cost"),
    Column("discount", "discount", is_spare=True),
    Column("billed_cost", "billed"),
    Column("drawn", "paid by grants"),
    Column("uncovered", "from the pool"),
)


def usage_report(
    store: LedgerStore, period: Period, by: Sequence[By], user: str | None = None
) -> Report:
    """Add up what was used in a period, inside the caller's view.

    Args:
        store: the ledger.
        period: the time.
        by: what is kept apart; units are added up only where the resource is.
        user: the usage of one account alone.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    account_id = None if user is None else int(account_row(store, user)["id"])
    kept = [each for each in BY if each in by]
    units = _UNITS if "resource" in kept else ()
    sums = (*_COUNTS, *_COSTS)
    # units of different resources have no sum
    total = [*([None] * (len(kept) + len(units))), *([0] * len(sums))]
    return Report(
        {"user": user, **period.answer(), "by": kept, **stands_on(store, account_id)},
        (*(Column(name, name, "text") for name in kept), *units, *sums),
        added_to(total, _rows(store, period, kept, account_id), len(sums)),
        total,
    )


def _rows(
    store: LedgerStore, period: Period, kept: Sequence[By], account_id: int | None
) -> Iterator[Sequence[Any]]:
    """Usage by what is kept apart: millions of rows, of which one is in memory at a time."""
    hours, is_by_resource = (period.first_hour, period.end_hour), "resource" in kept
    grouping = Grouping("user" in kept, "day" in kept, is_by_resource, "month" in kept)
    # these are in memory: of most charges plans include nothing, and grants pay nothing
    included: dict[tuple[int | None, ...], int] = {}
    drawn: dict[tuple[int | None, ...], int] = defaultdict(int)
    if is_by_resource:
        for found in store.sums.included(*hours, grouping, account_id):
            included[found[:3]] = found.included
    for paid in store.sums.drawn(*hours, grouping, account_id):
        drawn[(paid.account_id if grouping.by_account else None, *paid[1:3])] += paid.nano
    for used in store.sums.usage(*hours, grouping, account_id):
        date = "" if used.day is None else day_text(used.day)
        texts = {
            "day": date,
            "month": date[: len("2026-10")],
            "user": used.user,
            "resource": used.resource,
        }
        drawn_nano = drawn.get(used[:3], 0)
        yield (
            *(texts[each] for each in kept),
            *((used.quantity, included.get(used[:3], 0)) if is_by_resource else ()),
            *(used.records, used.charges, used.unrated),
            *(used.list_nano, used.list_nano - used.billed_nano, used.billed_nano),
            *(drawn_nano, used.billed_nano - drawn_nano),
        )


@lru_cache
def day_text(day: int) -> str:
    """A day since 1970 as `2026-10-31`."""
    return f"{_EPOCH + timedelta(days=day):%Y-%m-%d}"
