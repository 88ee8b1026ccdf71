"""`export focus`: charges as a FinOps FOCUS dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context
from aggregator.cli.export.output import Output, output_option
from aggregator.cli.reports.periods import period_option

if TYPE_CHECKING:
    from aggregator.reports.periods.period import Period


def _a_name(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise click.BadParameter("state a name, in one line")
    return text


@click.command()
@click.argument("user", required=False)
@period_option
@click.option(
    "--provider",
    type=_a_name,
    default="gitmeter",
    show_default=True,
    metavar="NAME",
    help="Who sells: ProviderName, PublisherName and InvoiceIssuerName.",
)
@output_option
@click.pass_obj
def focus(
    context: Context, user: str | None, period: "Period", provider: str, out: Path | None
) -> None:
    """Write the charges of a period as a FinOps FOCUS 1.2 dataset: of USER, or of all users.

    The sum of BilledCost is the revenue of the period, as `aggregator revenue` tells it: usage,
    less what promotional grants paid of it (rows of the category Credit), and the fees of plans
    (rows of the category Purchase, at the time of their line). Each tier of a price that a charge
    reached is a row of its own. Payments are no charges: see `aggregator export payments`.

    \b
    aggregator export focus --period 2026-10 --out focus-2026-10.parquet
    aggregator export focus alice --period last-month --provider "Example Hosting" > alice.csv
    """
    from aggregator.ledger.rule_book import rule_book_in_force
    from aggregator.rating.rating import Rater
    from aggregator.reports.accounts import account_of_user
    from aggregator.reports.exports.focus.rows import focus_export

    output, store = Output(out), context.reading()
    with store.view():
        account_id = None if user is None else account_of_user(store, user).id
        rater = Rater(rule_book_in_force(store))
        output.write(focus_export(store, rater, period, provider, account_id))
    output.print()
