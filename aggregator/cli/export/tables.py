"""`export charges` and `export payments`: rows of the ledger, as they are."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context
from aggregator.cli.export.output import Output, output_option
from aggregator.cli.reports.periods import period_option

if TYPE_CHECKING:
    from aggregator.reports.periods.period import Period


@click.command()
@click.argument("user", required=False)
@period_option
@output_option
@click.pass_obj
def charges(context: Context, user: str | None, period: "Period", out: Path | None) -> None:
    """Write a row for each charge of a period, of USER or of all users.

    A charge is what one user owes for one resource in one category in one clock hour. The rows are
    in the order of hour, user, resource and category. Amounts in USD have every nano-dollar:
    uncovered_usd is what no grant with terms paid.

    \b
    aggregator export charges --period 2026-10 --out charges-2026-10.parquet
    aggregator export charges alice --period all > alice.csv
    """
    from aggregator.ledger.rule_book import rule_book_in_force
    from aggregator.rating.discounts import DiscountLadder
    from aggregator.reports.accounts import account_of_user
    from aggregator.reports.exports.charges import charges_export

    output, store = Output(out), context.reading()
    with store.view():
        account_id = None if user is None else account_of_user(store, user).id
        ladder = DiscountLadder(rule_book_in_force(store).ladders)
        output.write(charges_export(store, ladder, period, account_id))
    output.print()


@click.command()
@click.argument("user", required=False)
@period_option
@output_option
@click.pass_obj
def payments(context: Context, user: str | None, period: "Period", out: Path | None) -> None:
    """Write a row for each money or account line dated in a period, of USER or of all users.

    The columns are those of `aggregator payments --csv`. What does not count is there too, with
    why: what counts has the state "counted". credit_usd is what a line adds to the balance, and
    left_usd what is left of a payment.

    \b
    aggregator export payments --period 2026-10 --out payments-2026-10.csv
    """
    from aggregator.reports.accounts import account_row
    from aggregator.reports.exports.payments import payments_export

    output, store = Output(out), context.reading()
    with store.view():
        if user is not None:
            account_row(store, user)
        output.write(payments_export(store, period, user))
    output.print()
