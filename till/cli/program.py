"""The program `till`: its options, and where each command is."""

from pathlib import Path
from typing import Final

import click

from front.config_file import ConfigFile, default_path
from gitmeter.support.lazy_group import LazyCommand, LazyGroup
from node_pusher.cli.home import ROLE_KEY
from node_pusher.cli.program import COMMANDS as NODE_COMMANDS
from till.cli.common import CONFIG_KEY

_SHARED: Final = ("push", "log", "rollover", "rotate-key", "show-key", "set-remote")
_COMMANDS: Final = {
    "config-example": LazyCommand(
        "till.cli.common:config_example", "Print a till.toml to start from, with every key."
    ),
    "init": LazyCommand("till.cli.init:init", "Make this folder the home of a till."),
    "serve": LazyCommand(
        "till.cli.serve:serve", "Take events of providers and offer checkouts, until SIGTERM."
    ),
    "sweep": LazyCommand(
        "till.cli.sweep:sweep",
        "Ask providers about everything that may have moved, and write the lines that are missing.",
    ),
    "refund": LazyCommand(
        "till.cli.refund:refund",
        "Give AMOUNT of PAYMENT back at the provider, or all of it.",
    ),
    "charge": LazyCommand(
        "till.cli.charge:charge", "Charge saved cards of accounts that are due, until SIGTERM."
    ),
    "attempts": LazyCommand(
        "till.cli.charge:attempts", "List attempts to charge saved cards, with what became of them."
    ),
    "start-again": LazyCommand(
        "till.cli.charge:start_again", "Let cards be charged again after the fuse has blown."
    ),
    "status": LazyCommand(
        "till.cli.examine:status",
        "Show what waits, what came last, and what fails, without asking anybody.",
    ),
    "doctor": LazyCommand(
        "till.cli.examine:doctor", "Check everything that this till needs, and say what to do."
    ),
    "acknowledge": LazyCommand(
        "till.cli.examine:acknowledge",
        "Say that a person has looked at movements which `till status` shows as faults.",
    ),
} | {name: NODE_COMMANDS[name] for name in _SHARED}


@click.group(
    cls=LazyGroup,
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="gitmeter")
@click.option(
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TILL_CONFIG",
    default=default_path("till"),
    show_default=True,
    show_envvar=True,
    help="The configuration.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TILL_HOME",
    show_envvar=True,
    help="The home of the till.  [default: as the configuration says]",
)
@click.pass_context
def cli(context: click.Context, config_path: Path, home: Path | None) -> None:
    """Take payments: what payment providers did becomes lines that the aggregator reads.

    What a provider says is on disk when it is told so, pushed at once, and in the balance as soon
    as the aggregator has pulled it.

    \b
    First steps:
      till config-example > /etc/gitmeter/till.toml
      till init --node till-1 --remote https://forge.example/ops/till-1.git
      till doctor
      till serve
    """
    context.obj = home or ConfigFile("till", config_path).home()
    context.meta[CONFIG_KEY] = config_path
    context.meta[ROLE_KEY] = "till"
