"""The program `aggregator`: parses, calls, prints.

Owns: one module for each group of commands (`accounts`, `findings`, `backup`, `ledger`,
`configure`, `node`, `node_desk`, `notices`), what they share (`context`, `git_lines`), `logs` and
`progress`.
Does not own: anything that a program in Python could not call.
"""

from pathlib import Path

import click

from aggregator.cli import accounts, backup, configure, findings, ledger, node, notices
from aggregator.cli.context import Context, LedgerGroup
from aggregator.config.settings import CONFIG_PATH_DEFAULT
from gitmeter.support.entry import run


@click.group(
    cls=LedgerGroup,
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


for command in (
    *configure.COMMANDS,
    *ledger.COMMANDS,
    *accounts.COMMANDS,
    *findings.COMMANDS,
    *backup.COMMANDS,
    *node.COMMANDS,
    *notices.COMMANDS,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of the program."""
    run(cli, "aggregator")
