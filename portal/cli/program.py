"""The program `portal`: its options, and where each command is."""

from pathlib import Path
from typing import Final

import click

from front.config_file import ConfigFile, default_path
from gitmeter.support.lazy_group import LazyCommand, LazyGroup
from node_pusher.cli.home import ROLE_KEY
from node_pusher.cli.program import COMMANDS as NODE_COMMANDS
from portal.cli.common import CONFIG_KEY

_SHARED: Final = ("push", "status", "log", "rollover", "rotate-key", "show-key", "set-remote")
_COMMANDS: Final = {
    "config-example": LazyCommand(
        "portal.cli.common:config_example", "Print a portal.toml to start from, with every key."
    ),
    "init": LazyCommand("portal.cli.init:init", "Make this folder the home of a desk."),
    "identity": LazyCommand(
        "portal.cli.identity:identity",
        "Say which account a person has whom an issuer vouches for, and forget it.",
    ),
    "serve": LazyCommand("portal.cli.serve:serve", "Answer over HTTP, until SIGTERM."),
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
    envvar="PORTAL_CONFIG",
    default=default_path("desk"),
    show_default=True,
    show_envvar=True,
    help="The configuration.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PORTAL_HOME",
    show_envvar=True,
    help="The home of the desk.  [default: as the configuration says]",
)
@click.pass_context
def cli(context: click.Context, config_path: Path, home: Path | None) -> None:
    """Show accounts what they have, over HTTP, and take what they settle.

    Everything shown is read from a ledger; what is settled becomes lines of a desk, in a repo of
    its own, which count once the aggregator has pulled them.

    \b
    First steps:
      portal config-example > /etc/gitmeter/portal.toml
      portal init --node desk-1 --remote https://forge.example/ops/desk-1.git
      portal serve
    """
    context.obj = home or ConfigFile("desk", config_path).home()
    context.meta[CONFIG_KEY] = config_path
    context.meta[ROLE_KEY] = "desk"
