"""`topups`: automatic payments of accounts, and what stands in the way of each."""

from collections import Counter
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context, now, refuse_two_forms
from aggregator.cli.reports.printing import form_options
from gitmeter.support.table import Table
from gitmeter.support.terminal import CsvList, JsonList, escape, print_json
from wire_format.money import format_cents, parse_nano

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitmeter.support.printout import Printout

_AMOUNTS = ("balance", "below", "amount", "month", "spent")


@click.command()
@click.argument("user", required=False)
@form_options
@click.pass_obj
def topups(context: Context, user: str | None, *, as_csv: bool, as_json: bool) -> None:
    """Show automatic payments, of USER or of all accounts: who is due, and who is not, and why.

    Shown are those who ever settled or consented to any.

    An account is due while the balance that counts is below its own threshold and nothing stands in
    the way; the daemon tells the till of [topup] so after each pull. Else the first thing in the
    way is shown: it is off, a consent is missing or too small, the account is suspended, three
    attempts failed, a payment is in question, money was taken back since the consent, an attempt is
    open, there was one within 24 hours, the month's limit is reached, or the balance is enough.

    The balance that counts leaves out fees of plans that were stated within `settle_h`, and usage
    since nodes came to the account within that time. So it may be more than `aggregator balance`
    shows.

    \b
    In JSON, for each account:
      wanted           what is settled (amount_usd, below_usd, month_usd), or null: off
      consent          the same, with provider and payment at which it was given, and whether it
                       allows anything by the rules in force; null without one
      stop             what stands in the way, or null: it is due
      needs_customer   whether it stays so until the customer does something
      failures         failed attempts since the last setting or payment; three switch it off
      balance_usd      the balance that counts
      spent_month_usd  by automatic payments of this calendar month
      attempts         the newest first, each with state, began_at, ended_at and reason
    """
    refuse_two_forms(as_csv=as_csv, as_json=as_json)
    from aggregator.balances.topups.settling import SETTLE_H
    from aggregator.reports import topups as reports

    configured = context.config().topup
    settle_h = SETTLE_H if configured is None else configured.settle_h
    store, at = context.reading(), now()
    if user is not None and as_json:
        print_json(reports.topup_state(store, user, at, settle_h))
        return
    with store.view():
        if user is None:
            found = reports.topup_states(store, at, settle_h)
        else:
            found = iter([reports.topup_state(store, user, at, settle_h)])
        states: Counter[str] = Counter()
        rows = _counting((reports.row_of(each) for each in found), states)
        if as_json:
            answer: Printout = JsonList(reports.topup_states(store, at, settle_h))
        elif as_csv:
            answer = CsvList(reports.COLUMNS, ([*row.values()] for row in rows))
        else:
            answer = _table(rows)
    if not (answer.count or as_csv or as_json):
        click.echo("no account has settled or consented to automatic payments")
        return
    answer.print()
    if not (as_csv or as_json):
        counts = ", ".join(f"{escape(state)} {count}" for state, count in sorted(states.items()))
        click.echo(f"USD, rounded to cents; {counts}")


def _counting(
    rows: "Iterator[Mapping[str, str]]", states: Counter[str]
) -> "Iterator[Mapping[str, str]]":
    """The rows as they are, while their states are counted."""
    for row in rows:
        states[row["state"]] += 1
        yield row


def _table(rows: "Iterator[Mapping[str, str]]") -> Table:
    names = ("balance_usd", "below_usd", "amount_usd", "month_usd", "spent_month_usd")
    return Table(
        ("user", *_AMOUNTS, "state", "open attempt"),
        (
            (row["user"], *(_cents(row[name]) for name in names), row["state"], row["attempt"])
            for row in rows
        ),
        right=_AMOUNTS,
    )


def _cents(amount_usd: str) -> str:
    return format_cents(parse_nano(amount_usd)) if amount_usd else ""
