"""`books prices`: prices of language models for the rule book."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from books.cli.rules import commit_json, print_commit, print_faults
from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import escape, print_json, print_table

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class InstantType(click.ParamType[datetime]):
    """An instant in UTC: `2026-07-01` or `2026-07-01T06:00:00Z`.

    Args:
        hours_only: refuse what is not the start of a clock hour.
    """

    name = "time"

    def __init__(self, *, hours_only: bool = False) -> None:
        self._hours_only = hours_only

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Read an instant from the command line."""
        from wire_format.instants import InvalidInstantError, parse_ts

        if isinstance(value, datetime):
            return value
        text = str(value)
        endings = {len("2026-07-01"): "T00:00:00Z", len("2026-07-01T06:00Z"): ":00Z"}
        ending = endings.get(len(text), "")
        try:
            found = parse_ts(text.removesuffix("Z") + ending if ending else text)
        except InvalidInstantError:
            self.fail(f"{value!r} is not like 2026-07-01 or 2026-07-01T06:00:00Z", param, ctx)
        if self._hours_only and (found.minute or found.second or found.microsecond):
            self.fail(f"{value!r} is not the start of a clock hour", param, ctx)
        return found


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
    help="First hour at which the prices apply. Default: the package's dates, and 2000-01-01 for a"
    " price without one.",
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
    help="If a price rises with the length of a request, use that of short requests.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@_json_option
@click.pass_obj
def import_llm(home: Path, /, *, dry_run: bool, as_json: bool, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Import a model's prices, with their dates, into prices.toml.

    They are named llm/PROVIDER/MODEL/KIND, and come from the installed package genai-prices; no
    network is used. Other prices and comments stay as they are, and the same import again changes
    nothing. After an update of the package, use --from to say when new prices without a date begin;
    otherwise past charges are rated again.

    Record each token once, under the most specific kind that has a price: if cache_read_tokens has
    one, input_tokens counts only the other tokens.

    \b
    books prices import-llm --model openai:gpt-4o --model anthropic:claude-sonnet-4-5
    """
    from books.rule_book.llm_import import import_prices
    from books.rule_book.llm_prices import Choice
    from books.rule_book.rules import RuleFileError
    from node_pusher.home.settings_file import read_home

    try:
        names = options.pop("models")
        report = import_prices(
            read_home(home, "books"), names, Choice(**options), datetime.now(UTC), dry_run=dry_run
        )
    except RuleFileError as error:
        return print_faults(error)
    if as_json:
        print_json({"models": report.models, "dry_run": dry_run, **commit_json(report.done)})
        return ExitCode.OK
    for asked, found in report.models.items():
        if asked != found:
            click.echo(f"{escape(asked)} is priced as {escape(found)}")
    if not dry_run or report.done is None:
        print_commit(report.done)
        return ExitCode.OK
    for line in report.done.changes.lines:
        click.echo(escape(line))
    click.echo(f"would change: {report.done.changes.summary}")
    return ExitCode.OK
