"""What was used in a period, and what it costs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from aggregator.reports.accounts import account_row
from aggregator.reports.basis import stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.report import Column, Report
from aggregator.store.questions.sums import Grouping, UsageSum
from aggregator.store.store import LedgerStore

By = Literal["day", "month", "user", "resource"]
BY: Final[tuple[By, ...]] = ("day", "month", "user", "resource")
"""What usage can be added up by, in the order of the columns."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class UsageTally:
    """Usage added up.

    Attributes:
        quantity, included: units, and those among them that plans include; of one resource.
        records, charges, unrated: lines, charges, and the charges that are not rated in full.
        list_nano, billed_nano, drawn_nano: what it costs, with the discount, and what grants paid.
    """

    quantity: int = 0
    included: int = 0
    records: int = 0
    charges: int = 0
    unrated: int = 0
    list_nano: int = 0
    billed_nano: int = 0
    drawn_nano: int = 0

    def add(self, found: UsageSum) -> None:
        """Add charges."""
        self.quantity += found.quantity
        self.records += found.records
        self.charges += found.charges
        self.unrated += found.unrated
        self.list_nano += found.list_nano
        self.billed_nano += found.billed_nano


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
    tallies, total = _tallies(store, period, kept, account_id)
    is_by_resource = "resource" in kept
    columns = (
        *(Column(name, name, "text") for name in kept),
        *(_UNITS if is_by_resource else ()),
        *(*_COUNTS, *_COSTS),
    )
    # units of different resources have no sum
    nothing = [None] * len(_UNITS) if is_by_resource else []
    return Report(
        {"user": user, **period.answer(), "by": kept, **stands_on(store, account_id)},
        columns,
        ((*key, *_values(tallies[key], with_units=is_by_resource)) for key in sorted(tallies)),
        (*([None] * len(kept)), *nothing, *_values(total, with_units=False)),
    )


def _tallies(
    store: LedgerStore, period: Period, kept: Sequence[By], account_id: int | None
) -> tuple[Mapping[tuple[str, ...], UsageTally], UsageTally]:
    """Usage by what is kept apart, and all of it."""
    hours = period.first_hour, period.end_hour
    grouping = Grouping("user" in kept, bool({"day", "month"} & {*kept}), "resource" in kept)
    key_of = _keys(store, kept)
    found: dict[tuple[str, ...], UsageTally] = defaultdict(UsageTally)
    total = UsageTally()
    for used in store.sums.usage(*hours, grouping, account_id):
        for tally in (found[key_of(used.account_id, used.day, used.resource_id)], total):
            tally.add(used)
    if grouping.by_resource:
        for included in store.sums.included(*hours, grouping, account_id):
            found[key_of(*included[:3])].included += included.included
    for drawn in store.sums.drawn(*hours, grouping, account_id):
        for tally in (found[key_of(drawn.account_id, drawn.day, drawn.resource_id)], total):
            tally.drawn_nano += drawn.nano
    return found, total


def _keys(
    store: LedgerStore, kept: Sequence[By]
) -> Callable[[int | None, int | None, int], tuple[str, ...]]:
    """The texts of what sums are kept apart by."""
    resources = store.sums.resources() if "resource" in kept else {}
    users = store.sums.users() if "user" in kept else {}

    def key_of(account_id: int | None, day: int | None, resource_id: int) -> tuple[str, ...]:
        date = "" if day is None else day_text(day)
        texts = {
            "day": date,
            "month": date[: len("2026-10")],
            "user": users.get(account_id or 0, ""),
            "resource": resources.get(resource_id, ""),
        }
        return tuple(texts[each] for each in kept)

    return key_of


def day_text(day: int) -> str:
    """A day since 1970 as `2026-10-31`."""
    return f"{_EPOCH + timedelta(days=day):%Y-%m-%d}"


def _values(tally: UsageTally, *, with_units: bool) -> Iterator[Any]:
    if with_units:
        yield from (tally.quantity, tally.included)
    yield from (tally.records, tally.charges, tally.unrated)
    yield from (tally.list_nano, tally.list_nano - tally.billed_nano, tally.billed_nano)
    yield from (tally.drawn_nano, tally.billed_nano - tally.drawn_nano)
