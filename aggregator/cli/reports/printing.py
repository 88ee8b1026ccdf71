"""A report as a table for people, as CSV and as JSON.

In a table amounts are rounded to cents; CSV and JSON have every nano-dollar.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.context import json_option, refuse_two_forms
from gitmeter.support.table import Table
from gitmeter.support.terminal import CsvList, JsonList
from wire_format.money import format_cents, format_usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.reports.periods.report import Column, Report
    from gitmeter.support.printout import Printout

csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


def form_options(command: "Callable[..., Any]") -> "Callable[..., Any]":
    """The options --csv and --json."""
    return csv_option(json_option(command))


def printout(report: "Report", *, as_csv: bool, as_json: bool) -> "Printout":
    """A report to be printed; its rows are read here.

    Raises:
        UsageError: CSV and JSON were both asked for.
    """
    refuse_two_forms(as_csv=as_csv, as_json=as_json)
    columns = report.columns
    if as_json:
        names = [_name(column, "_nano") for column in columns]
        total: dict[str, Any] = {}
        rows = _json_rows(report, names, total)
        return JsonList(rows, within={**report.head, "total": total, "rows": None})
    if as_csv:
        names = [_name(column, "_usd") for column in columns]
        return CsvList(names, ([*map(_exact, columns, row)] for row in report.rows))
    right = [column.heading for column in columns if column.kind != "text"]
    spare = [column.heading for column in columns if column.is_spare]
    headings = [column.heading for column in columns]
    return Table(headings, _rows(report), right=right, spare=spare)


def _json_rows(
    report: "Report", names: Sequence[str], total: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows; the total is complete after the last of them."""
    for row in report.rows:
        yield dict(zip(names, row, strict=True))
    sums = zip(names, report.total, strict=True)
    total.update((name, value) for name, value in sums if value is not None)


def _rows(report: "Report") -> Iterator[Sequence[str]]:
    """The rows for people, and below them the total; a first column has nothing to add up."""
    for row in report.rows:
        yield [*map(_rounded, report.columns, row)]
    yield ["total", *map(_rounded, report.columns[1:], report.total[1:])]


def _name(column: "Column", unit: str) -> str:
    return column.name + (unit if column.kind == "usd" else "")


def _exact(column: "Column", value: Any) -> str:  # noqa: ANN401 - by the kind of the column
    if value is None:
        return ""
    return format_usd(value) if column.kind == "usd" else str(value)


def _rounded(column: "Column", value: Any) -> str:  # noqa: ANN401 - by the kind of the column
    if value is None:
        return ""
    return format_cents(value) if column.kind == "usd" else str(value)
