"""`payments`: what came in and was settled, and what counts of it."""

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from aggregator.cli.context import Context, hour, json_option, refuse_two_forms
from aggregator.cli.reports.periods import period as period_of
from gitmeter.support.table import Table
from gitmeter.support.terminal import CsvList, JsonList, escape
from wire_format.money import format_cents, parse_nano

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aggregator.reports.periods.period import Period
    from gitmeter.support.printout import Printout

_COMMIT_SHOWN: Final = 12
_REFERENCE: Final = ("provider", "external_ref", "plan", "key_id")
_OF_A_VOID: Final = ("of_provider", "of_ref")
"""What the table names a line by; a void by its grant."""


def _hours_options(command: "Callable[..., object]") -> "Callable[..., object]":
    """The options --period, --since and --until, which become one argument."""

    @click.option("--period", type=period_of, help="Such as 2026-10, last-month or 2026-Q4; UTC.")
    @click.option("--since", type=hour, help="From this hour or day on, UTC.")
    @click.option("--until", type=hour, help="Before this hour or day, UTC.")
    @wraps(command)
    def with_hours(
        *arguments: object,
        period: "Period | None",
        since: int | None,
        until: int | None,
        **options: object,
    ) -> object:
        hours = since, until
        if period is not None:
            if hours != (None, None):
                raise click.UsageError("--period is another way to state --since and --until")
            hours = period.first_hour, period.end_hour
        return command(*arguments, hours=hours, **options)

    return with_hours


@click.command()
@click.argument("user", required=False)
@_hours_options
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
    hours: tuple[int | None, int | None],
    *,
    unconfirmed: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what came in, of USER or of all: what counts of it, by whom, from which commit.

    A refund or dispute takes from its payment: what is left of it is beside it. What waits is
    beyond its till's limit until `books reconcile` has asked the provider, or beyond what its desk
    may give. Grants, plans and other lines about accounts are there too: a plan takes its fee.

    The table is rounded to cents, and below it is what the lines that count come to, by kind. In
    CSV and JSON amounts are as exact as the lines.
    """
    if unconfirmed and (user, *hours) != (None, None, None):
        raise click.UsageError("--unconfirmed shows all lines that wait to be confirmed")
    refuse_two_forms(as_csv=as_csv, as_json=as_json)
    from aggregator.reports import payments as reports

    store = context.reading()
    with store.view():
        topups: dict[str, object] = {}
        found = (
            reports.unconfirmed(store, topups)
            if unconfirmed
            else reports.lines(store, user, *hours)
        )
        if as_json:
            more = {"topups": topups} if unconfirmed else {}
            within = {**reports.basis(store), **more, "lines": None}
            answer: Printout = JsonList(found, within=within)
        elif as_csv:
            names = reports.COLUMNS
            answer = CsvList(names, ([_text(row[name]) for name in names] for row in found))
        else:
            added_nano: dict[str, int] = {}
            answer = _table(_added_up(found, added_nano))
    if not (answer.count or as_csv or as_json):
        click.echo("nothing came in" + (f" for {escape(user)}" if user else ""))
        return
    answer.print()
    if not (as_csv or as_json):
        sums = [f"{kind} {format_cents(nano)}" for kind, nano in sorted(added_nano.items())]
        click.echo(f"USD, rounded to cents; counted: {', '.join(sums) or 'nothing'}")


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _added_up(
    found: "Iterator[Mapping[str, Any]]", added_nano: dict[str, int]
) -> "Iterator[Mapping[str, Any]]":
    """The lines as they are, while what those that count add to balances is added up by kind.

    A refund or dispute adds nothing of its own: of its payment what is left is added.
    """
    for row in found:
        added = row["left_usd"] or row["credit_usd"]
        if row["state"] == "counted" and added is not None:
            added_nano[row["kind"]] = added_nano.get(row["kind"], 0) + parse_nano(added)
        yield row


def _cents(amount_usd: str | None) -> str:
    return "" if amount_usd is None else format_cents(parse_nano(amount_usd))


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
                _cents(row["credit_usd"]),
                _cents(row["left_usd"]),
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
