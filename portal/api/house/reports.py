"""The house as a whole: revenue, what is owed, whose money runs out, and the fleet."""

from collections.abc import Sequence
from typing import Any, Final

from aggregator.reports import repos
from aggregator.reports.periods.liability import liability_report
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.periods.revenue import revenue_report
from aggregator.reports.periods.running_out import running_out as running_out_report
from portal.api.house.feed import period_of
from portal.api.models.staff import FoundList, HouseReport, PeriodWanted
from portal.api.request import Asked
from wire_format.money import format_usd

_RUNNING_OUT_DAYS: Final = 14


def revenue(asked: Asked) -> HouseReport:
    """Say what was earned in a period: usage, discounts, what promotional credit paid, and fees."""
    wanted: PeriodWanted = asked.query
    period = period_of(asked, wanted.period)
    return _report(revenue_report(asked.store, period, wanted.by))


def liability(asked: Asked) -> HouseReport:
    """Say what is owed to customers now: paid and promotional credit apart."""
    return _report(liability_report(asked.store, asked.now))


def running_out(asked: Asked) -> HouseReport:
    """List the accounts that have nothing left within 14 days at the rate of the last days."""
    return _report(running_out_report(asked.store, asked.now, _RUNNING_OUT_DAYS))


def incidents(asked: Asked) -> FoundList:
    """List open incidents, each with the commands that end it."""
    return FoundList(found=repos.incidents(asked.store))


def nodes(asked: Asked) -> FoundList:
    """List every repo: how far it is billed, gaps, what is held, and its open incidents."""
    return FoundList(found=repos.nodes(asked.store))


def _report(report: Report) -> HouseReport:
    rows = [_named(report.columns, row) for row in report.rows]
    return HouseReport(about=report.head, rows=rows, total=_named(report.columns, report.total))


def _named(columns: Sequence[Column], row: Sequence[Any]) -> dict[str, str | int | None]:
    return dict(_value(*each) for each in zip(columns, row, strict=True))


def _value(column: Column, value: Any) -> tuple[str, str | int | None]:  # noqa: ANN401 - of a report
    if column.kind != "usd":
        return column.name, value
    return f"{column.name}_usd", None if value is None else format_usd(value)
