"""The program `books`: parses, calls, prints.

Owns: one module for each group of commands (`money`, `decide`, `rules`, `prices`).
Does not own: anything that a program in Python could not call.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from books.cli import money
from books.cli.decide import decide
from books.cli.prices import prices
from books.cli.rules import rules
from gitmeter.support.entry import run
from gitmeter.support.terminal import print_json
from node_pusher.cli import init_values, log, push, status, tell_init
from node_pusher.cli.doctor import doctor
from node_pusher.cli.home import ROLE_KEY, home_of, json_option, remote_options, vouched_of
from node_pusher.cli.keys import rotate_key, show_key

HOME_DEFAULT: Final = "/var/lib/gitmeter-books"


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
@json_option
@click.pass_obj
def init(home: Path, /, node: str, *, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Make this folder the home of the books.

    An empty repo gets an empty price book and the default discount ladder as its first commit; one
    that has these books' history is joined in a new epoch, so that no number is ever used twice.
    What stands there must be signed by these books' own keys; or give the keys of the machine that
    this one replaces, or the commit that you trust, with the options below. The same command again
    changes nothing; it makes again what was lost.

    New books get a key that signs their commits. Its line, printed here and by `books show-key`, is
    for the aggregator's allowed signers.

    \b
    books init --remote file:///srv/git/billing-books.git
    books init --remote https://forge.example/ops/billing-books.git --token-file /etc/books/token
    """
    from books.start import init_books

    report, started = init_books(
        home_of(home, node, options),
        datetime.now(UTC),
        rejoin=rejoin,
        vouched=vouched_of(options),
    )
    if as_json:
        print_json(init_values(report) | {"rule_book_started": started})
        return
    tell_init(report, unchanged="the home was there")
    if started:
        click.echo("started with an empty price book and the default ladder; next: `books push`")


for command in (
    *money.COMMANDS,
    decide,
    rules,
    prices,
    push,
    status,
    log,
    rotate_key,
    show_key,
    doctor,
):
    cli.add_command(command)
