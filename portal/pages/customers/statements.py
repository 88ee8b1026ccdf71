"""Statements: which there are, one to read and print, and the same as a file."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Final, Literal

from gitmeter.support.terminal import CsvList
from portal.api.customers import statements as api
from portal.api.models.statements import AccountStatement
from portal.api.request import Form
from portal.pages.page import Download, Shown
from portal.pages.visit import Visit

_MONTHS: Final = 13
_COLUMNS: Final = (
    *("what", "at", "name", "detail", "units", "list_usd", "discount_usd", "billed_usd"),
    *("change_usd", "fee_usd", "balance_usd"),
)


class FileWanted(Form):
    """Which file.

    Attributes:
        form: its form.
    """

    form: Literal["csv", "json", "html"]


def listed(visit: Visit) -> Shown:
    """Show of which months there are statements."""
    visit.ask(api.statement, path={"period": f"{visit.now:%Y-%m}"})
    return Shown("statements.html", {"months": [*_months(visit.now)], "year": f"{visit.now:%Y}"})


def statement(visit: Visit) -> Shown:
    """Show a statement."""
    return Shown("statement.html", {"found": _asked(visit)})


def file(visit: Visit) -> Download:
    """Give a statement as a file."""
    found, form = _asked(visit), visit.query.form
    name = f"statement-{found.period}.{form}"
    if form == "html":
        page = visit.ask_for(api.statement, api.statement_page, {"period": found.period})
        return Download(name, "text/html; charset=utf-8", page.encode())
    if form == "json":
        content = found.model_dump_json(by_alias=True, indent=2).encode() + b"\n"
        return Download(name, "application/json", content)
    rows = ([_cell(row.get(column)) for column in _COLUMNS] for row in _rows(found))
    table = BytesIO()
    CsvList(_COLUMNS, rows).write_to(table)
    return Download(name, "text/csv; charset=utf-8", table.getvalue())


def _asked(visit: Visit) -> AccountStatement:
    return visit.ask(api.statement, path={"period": visit.path["period"]})


def _months(now: datetime) -> Iterator[str]:
    day = now
    for _ in range(_MONTHS):
        yield f"{day:%Y-%m}"
        day = day.replace(day=1) - timedelta(days=1)


def _rows(found: AccountStatement) -> Iterator[dict[str, object]]:
    """The lines of a statement, under columns that only some of them fill."""
    opening, closing = found.opening_balance_usd, found.closing_balance_usd
    yield {"what": "opening balance", "at": found.from_ or "", "balance_usd": opening}
    for money in found.money:
        yield {
            "what": money.kind,
            "at": money.ts,
            "name": money.external_ref,
            "detail": f"{money.amount} {money.currency}",
            "change_usd": money.change_usd,
        }
    for fee in found.fees:
        yield {"what": "fee", "at": fee.ts, "name": fee.plan, "fee_usd": fee.fee_usd}
    for used in found.usage:
        yield {
            "what": "usage",
            "name": used.resource,
            "detail": used.applies_to,
            "units": used.quantity,
            "list_usd": used.list_cost_usd,
            "discount_usd": used.discount_usd,
            "billed_usd": used.billed_cost_usd,
        }
    yield {"what": "closing balance", "at": found.until or "", "balance_usd": closing}


def _cell(value: object) -> str:
    return "" if value is None else str(value)
