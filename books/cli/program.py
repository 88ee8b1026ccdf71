"""The program `books`: its options, and where each command is."""

from pathlib import Path
from typing import Final

import click

from gitmeter.roles.role import HOMES
from gitmeter.support.lazy_group import LazyCommand, LazyGroup
from node_pusher.cli.home import ROLE_KEY
from node_pusher.cli.program import COMMANDS as NODE_COMMANDS

_SHARED: Final = ("push", "resend", "status", "rotate-key", "show-key", "set-remote", "doctor")
_COMMANDS: Final = {
    "init": LazyCommand("books.cli.init:init", "Make this folder the home of the books."),
    "pay": LazyCommand("books.cli.money:pay", "Record that USER paid AMOUNT."),
    "grant": LazyCommand(
        "books.cli.grants.grant:grant",
        "Grant USER a credit of AMOUNT in USD; unlike a payment it starts no discount.",
    ),
    "refund": LazyCommand(
        "books.cli.money:refund", "Record that USER got AMOUNT of a payment back."
    ),
    "adjust": LazyCommand(
        "books.cli.money:adjust",
        "Correct the balance of USER by AMOUNT in USD, which may be negative.",
    ),
    "void": LazyCommand("books.cli.grants.void:void", "End the grant REF, from an hour on."),
    "account": LazyCommand(
        "books.cli.accounts.account:account",
        "Suspend and reopen accounts, and state their settings.",
    ),
    "key": LazyCommand("books.cli.accounts.key:key", "Make and revoke keys of accounts."),
    "staff": LazyCommand(
        "books.cli.accounts.staff:staff",
        "Say what IDENTITY may do at the desks: ROLE is a name that the portal knows.",
    ),
    "plan": LazyCommand(
        "books.cli.accounts.plan:plan",
        "Settle which plan an account has, period by period, and renew plans.",
    ),
    "log": LazyCommand("books.cli.log:log", "Show what was entered in these books, newest first."),
    "decide": LazyCommand(
        "books.cli.decide:decide",
        "Decide on what the aggregator holds: each decision is a line of the books.",
    ),
    "reconcile": LazyCommand(
        "books.cli.reconcile.command:reconcile",
        "Compare the lines of tills with what their providers say.",
    ),
    "rules": LazyCommand(
        "books.cli.rules:rules", "Show and check the rule book, and change it with a reviewed file."
    ),
    "prices": LazyCommand(
        "books.cli.prices:prices", "Import prices of language models into the rule book."
    ),
} | {name: NODE_COMMANDS[name] for name in _SHARED}


@click.group(
    cls=LazyGroup,
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="gitmeter")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="BOOKS_HOME",
    default=HOMES["books"],
    show_default=True,
    show_envvar=True,
    help="The home of the books.",
)
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Keep the operator's books: who paid what, and what usage costs.

    What is recorded here is on disk when a command returns, and moves a balance once it has been
    pushed and the aggregator has pulled it.

    \b
    First steps:
      books init --remote https://forge.example/ops/billing-books.git
      books rules set prices.toml
      books pay alice 50.00
      books push
    """
    context.obj = home
    context.meta[ROLE_KEY] = "books"
