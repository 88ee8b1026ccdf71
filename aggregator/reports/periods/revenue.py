"""What was earned in a period: usage that customers paid for, and fees of plans.

    revenue = billed cost - what promotional grants paid of it + fees of plans

The credit of a plan is promotional, because its fee is revenue already. Grants of version 1 and
adjustments lie in the pool, which does not know them apart from payments: what they pay is revenue
here. A fee counts at the time of its line, a charge in its hour.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Literal

from aggregator.reports.basis import stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.report import Column, Report, added_to
from aggregator.reports.periods.usage import day_text
from aggregator.store.questions.sums import DrawnSum, Grouping
from aggregator.store.store import LedgerStore
from gitmeter.money.plans.periods import terms_of
from gitmeter.money.plans.timeline import PLAN_PROVIDER
from wire_format.instants import DAY_HOURS, hour_of

RevenueBy = Literal["resource", "plan", "month", "user"]

USAGE: Final = "(usage)"
"""The row of usage where revenue is by plan."""
FEES: Final = "(plan fees)"
"""The row of fees where revenue is by resource."""

_COLUMNS: Final = (
    Column("list_cost", "list cost", is_spare=True),
    Column("discount", "discount", is_spare=True),
    Column("billed_cost", "billed"),
    Column("promotional", "promotional"),
    Column("fees", "plan fees"),
    Column("revenue", "revenue"),
)


@dataclass(slots=True)
class RevenueTally:
    """What was earned, in nano-dollars.

    Attributes:
        list_nano, billed_nano: what usage costs, and with the discount.
        promotional_nano: what promotional grants and credits of plans paid of that.
        fees_nano: fees of plans.
    """

    list_nano: int = 0
    billed_nano: int = 0
    promotional_nano: int = 0
    fees_nano: int = 0

    def add(self, other: "RevenueTally") -> None:
        """Add what was earned elsewhere."""
        self.list_nano += other.list_nano
        self.billed_nano += other.billed_nano
        self.promotional_nano += other.promotional_nano
        self.fees_nano += other.fees_nano

    @property
    def revenue_nano(self) -> int:
        """What was earned."""
        return self.billed_nano - self.promotional_nano + self.fees_nano


def revenue_report(store: LedgerStore, period: Period, by: RevenueBy) -> Report:
    """Add up what was earned in a period, inside the caller's view."""
    total: list[Any] = [None, *([0] * len(_COLUMNS))]
    return Report(
        {**period.answer(), "by": by, **stands_on(store)},
        (Column(by, by, "text"), *_COLUMNS),
        added_to(total, _rows(store, period, by), len(_COLUMNS)),
        total,
    )


def _rows(store: LedgerStore, period: Period, by: RevenueBy) -> Iterator[tuple[Any, ...]]:
    """Revenue by what is kept apart; of usage one row is in memory at a time."""
    beside = sorted(_beside(store, period, by).items(), key=itemgetter(0))
    rows = merge(_usage(store, period, by), beside, key=itemgetter(0))
    for key, tallies in groupby(rows, itemgetter(0)):
        tally = RevenueTally()
        for _, each in tallies:
            tally.add(each)
        yield key, *_values(tally)


def _usage(store: LedgerStore, period: Period, by: RevenueBy) -> Iterator[tuple[str, RevenueTally]]:
    for used in store.sums.usage(period.first_hour, period.end_hour, _grouping(by)):
        month = _month(used.day or 0)
        keys = {"resource": used.resource, "plan": USAGE, "month": month, "user": used.user}
        yield keys[by], RevenueTally(list_nano=used.list_nano, billed_nano=used.billed_nano)


def _beside(store: LedgerStore, period: Period, by: RevenueBy) -> dict[str, RevenueTally]:
    """What promotional grants paid, and fees: only accounts with grants and plans have any."""
    found: dict[int | str, RevenueTally] = defaultdict(RevenueTally)
    resources = store.sums.resources()
    for drawn in _promotional(store, period, by):
        keys: dict[RevenueBy, int | str] = {
            "resource": resources.get(drawn.resource_id, ""),
            "plan": USAGE,
            "month": _month(drawn.day or 0),
            "user": drawn.account_id,
        }
        found[keys[by]].promotional_nano += drawn.nano
    for account_id, plan, hour, fee_nano in _fees(store, period):
        keys = {
            "resource": FEES,
            "plan": plan,
            "month": _month(hour // DAY_HOURS),
            "user": account_id,
        }
        found[keys[by]].fees_nano += fee_nano
    users = store.sums.users_of(key for key in found if isinstance(key, int))
    return {users[key] if isinstance(key, int) else key: own for key, own in found.items()}


def _promotional(store: LedgerStore, period: Period, by: RevenueBy) -> Iterator[DrawnSum]:
    """What grants paid that nobody had paid for."""
    paid: set[tuple[int, str]] | None = None
    for drawn in store.sums.drawn(period.first_hour, period.end_hour, _grouping(by)):
        if not drawn.granted.startswith(f"{PLAN_PROVIDER}:"):
            paid = store.sums.paid_grants() if paid is None else paid
            if (drawn.account_id, drawn.granted) in paid:
                continue
        yield drawn


def _fees(store: LedgerStore, period: Period) -> Iterator[tuple[int, str, int, int]]:
    """Account, plan, hour and fee of each line that counts and costs something."""
    for account_id, _, lines in store.sums.plan_lines():
        for line in lines:
            hour, terms = hour_of(line.ts), terms_of(line)
            if terms.fee_nano and period.first_hour <= hour < period.end_hour:
                yield account_id, terms.plan, hour, terms.fee_nano


def _grouping(by: RevenueBy) -> Grouping:
    return Grouping(by_account=by == "user", by_resource=by == "resource", by_month=by == "month")


def _month(day: int) -> str:
    return day_text(day)[: len("2026-10")]


def _values(tally: RevenueTally) -> tuple[Any, ...]:
    return (
        *(tally.list_nano, tally.list_nano - tally.billed_nano, tally.billed_nano),
        *(tally.promotional_nano, tally.fees_nano, tally.revenue_nano),
    )
