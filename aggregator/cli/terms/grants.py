"""`grants`: what each grant of an account is worth, what it paid, and what is left of it."""

from typing import TYPE_CHECKING, Any, Final

import click

from aggregator.cli.context import Context, at_option, json_option, now, refuse_two_forms
from aggregator.cli.git_lines import git_show
from gitmeter.support.table import Table, print_table
from gitmeter.support.terminal import CsvList, escape, print_json
from wire_format.money import format_usd

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_COLUMNS: Final = (
    *("grant", "state", "amount_usd", "left_usd", "from", "until", "void_from", "category"),
    *("priority", "scope", "reason", "of_payment"),
    *("node", "seq", "repo", "commit", "path", "line_no"),
)
_BY_CHARGE: Final = ("hour", "resource", "applies_to", "paid_usd")
"""The columns of the CSV."""


@click.command()
@click.argument("user")
@at_option
@click.option("--drawn", "by_charge", is_flag=True, help="Show what each paid of which charge.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a line for each grant.")
@json_option
@click.pass_obj
def grants(
    context: Context,
    user: str,
    at: "datetime | None",
    *,
    by_charge: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show the grants of USER: what each is worth, what it paid, and what is left.

    They are in the order in which they pay. The credit of a plan's cycle is a grant named
    `plan:NAME@TIME`, shown while it is in force or once it has paid for something. With each is the
    command that shows the line which states it.

    \b
    aggregator grants alice
    aggregator grants alice --drawn --csv
    aggregator grants alice --at 2026-11-01
    """
    refuse_two_forms(as_csv=as_csv, as_json=as_json)
    from aggregator.reports.terms import grants as reports

    found = reports.grants(context.reading(), user, now(), at, by_charge=by_charge)
    if as_json:
        print_json(found)
    elif as_csv:
        columns = _COLUMNS + _BY_CHARGE * by_charge
        rows = (_with_paid(row) for row in reports.flat(found))
        CsvList(columns, ([_text(row[name]) for name in columns] for row in rows)).print()
    elif found["grants"]:
        _print(found, context.state_path(), by_charge=by_charge)
    else:
        click.echo(f"no grants of {escape(user)}")


def _with_paid(row: dict[str, Any]) -> dict[str, Any]:
    paid_nano = row["paid_nano"]
    return row | {"paid_usd": None if paid_nano is None else format_usd(paid_nano)}


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _print(found: dict[str, Any], state: "Path", *, by_charge: bool) -> None:
    numbers = ("worth", "left", "priority")
    print_table(
        ("grant", "state", "category", *numbers, "from", "until", "for"),
        (
            (
                row["grant"],
                _state(row),
                row["category"],
                row["amount_usd"],
                row["left_usd"],
                str(row["priority"]),
                row["from"],
                row["until"] or "",
                ", ".join(row["scope"] or ["everything"]),
            )
            for row in found["grants"]
        ),
        right=numbers,
    )
    for row in found["grants"]:
        reason = f": {escape(row['reason'])}" if row["reason"] else ""
        click.echo(f"{escape(row['grant'])}{reason}")
        if row["commit"] is not None:
            where = f"{row['commit']}:{row['path']}"
            click.echo(f"    {git_show(state, row['repo'], where, row['line_no'])}")
    if by_charge:
        _print_by_charge(found)
    _print_sums(found)


def _state(row: dict[str, Any]) -> str:
    return row["state"] if row["void_from"] is None else f"{row['state']} ({row['void_from']})"


def _print_by_charge(found: dict[str, Any]) -> None:
    rows = (
        (
            charge["hour"],
            charge["resource"],
            charge["applies_to"],
            row["grant"],
            format_usd(charge["nano"]),
        )
        for row in found["grants"]
        for charge in row["charges"]
    )
    table = Table(("hour", "resource", "applies to", "paid by", "paid"), rows, right=("paid",))
    if table.count:
        table.print()


def _print_sums(found: dict[str, Any]) -> None:
    left, paid = format_usd(found["granted_nano"]), format_usd(found["drawn_nano"])
    click.echo(f"{left} USD left of grants in force; {paid} USD paid by grants so far")
    broken = [
        f"{format_usd(nano)} USD {name}" for name, nano in found["breakage_nano"].items() if nano
    ]
    if broken:
        click.echo(f"left of grants that ended: {', '.join(broken)}")
