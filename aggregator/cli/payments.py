"""`payments`: what came in and was settled, and what counts of it."""

from typing import TYPE_CHECKING, Any, Final

import click

from aggregator.cli.context import Context, hour, json_option, refuse_two_forms
from gitmeter.support.terminal import CsvList, JsonList, Table, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitmeter.support.printout import Printout

_COMMIT_SHOWN: Final = 12
_REFERENCE: Final = ("provider", "external_ref", "plan", "key_id")
_OF_A_VOID: Final = ("of_provider", "of_ref")
"""What the table names a line by; a void by its grant."""


@click.command()
@click.argument("user", required=False)
@click.option("--since", type=hour, help="From this hour or day on, UTC.")
@click.option("--until", type=hour, help="Before this hour or day, UTC.")
@click.option(
    "--unconfirmed",
    is_flag=True,
    help="Only lines of tills that no reconciliation covers, for `books reconcile`.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a line for each movement.")
@json_option
@click.pass_obj
def payments(
    context: Context,
    user: str | None,
    since: int | None,
    until: int | None,
    *,
    unconfirmed: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what came in, of USER or of all: what counts of it, by whom, from which commit.

    A refund or dispute takes from its payment: what is left of it is beside it. What waits is
    beyond its till's limit until `books reconcile` has asked the provider, or beyond what its desk
    may give. Grants, plans and other lines about accounts are there too: a plan takes its fee.
    """
    if unconfirmed and (user, since, until) != (None, None, None):
        raise click.UsageError("--unconfirmed shows all lines that wait to be confirmed")
    refuse_two_forms(as_csv=as_csv, as_json=as_json)
    from aggregator.reports import payments as reports

    store = context.reading()
    with store.view():
        found = (
            reports.unconfirmed(store) if unconfirmed else reports.lines(store, user, since, until)
        )
        if as_json:
            answer: Printout = JsonList(found, within={**reports.basis(store), "lines": None})
        elif as_csv:
            names = reports.COLUMNS
            answer = CsvList(names, ([_text(row[name]) for name in names] for row in found))
        else:
            answer = _table(found)
    if answer.count or as_csv or as_json:
        answer.print()
    else:
        click.echo("nothing came in" + (f" for {escape(user)}" if user else ""))


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _amount(row: "Mapping[str, Any]") -> str:
    if row["fee_usd"]:
        return f"{row['fee_usd']} USD"
    return f"{row['amount'] or ''} {row['currency'] or ''}".strip()


def _reference(row: "Mapping[str, Any]") -> str:
    names = _OF_A_VOID if row["kind"] == "void" else _REFERENCE
    return " ".join(row[name] for name in names if row[name])


def _table(found: "Iterator[Mapping[str, Any]]") -> Table:
    numbers = ("amount", "credit", "left")
    return Table(
        ("when", "user", "kind", *numbers, "state", "reference", "by", "seq", "commit"),
        (
            (
                row["ts"],
                row["user"] or "",
                row["kind"],
                _amount(row),
                row["credit_usd"] or "",
                row["left_usd"] or "",
                f"{row['state']}{', reconciled' if row['reconciled'] else ''}",
                _reference(row),
                row["node"],
                str(row["seq"]),
                row["commit"][:_COMMIT_SHOWN],
            )
            for row in found
        ),
        right=numbers,
    )
