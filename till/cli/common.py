"""What commands share: the configuration, an open till, and pushing what was written."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from front.config_file import ConfigFile
from gitmeter.support.errors import GitmeterError
from gitmeter.support.terminal import escape

if TYPE_CHECKING:
    from till.config.accounts import TillAccount
    from till.config.charge import ChargeTable
    from till.config.tables import TillConfig
    from till.intake.till import Till

CONFIG_KEY: Final = "gitmeter.till.config"
"""The key in click's context for the path of the configuration."""


class WrongTillError(GitmeterError):
    """A command is of the other kind of till."""


@click.command("config-example")
def config_example() -> None:
    """Print a till.toml to start from, with every key.

    \b
    till config-example > /etc/gitmeter/till.toml
    """
    from till.config.example import EXAMPLE

    click.echo(EXAMPLE, nl=False)


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def loaded_config() -> "TillConfig":
    """The configuration of this run.

    Raises:
        ConfigFileError: it cannot be used.
    """
    from till.config.tables import TillConfig

    path: Path = click.get_current_context().meta[CONFIG_KEY]
    return ConfigFile("till", path).load(TillConfig)


@contextmanager
def opened(home: Path) -> "Iterator[Till]":
    """The till of this run, open."""
    from till.intake.till import open_till

    with open_till(loaded_config(), home, utc_now) as till:
        yield till


@contextmanager
def opened_intake(home: Path) -> "Iterator[Till]":
    """The till of this run, open, which must be one that takes payments in.

    Raises:
        WrongTillError: it charges saved cards.
    """
    if loaded_config().charge is not None:
        raise WrongTillError(
            "this till charges saved cards, and takes no payments in",
            hint="run that command with the home and the till.toml of the till that does; this one"
            " runs `till charge`",
        )
    with opened(home) as till:
        yield till


def the_limits(till: "Till") -> "ChargeTable":
    """What the configuration says of charging.

    Raises:
        WrongTillError: it says nothing.
    """
    if till.config.charge is None:
        raise WrongTillError(
            "this till charges no cards: its till.toml has no [charge]",
            hint="a till that charges has a home, a till.toml and a key of its own:"
            " `till config-example` shows its [charge]",
        )
    return till.config.charge


def the_account(till: "Till", name: str | None) -> "TillAccount":
    """The account that is meant.

    Raises:
        UnknownAccountError: there is none of that name.
        UsageError: none is named, and there are several.
    """
    names = [*till.accounts.by_name]
    if name is None and len(names) > 1:
        raise click.UsageError(f"name one with --account: {', '.join(names)}")
    return till.accounts.named(name or names[0])


def push_written(till: "Till") -> None:
    """Push what was written; what cannot be pushed is told, and waits."""
    from front.once import push_and_tell

    report, untold = push_and_tell(till.home, till.config.hint, utc_now())
    for remark in filter(None, (report.remark, untold)):
        click.echo(f"warning: {escape(remark)}", err=True)
