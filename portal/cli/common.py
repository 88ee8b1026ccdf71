"""What commands share: the configuration, and the clock."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from front.config_file import ConfigFile

if TYPE_CHECKING:
    from portal.config.tables import PortalConfig

CONFIG_KEY: Final = "gitmeter.portal.config"
"""The key in click's context for the path of the configuration."""


@click.command("config-example")
def config_example() -> None:
    """Print a portal.toml to start from, with every key.

    \b
    portal config-example > /etc/gitmeter/portal.toml
    """
    from portal.config.example import EXAMPLE

    click.echo(EXAMPLE, nl=False)


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def loaded_config() -> "PortalConfig":
    """The configuration of this run.

    Raises:
        ConfigFileError: it cannot be used.
    """
    from portal.config.tables import PortalConfig

    path: Path = click.get_current_context().meta[CONFIG_KEY]
    return ConfigFile("desk", path).load(PortalConfig)
