"""`books account`: suspend and reopen accounts, and their settings."""

from pathlib import Path
from typing import Any

import click

from books.cli.accounts.entering import line_options, record, user_argument


@click.group()
def account() -> None:
    """Suspend and reopen accounts, and state their settings.

    Each command writes one line of the books, which counts once it has been pushed and the
    aggregator has pulled it. Desks write such lines too; these books do not read them.
    """


@account.command()
@user_argument
@line_options(needs_reason=True)
@click.pass_obj
def suspend(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Suspend the account of USER: services are told to serve it no more.

    Money is not touched: what was used is billed, and plans and grants go on.

    \b
    books account suspend alice --reason "chargeback of 3 May"
    """
    record(home, as_json, by, "suspend", user=user, **stated)


@account.command()
@user_argument
@line_options(needs_reason=True)
@click.pass_obj
def reopen(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Reopen the account of USER, whoever suspended it before.

    \b
    books account reopen alice --reason "paid on 4 May"
    """
    record(home, as_json, by, "reopen", user=user, **stated)


@account.command()
@user_argument
@click.option("--cap-usd", metavar="USD", help="At most this is to be billed in one cycle.")
@click.option(
    "--next-plan", metavar="PLAN|none", help="The plan of the next period; none for no period."
)
@click.option("--auto-topup-usd", metavar="USD", help="How much an automatic payment is.")
@click.option("--auto-topup-below-usd", metavar="USD", help="The balance below which it is made.")
@click.option("--auto-topup-month-usd", metavar="USD", help="Most by such payments in a month.")
@line_options(needs_reason=False)
@click.pass_obj
def setting(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """State settings of USER; of each the last that anybody stated holds.

    \b
    books account setting alice --cap-usd 100
    books account setting alice --next-plan starter --reason "asked by letter"

    A cap is a word to services: what was used beyond it is billed all the same.
    """
    record_setting(home, as_json, by, user=user, **stated)


def record_setting(home: Path, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401, FBT001 - what click passed
    """Record a setting and print it.

    Raises:
        AccountError: it breaks a rule, or `next_plan` is no plan.
    """
    from books.plans.known import read_plan_rules, refuse_unknown_plan
    from node_pusher.home.settings_file import read_home

    if (next_plan := stated.get("next_plan")) is not None:
        refuse_unknown_plan(next_plan, read_plan_rules(read_home(home, "books")))
    record(home, as_json, by, "setting", **stated)
