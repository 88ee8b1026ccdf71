"""The program `books`: parses, calls, prints. One module for each group of commands."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from books import cli_money
from books.cli_prices import prices
from books.cli_rules import rules
from node_pusher.cli import (
    ROLE_KEY,
    home_of,
    log,
    push,
    remote_options,
    status,
    tell_init,
)
from support.entry import run
from support.terminal import print_json

HOME_DEFAULT: Final = "/var/lib/gitmeter-books"

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def main() -> None:
    """Run the program."""
    run(cli, "books")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gitmeter")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="BOOKS_HOME",
    default=HOME_DEFAULT,
    show_default=True,
    show_envvar=True,
    help="The folder of the books.",
)
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Keep the operator's books: who paid what, and what usage costs.

    What is recorded here is on disk when a command returns, and moves a balance once it was pushed
    and the aggregator has pulled it.

    \b
    First steps:
      books init --remote https://forge.example/ops/billing-books.git
      books rules set prices.toml
      books pay alice 50.00
      books push
    """
    context.obj = home
    context.meta[ROLE_KEY] = "books"


@cli.command()
@click.option("--node", default="books", show_default=True, help="The name of these books.")
@remote_options
@_json_option
@click.pass_obj
def init(home: Path, /, node: str, *, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Make this folder the home of the books.

    An empty repo gets an empty price book and the default discount ladder as its first commit; one
    that has these books' history is joined in a new epoch, so that no number is ever used twice.
    The same command again changes nothing.

    \b
    books init --remote file:///srv/git/billing-books.git
    books init --remote https://forge.example/ops/billing-books.git --token-file /etc/books/token
    """
    from books.start import init_books

    report, started = init_books(home_of(home, node, options), datetime.now(UTC), rejoin=rejoin)
    if as_json:
        print_json(
            {
                "node": report.node,
                "next_seq": report.next_seq,
                "epoch": report.epoch,
                "outcome": report.outcome,
                "rule_book_started": started,
                "left_behind": report.left_behind,
                "spool_lost": report.spool_lost,
            }
        )
        return
    tell_init(report, unchanged="the home was there")
    if started:
        click.echo("started with an empty price book and the default ladder; next: `books push`")


for command in (*cli_money.COMMANDS, rules, prices, push, status, log):
    cli.add_command(command)
