"""The house as a whole: revenue, what is owed, whose money runs out, and the fleet."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aggregator.reports import repos
from aggregator.reports.periods.breakage import breakage_report
from aggregator.reports.periods.liability import liability_report
from aggregator.reports.periods.report import Column, Report
from aggregator.reports.periods.revenue import revenue_report
from aggregator.reports.periods.running_out import running_out as running_out_report
from aggregator.reports.proposals import of_incident
from portal.api.house.feed import period_of
from portal.api.house.forms import CashWanted
from portal.api.models.staff import FoundList, HouseReport, PeriodWanted
from portal.api.request import Asked
from wire_format.money import format_usd

_RUNNING_OUT_DAYS: Final = 14
_COMMAND: Final = re.compile(r"`([a-z][^`]*)`")
_PROGRAMS: Final = ("aggregator ", "books ", "node-pusher ", "portal ", "till ", "systemctl ")


def revenue(asked: Asked) -> HouseReport:
    """Say what was earned in a period: usage, discounts, what promotional credit paid, and fees."""
    wanted: PeriodWanted = asked.query
    period = period_of(asked, wanted.period)
    return _report(revenue_report(asked.store, period, wanted.by))


def liability(asked: Asked) -> HouseReport:
    """Say what is owed to customers now: paid and promotional credit apart.

    `beside` has what is no part of that: debts, and what ended and void grants had left.
    """
    report = liability_report(asked.store, asked.now)
    beside = [
        {**_without_nano(row), "amount_usd": format_usd(row["amount_nano"])}
        for row in report.head["beside"]
    ]
    return _report(report).model_copy(update={"beside": beside})


def breakage(asked: Asked) -> HouseReport:
    """Say what grants that ended in a period had left, by the day on which they ended."""
    wanted: CashWanted = asked.query
    period = period_of(asked, wanted.period)
    return _report(breakage_report(asked.store, asked.now, period))


def running_out(asked: Asked) -> HouseReport:
    """List the accounts that have nothing left within 14 days at the rate of the last days."""
    return _report(running_out_report(asked.store, asked.now, _RUNNING_OUT_DAYS))


def incidents(asked: Asked) -> FoundList:
    """List open incidents, each with what to do, and the commands that look into it or end it."""
    found = repos.incidents(asked.store)
    return FoundList(found=[{**each, "commands": [*_commands(each)]} for each in found])


def nodes(asked: Asked) -> FoundList:
    """List every repo: how far it is billed, gaps, what is held, and its open incidents."""
    return FoundList(found=repos.nodes(asked.store))


def _commands(incident: Mapping[str, Any]) -> Iterator[str]:
    """The commands that help with an incident, the one that ends it first where it is known."""
    subject = str(incident["subject"])
    known = of_incident(incident["repo"] or "", incident["role"], incident["kind"], subject)
    if known is not None:
        yield known
    for command in dict.fromkeys(_COMMAND.findall(incident["advice"])):
        is_known = known is not None and known.startswith(command)
        if not is_known and command.startswith(_PROGRAMS):
            yield command


def _without_nano(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("_nano")}


def _report(report: Report) -> HouseReport:
    rows = [_named(report.columns, row) for row in report.rows]
    return HouseReport(about=report.head, rows=rows, total=_named(report.columns, report.total))


def _named(columns: Sequence[Column], row: Sequence[Any]) -> dict[str, str | int | None]:
    return dict(_value(*each) for each in zip(columns, row, strict=True))


def _value(column: Column, value: Any) -> tuple[str, str | int | None]:  # noqa: ANN401 - of a report
    if column.kind != "usd":
        return column.name, value
    return f"{column.name}_usd", None if value is None else format_usd(value)
