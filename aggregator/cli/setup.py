"""`init` and `config`: from nothing to a configuration that can be used."""

import click

from aggregator.cli.context import Context, json_option
from aggregator.config import EXAMPLE
from support.errors import GitmeterError
from support.terminal import print_json


@click.command()
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
@click.pass_obj
def init(context: Context, *, force: bool, as_json: bool) -> None:
    """Write a commented configuration to start from, at --config FILE."""
    path = context.config_path
    if path.exists() and not force:
        raise GitmeterError(f"{path} is there already", hint="edit it, or use --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EXAMPLE)
    except OSError as error:
        raise GitmeterError(
            f"{path} cannot be written: {error.strerror}", hint="choose another --config FILE"
        ) from error
    if as_json:
        print_json({"config": str(path)})
        return
    click.echo(f"wrote {path}\nnext: add your repos to it, then `aggregator --config {path} pull`")


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@json_option
@click.pass_obj
def check(context: Context, *, as_json: bool) -> None:
    """Check the configuration and show what it comes to; every fault is listed with its key."""
    found = context.config()
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    click.echo(f"{context.config_path}: good")
    click.echo(f"state: {found.state}")
    for repo in found.repo:
        click.echo(f"repo: {repo.name} ({repo.role} of {repo.node}) {repo.url} {repo.branch}")
    if not found.repo:
        click.echo("no repos yet: add a [[repo]] table for each")


COMMANDS = (init, config)
