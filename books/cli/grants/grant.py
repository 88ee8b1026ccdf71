"""`books grant`: credit that nobody paid into the balance."""

from pathlib import Path
from typing import Any

import click

from books.cli.acts import entered_by_option
from books.cli.bulk.options import bulk_options
from books.cli.money import NEGATIVE_AMOUNTS, record_movement, ts_option

_CATEGORIES = ("promotional", "paid")


@click.command(context_settings=NEGATIVE_AMOUNTS)
@click.argument("user")
@click.argument("amount", metavar="AMOUNT", required=False)
@click.option("--reason", help="Why; shown in audits.")
@click.option(
    "--until",
    metavar="DAYS|TIME",
    help="When it ends: after so many days, or at a full hour: 2026-12-31. Default: never.",
)
@click.option(
    "--from",
    "from_",
    metavar="TIME",
    show_default="the hour of now",
    help="The first hour that it pays for; it may lie in the past.",
)
@click.option(
    "--priority",
    type=int,
    show_default="50",
    help="Of several grants the one with the smaller number pays first.",
)
@click.option(
    "--scope",
    multiple=True,
    metavar="GLOB",
    help="Resources that it pays for, such as 'llm/*'; may be stated several times. Default: all.",
)
@click.option(
    "--category",
    type=click.Choice(_CATEGORIES),
    show_default="promotional",
    help="Whether anybody paid for it.",
)
@click.option(
    "--bonus-on",
    metavar="PROVIDER:REF",
    help="A bonus on this payment: what is taken back of the payment is taken of the grant too.",
)
@click.option(
    "--ref",
    "external_ref",
    metavar="TEXT",
    show_default="USER@ and the first hour",
    help="Its name, for `books void`: the same one recorded twice counts once.",
)
@ts_option
@entered_by_option
@bulk_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def grant(home: Path, /, *, as_json: bool, scope: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Grant USER a credit of AMOUNT in USD; unlike a payment it starts no discount.

    \b
    books grant alice 5.00 --reason "welcome credit"
    books grant alice 25.00 --until 30 --scope 'llm/*' --ref spring-2026:alice
    books grant alice 10.00 --bonus-on stripe:pi_3Q8c1f --until 2027-01-01
    books grant - --reason "welcome credit" < grants.csv

    Without terms it is part of the balance, for ever. Any of --until, --from, --priority, --scope,
    --category, --bonus-on and --ref makes it a grant with terms: it lies beside the balance, pays
    first for what it covers, ends, and `books void` can end it before. What is left then is gone.

    Under a reference that is there with the same terms nothing is recorded; with other terms it is
    refused. With - the grants of standard input are recorded: see `books pay --help`. Columns are
    user, amount, reason, ts, until, from, priority, scope (globs with spaces between them),
    category, bonus_on and ref.
    """
    record_movement(home, "grant", as_json=as_json, scope=scope or None, **options)
