"""`books prices`: prices of language models for the rule book."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from books.cli.acts import change_options
from books.cli.instants import InstantType
from books.cli.rule_output import change_json, print_change, print_faults, print_refusal
from gitmeter.support.errors import ExitCode
from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, print_json

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def prices() -> None:
    """Import prices of language models into the rule book."""


@prices.command("list-llm")
@click.argument("search", default="")
@_json_option
def list_llm(search: str, *, as_json: bool) -> None:
    """List the models with known prices, or those with SEARCH in their name.

    \b
    books prices list-llm gpt-4o
    """
    from books.rule_book.llm_models import list_models

    found = list(list_models(search, datetime.now(UTC)))
    if as_json:
        print_json([model._asdict() for model in found])
        return
    columns = ("input", "output")
    print_table(
        ("model", *columns, "prices depend on"),
        [
            (row.model, row.input_usd or "", row.output_usd or "", ", ".join(row.depends_on))
            for row in found
        ],
        right=columns,
    )
    click.echo(f"{len(found)} models; USD for a million tokens")


@prices.command("import-llm")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="PROVIDER:MODEL",
    help="Such as openai:gpt-4o, named as in the resources that nodes record; may be repeated.",
)
@click.option("--prefix", default="llm", show_default=True, help="First part of the resources.")
@click.option(
    "--from",
    "from_",
    type=InstantType(hours_only=True),
    help="First hour at which the prices apply. Default: for a model without a price here the"
    " package's dates, and 2000-01-01 for a price without one; for another the coming hour.",
)
@click.option(
    "--at",
    type=InstantType(),
    help="Import only the prices in force at this instant; they apply from its hour on, or from"
    " --from.",
)
@click.option(
    "--base-price",
    is_flag=True,
    help="If a price depends on the length of a request, import that of short requests alone.",
)
@change_options
@click.pass_obj
def import_llm(
    home: Path,
    /,
    *,
    by: str,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click passes options by name
) -> int:
    """Import a model's prices, with their dates, into imported.toml.

    They are named llm/PROVIDER/MODEL/KIND, and come from the installed package genai-prices; no
    network is used. Your own prices, in prices.toml, take precedence and stay as they are. The same
    import again changes nothing. After an update of the package, prices that differ begin with the
    coming hour, so that no past charge is rated again; --from states another hour.

    Record each token once, under the most specific kind that has a price: if cache_read_tokens has
    one, input_tokens counts only the other tokens. Where a price depends on the length of a
    request, there is KIND/over_200k as well, named by the border: in a request with more input
    tokens than that, cached ones among them, record the tokens of KIND there and not under KIND.

    \b
    books prices import-llm --model openai:gpt-4o --model anthropic:claude-sonnet-4-5
    """
    from books.rule_book.change import NotMeantError
    from books.rule_book.llm_import import import_prices
    from books.rule_book.llm_prices import Choice
    from books.rule_book.rule_changes import Act
    from books.rule_book.rules import RuleFileError
    from node_pusher.home.settings_file import read_home

    act, now = Act(by, reason), datetime.now(UTC)
    names = options.pop("models")
    try:
        settings = read_home(home, "books")
        report = import_prices(settings, names, Choice(**options), act, now, dry_run=dry_run)
    except RuleFileError as error:
        return print_faults(error)
    except NotMeantError as error:
        return print_refusal(error, None, as_json=as_json)
    if as_json:
        print_json(
            {
                "models": report.models,
                "unused": report.unused,
                "dry_run": dry_run,
                **change_json(report.done),
            }
        )
        return ExitCode.OK
    for asked, found in report.models.items():
        if asked != found:
            click.echo(f"{escape(asked)} is priced as {escape(found)}")
    for resource in report.unused:
        click.echo(
            f"{escape(resource)}: prices.toml has a price of its own, which takes precedence"
        )
    return print_change(report.done, dry_run=dry_run, as_json=False)
