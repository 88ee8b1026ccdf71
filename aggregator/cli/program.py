"""The program `aggregator`: its options, and where each command is."""

from pathlib import Path
from typing import Final

import click

from aggregator.cli.context import Context, LedgerGroup
from aggregator.config.document import CONFIG_PATH_DEFAULT
from gitmeter.support.lazy_group import LazyCommand

_COMMANDS: Final = {
    "init": LazyCommand(
        "aggregator.cli.configure:init",
        "Write a commented configuration to start from, at --config FILE.",
    ),
    "config": LazyCommand("aggregator.cli.configure:config", "Look at the configuration."),
    "pull": LazyCommand(
        "aggregator.cli.ledger:pull",
        "Look at every repo once, fetch and apply what is new, and print a line for each.",
    ),
    "run": LazyCommand(
        "aggregator.cli.ledger:run", "Run as a daemon: pull every few minutes until a signal comes."
    ),
    "verify": LazyCommand(
        "aggregator.cli.ledger:verify",
        "Recompute the ledger from the accepted commits and compare; exits with 1 if it differs.",
    ),
    "rebuild": LazyCommand(
        "aggregator.cli.ledger:rebuild",
        "Make the database again from the accepted commits and put it in place of the old one.",
    ),
    "balance": LazyCommand(
        "aggregator.cli.accounts:balance", "Show what USER has left, or everybody."
    ),
    "charges": LazyCommand(
        "aggregator.cli.accounts:charges", "Show what USER was charged, hour by hour."
    ),
    "explain": LazyCommand(
        "aggregator.cli.accounts:explain",
        "Explain the charge of USER for RESOURCE in HOUR (such as 2026-11-21T13), line by line.",
    ),
    "reprice": LazyCommand(
        "aggregator.cli.accounts:reprice",
        "Show what balances would be under a proposed rule book, before anybody commits it.",
    ),
    "nodes": LazyCommand(
        "aggregator.cli.findings:nodes",
        "Show where every repo stands: cursor, gaps, epochs, incidents.",
    ),
    "incidents": LazyCommand(
        "aggregator.cli.findings:incidents",
        "Show what a person has to look at, what to do,"
        " and the command of a decision that ends it.",
    ),
    "rejects": LazyCommand(
        "aggregator.cli.findings:rejects",
        "Show lines and files that are not valid, with where and why.",
    ),
    "held": LazyCommand(
        "aggregator.cli.findings:held",
        "Show well-formed lines that are not billed: where, why, and what a decision would change.",
    ),
    "rewrites": LazyCommand(
        "aggregator.cli.findings:rewrites",
        "Show histories that wait for a decision:"
        " what accepting them would repeat, add and change.",
    ),
    "decisions": LazyCommand(
        "aggregator.cli.findings:decisions",
        "Show what the operator decided, who and why, and decisions that are about nothing here.",
    ),
    "backup": LazyCommand(
        "aggregator.cli.backup:backup", "Save the ledger and every billed commit in FILE, one tar."
    ),
    "restore": LazyCommand(
        "aggregator.cli.backup:restore", "Put the state saved in FILE in place, and prove it."
    ),
    "archive": LazyCommand(
        "aggregator.cli.backup:archive",
        "Pack the mirror of REPO, which is read no more, into one file.",
    ),
    "unarchive": LazyCommand(
        "aggregator.cli.backup:unarchive", "Make the mirror of REPO again from its archive."
    ),
    "node": LazyCommand("aggregator.cli.node:node", "Set nodes up on the forge and register them."),
    "forge": LazyCommand("aggregator.cli.node:forge", "Compare the forge with what it should be."),
    "notices": LazyCommand(
        "aggregator.cli.notices:notices",
        "Show what was told of the last 90 days: when,"
        " how often it was tried, and what came of it.",
    ),
}


@click.group(
    cls=LedgerGroup,
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CONFIG_PATH_DEFAULT,
    envvar="AGGREGATOR_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Database and mirrors; goes before $AGGREGATOR_STATE and the configuration.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more to standard error.")
@click.version_option(package_name="gitmeter")
@click.pass_context
def cli(context: click.Context, config_path: Path, state: Path | None, *, verbose: bool) -> None:
    """Read usage and payments from git and keep every user's prepaid balance.

    Git is the only source of truth: the database is an index that can be deleted and made again to
    the same digest.

    \b
    First steps:
      aggregator --config aggregator.toml init      write a configuration to start from
      aggregator --config aggregator.toml pull      read all repos once
      aggregator --config aggregator.toml balance   what everybody has left
      aggregator --config aggregator.toml verify    prove it against git
    """
    context.obj = Context(config_path, state, verbose=verbose)
