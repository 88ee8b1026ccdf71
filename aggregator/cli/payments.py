"""`payments`: what came in, and what counts of it."""

from typing import TYPE_CHECKING, Any, Final

import click

from aggregator.cli.context import HOUR, Context, json_option
from gitmeter.support.terminal import CsvList, JsonList, Table, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitmeter.support.printout import Printout

_COMMIT_SHOWN: Final = 12
_COLUMNS: Final = (
    *("ts", "user", "kind", "amount", "currency", "credit_usd", "left_usd", "state", "reconciled"),
    *("provider", "external_ref", "of_ref", "attempt", "node", "seq", "repo", "commit"),
    *("committed_at", "path", "line_no"),
)
"""The columns of the CSV: a field of the JSON each."""


@click.command()
@click.argument("user", required=False)
@click.option("--since", type=HOUR, help="From this hour or day on, UTC.")
@click.option("--until", type=HOUR, help="Before this hour or day, UTC.")
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
    beyond its till's limit until `books reconcile` has asked the provider.
    """
    if unconfirmed and (user, since, until) != (None, None, None):
        raise click.UsageError("--unconfirmed shows all lines that wait to be confirmed")
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of one answer: state one of them")
    from aggregator.reports import payments as reports

    store = context.reading()
    with store.view():
        found = (
            reports.unconfirmed(store) if unconfirmed else reports.lines(store, user, since, until)
        )
        if as_json:
            answer: Printout = JsonList(found, within={**reports.basis(store), "lines": None})
        elif as_csv:
            answer = CsvList(_COLUMNS, ([_text(row[name]) for name in _COLUMNS] for row in found))
        else:
            answer = _table(found)
    if answer.count or as_csv or as_json:
        answer.print()
    else:
        click.echo("nothing came in" + (f" for {escape(user)}" if user else ""))


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _table(found: "Iterator[Mapping[str, Any]]") -> Table:
    numbers = ("amount", "credit", "left")
    return Table(
        ("when", "user", "kind", *numbers, "state", "reference", "by", "seq", "commit"),
        (
            (
                row["ts"],
                row["user"] or "",
                row["kind"],
                f"{row['amount'] or ''} {row['currency'] or ''}".strip(),
                row["credit_usd"] or "",
                row["left_usd"] or "",
                f"{row['state']}{', reconciled' if row['reconciled'] else ''}",
                " ".join(row[name] for name in ("provider", "external_ref") if row[name]),
                row["node"],
                str(row["seq"]),
                row["commit"][:_COMMIT_SHOWN],
            )
            for row in found
        ),
        right=numbers,
    )
