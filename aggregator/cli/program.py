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
    "config": LazyCommand("aggregator.cli.configure:config", "Check the configuration."),
    "pull": LazyCommand(
        "aggregator.cli.ledger:pull",
        "Read every repo once, bill what is new, and print a line for each repo.",
    ),
    "pull-now": LazyCommand(
        "aggregator.cli.ledger:pull_now",
        "Make the daemon look at REPOS at once, or at all repos, and print what it found.",
    ),
    "run": LazyCommand(
        "aggregator.cli.ledger:run",
        "Run as a daemon: pull every few minutes until a signal stops it.",
    ),
    "verify": LazyCommand(
        "aggregator.cli.ledger:verify",
        "Recompute the ledger from the accepted commits, and compare.",
    ),
    "rebuild": LazyCommand(
        "aggregator.cli.ledger:rebuild",
        "Rebuild the database from the accepted commits and replace the old one.",
    ),
    "balance": LazyCommand(
        "aggregator.cli.accounts:balance", "Show the balance of USER, or of all users."
    ),
    "grants": LazyCommand(
        "aggregator.cli.terms.grants:grants",
        "Show the grants of USER: what each is worth, what it paid, and what is left.",
    ),
    "entitlements": LazyCommand(
        "aggregator.cli.terms.entitlements:entitlements",
        "Show what USER may use now: the plan, what is left of it, and what can be spent.",
    ),
    "accounts": LazyCommand(
        "aggregator.cli.terms.accounts:accounts",
        "Show the accounts whose plans are to be renewed, or that run out of money soon.",
    ),
    "charges": LazyCommand(
        "aggregator.cli.accounts:charges", "Show what USER was charged, hour by hour."
    ),
    "explain": LazyCommand(
        "aggregator.cli.explain:explain",
        "Explain the charge of USER for RESOURCE in HOUR, down to the line.",
    ),
    "payments": LazyCommand(
        "aggregator.cli.payments:payments",
        "Show what came in, of USER or of all: what counts of it, by whom, from which commit.",
    ),
    "usage": LazyCommand(
        "aggregator.cli.reports.periods:usage",
        "Add up what USER used in a period, or what all users did.",
    ),
    "revenue": LazyCommand(
        "aggregator.cli.reports.periods:revenue", "Add up what was earned in a period."
    ),
    "liability": LazyCommand(
        "aggregator.cli.reports.periods:liability",
        "Add up what is owed to customers, paid and promotional apart.",
    ),
    "statement": LazyCommand(
        "aggregator.cli.reports.statement:statement",
        "Show the statement of USER for PERIOD, from its opening to its closing balance.",
    ),
    "changes": LazyCommand(
        "aggregator.cli.reports.changes:changes",
        "Show what changed in which balances since an earlier ledger, and by which commits.",
    ),
    "export": LazyCommand(
        "aggregator.cli.export.group:export",
        "Write files for other programs: every figure exact, every text as it is.",
    ),
    "reprice": LazyCommand(
        "aggregator.cli.accounts:reprice",
        "Show what balances would be under a proposed rule book, before it is committed.",
    ),
    "nodes": LazyCommand(
        "aggregator.cli.findings:nodes",
        "Show the state of every repo: cursor, gaps, epochs, incidents.",
    ),
    "incidents": LazyCommand(
        "aggregator.cli.findings:incidents",
        "Show what needs attention, what to do, and the command of a decision that ends it.",
    ),
    "unpriced": LazyCommand(
        "aggregator.cli.findings:unpriced",
        "Show usage that is not billed in full, of all users or of USER, and what mends it.",
    ),
    "rejects": LazyCommand(
        "aggregator.cli.findings:rejects",
        "Show lines and files that are not valid: where they are, and why.",
    ),
    "held": LazyCommand(
        "aggregator.cli.findings:held",
        "Show valid lines that are not billed: where, why, and what a decision would change.",
    ),
    "rewrites": LazyCommand(
        "aggregator.cli.findings:rewrites",
        "Show histories that await a decision, and what accepting them would change.",
    ),
    "decisions": LazyCommand(
        "aggregator.cli.findings:decisions",
        "Show the operator's decisions: who took them, why, and which have no effect.",
    ),
    "backup": LazyCommand(
        "aggregator.cli.backup:backup",
        "Save the ledger and every billed commit in the tar file FILE.",
    ),
    "restore": LazyCommand(
        "aggregator.cli.backup:restore", "Restore the state saved in FILE, and prove it."
    ),
    "archive": LazyCommand(
        "aggregator.cli.backup:archive",
        "Pack the mirror of REPO, which is no longer read, into one file.",
    ),
    "unarchive": LazyCommand(
        "aggregator.cli.backup:unarchive", "Restore the mirror of REPO from its archive."
    ),
    "node": LazyCommand(
        "aggregator.cli.fleet.node:node", "Set nodes up on the forge and register them."
    ),
    "forge": LazyCommand(
        "aggregator.cli.fleet.forge:forge",
        "Check how the forge is set up, and set up what is not a node's.",
    ),
    "topups": LazyCommand(
        "aggregator.cli.terms.topups:topups",
        "Show automatic payments, of USER or of all accounts: who is due, and who is not, and why.",
    ),
    "notices": LazyCommand(
        "aggregator.cli.notices:notices",
        "Show the notices of the last 90 days, and whether they were delivered.",
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
    help="Folder of the database and mirrors; overrides $AGGREGATOR_STATE and the configuration.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more to standard error.")
@click.version_option(package_name="gitmeter")
@click.pass_context
def cli(context: click.Context, config_path: Path, state: Path | None, *, verbose: bool) -> None:
    """Read usage and payments from git and keep every user's prepaid balance.

    Git is the only source of truth: the database can be deleted at any time and rebuilt to the same
    digest.

    \b
    First steps:
      aggregator --config aggregator.toml init      write a configuration to start from
      aggregator --config aggregator.toml pull      read all repos once
      aggregator --config aggregator.toml balance   show the balance of every user
      aggregator --config aggregator.toml verify    prove the ledger against git
    """
    context.obj = Context(config_path, state, verbose=verbose)
