"""`books init`: make a folder the home of the books."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gitmeter.support.terminal import print_json
from node_pusher.cli.home import home_of, json_option, remote_options, vouched_of
from node_pusher.cli.init import init_values, print_init


@click.command()
@click.option("--node", default="books", show_default=True, help="The name of these books.")
@remote_options
@json_option
@click.pass_obj
def init(home: Path, /, node: str, *, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Make this folder the home of the books.

    An empty repo gets an empty price book and the default discount ladder as its first commit. A
    repo that has these books' history is joined in a new epoch, so that no seq is ever used twice;
    its commits must be signed by these books' own keys, or by those of the machine that this one
    replaces (--allowed-signers), or you name a commit that you trust (--trust-tip). Running the
    same command again changes nothing; it only restores what was lost.

    New books get a key that signs their commits. Add its line, printed here and by
    `books show-key`, to the aggregator's allowed signers.

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
    print_init(report, unchanged="the home exists already")
    if started:
        click.echo("started with an empty price book and the default ladder; next: `books push`")
