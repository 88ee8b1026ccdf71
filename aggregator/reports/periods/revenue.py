"""What was earned in a period: usage that customers paid for, and fees of plans.

    revenue = billed cost - what promotional grants paid of it + fees of plans

The credit of a plan is promotional, because its fee is revenue already. Grants of version 1 and
adjustments lie in the pool, which does not know them apart from payments: what they pay is revenue
here. A fee counts at the time of its line, a charge in its hour.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from aggregator.reports.basis import stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.periods.usage import day_text
from aggregator.store.questions.sums import Grouping
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

KeyOf = Callable[[int, int | None, str], str]
"""From an account, a day since 1970 and a resource or plan to the row."""


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
    tallies: dict[str, RevenueTally] = defaultdict(RevenueTally)
    users = store.sums.users() if by == "user" else {}
    _add_usage(store, period, by, users, tallies)
    for account_id, plan, hour, fee_nano in _fees(store, period):
        keys = {
            "resource": FEES,
            "plan": plan,
            "month": _month(hour // DAY_HOURS),
            "user": users.get(account_id, ""),
        }
        tallies[keys[by]].fees_nano += fee_nano
    total = RevenueTally()
    for tally in tallies.values():
        total.add(tally)
    return Report(
        {**period.answer(), "by": by, **stands_on(store)},
        (Column(by, by, "text"), *_COLUMNS),
        ((key, *_values(tallies[key])) for key in sorted(tallies)),
        (None, *_values(total)),
    )


def _add_usage(
    store: LedgerStore,
    period: Period,
    by: RevenueBy,
    users: Mapping[int, str],
    tallies: dict[str, RevenueTally],
) -> None:
    hours = period.first_hour, period.end_hour
    grouping = Grouping(by == "user", by == "month", by == "resource")
    resources = store.sums.resources()

    def row_of(account_id: int | None, day: int | None, resource_id: int) -> RevenueTally:
        keys = {
            "resource": resources.get(resource_id, ""),
            "plan": USAGE,
            "month": _month(day or 0),
            "user": users.get(account_id or 0, ""),
        }
        return tallies[keys[by]]

    for used in store.sums.usage(*hours, grouping):
        row = row_of(used.account_id, used.day, used.resource_id)
        row.list_nano += used.list_nano
        row.billed_nano += used.billed_nano
    paid: set[tuple[int, str]] | None = None
    for drawn in store.sums.drawn(*hours, grouping):
        if not drawn.granted.startswith(f"{PLAN_PROVIDER}:"):
            paid = store.sums.paid_grants() if paid is None else paid
            if (drawn.account_id, drawn.granted) in paid:
                continue
        row = row_of(drawn.account_id, drawn.day, drawn.resource_id)
        row.promotional_nano += drawn.nano


def _fees(store: LedgerStore, period: Period) -> Iterator[tuple[int, str, int, int]]:
    """Account, plan, hour and fee of each line that counts and costs something."""
    for account_id, lines in store.sums.plan_lines():
        for line in lines:
            hour, terms = hour_of(line.ts), terms_of(line)
            if terms.fee_nano and period.first_hour <= hour < period.end_hour:
                yield account_id, terms.plan, hour, terms.fee_nano


def _month(day: int) -> str:
    return day_text(day)[: len("2026-10")]


def _values(tally: RevenueTally) -> tuple[Any, ...]:
    return (
        *(tally.list_nano, tally.list_nano - tally.billed_nano, tally.billed_nano),
        *(tally.promotional_nano, tally.fees_nano, tally.revenue_nano),
    )
