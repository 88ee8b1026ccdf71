"""`books init`: make a folder the home of the books."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from books.cli.acts import by_option
from gitmeter.support.terminal import print_json
from node_pusher.cli.home import home_of, json_option, remote_options, vouched_of
from node_pusher.cli.init import init_values, print_init


@click.command()
@click.option("--node", default="books", show_default=True, help="The name of these books.")
@click.option(
    "--discounts",
    type=click.Choice(("default", "none")),
    default="default",
    show_default=True,
    help="The discount ladder of a new rule book.",
)
@by_option()
@remote_options
@json_option
@click.pass_obj
def init(
    home: Path,
    /,
    node: str,
    *,
    discounts: str,
    by: str,
    rejoin: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click passes options by name
) -> None:
    """Make this folder the home of the books.

    An empty repo gets an empty price book and a discount ladder as its first commit: half the list
    price for users who first paid 7 days ago or earlier, a quarter from 30 days on, for all but
    virtual machines; or none (--discounts none), so that everybody pays list prices. A
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
    from books.rule_book.rule_changes import ladder_text
    from books.start import NO_DISCOUNTS, init_books
    from wire_format.rule_book import DEFAULT_DISCOUNTS

    report, book = init_books(
        home_of(home, node, options),
        datetime.now(UTC),
        by,
        rejoin=rejoin,
        vouched=vouched_of(options),
        discounts=DEFAULT_DISCOUNTS if discounts == "default" else NO_DISCOUNTS,
    )
    ladders = [] if book is None else [ladder_text(ladder) for ladder in book.ladders]
    if as_json:
        print_json(
            init_values(report) | {"rule_book_started": book is not None, "discounts": ladders}
        )
        return
    print_init(report, unchanged="the home exists already")
    if book is None:
        return
    click.echo(f"discounts: {'; '.join(ladders) or 'none, everybody pays list prices'}")
    if ladders:
        click.echo("  `books rules edit discounts.toml` states others, or none")
    click.echo("started with an empty price book and these discounts; next: `books push`")
