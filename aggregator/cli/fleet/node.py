"""`node ...`: set nodes up on the forge, and change them."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aggregator.cli.context import Context, OwnFiles, json_option
from aggregator.cli.fleet.task import Task, files_options, home_of, home_option, read_line, wait
from gitmeter.roles.role import NODE_ROLES, NodeRole
from gitmeter.support.errors import ExitCode
from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, print_json

if TYPE_CHECKING:
    from aggregator.forge.interface import Listing

_KEY_HELP: Final = (
    "The line that `show-key` of its program prints, or the key alone; - reads standard input."
)

key_option = click.option("--key", metavar="LINE", help=_KEY_HELP)
role_option = click.option(
    "--role",
    type=click.Choice(NODE_ROLES),
    help="What it pushes: usage, a till's payments or what a desk of customer service does."
    " Default: as registered, or usage.",
)
allow_option = click.option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="Resources that it may bill, such as llm/*; may be repeated."
    " Default: as registered, or all.",
)


@click.group()
@files_options
@click.pass_obj
def node(context: Context, *, token_file: Path | None, webhook_secret_file: Path | None) -> None:
    """Set nodes up on the forge and register them.

    Every command may be run again: it adds what is missing and reports what is there already. The
    daemon picks up registrations by itself.
    """
    context.own_files = OwnFiles(token_file, webhook_secret_file)


@node.command()
@click.argument("name")
@key_option
@role_option
@allow_option
@click.option(
    "--adopt",
    is_flag=True,
    help="Use the repo of that name even if it was not made here or is not the one registered.",
)
@home_option
@json_option
@click.pass_obj
def add(  # noqa: PLR0913 - the options of the command
    context: Context,
    *,
    name: str,
    key: str | None,
    role: NodeRole | None,
    allow: tuple[str, ...],
    adopt: bool,
    home: str | None,
    as_json: bool,
) -> None:
    """Set up node NAME (repo, deploy key, branch protection, webhook) and register it.

    Prints the one command to run on the node afterwards. The node makes its own key, and the
    private half never leaves it. Tills and desks are nodes too; the role of a node stays.

    \b
    ssh embedder-01 node-pusher show-key --node embedder-01 |
        aggregator node add embedder-01 --key -
    ssh front till show-key --node till-1 |
        aggregator node add till-1 --role till --key -
    """
    from aggregator.fleet.known_hosts import host_keys
    from aggregator.fleet.setup.node_commands import init_command

    task = Task(context, as_json=as_json)
    line, known_hosts = read_line(key), task.known_hosts()
    outcome = task.run(
        lambda actions: actions.add(name, line, allow or None, role=role, adopt=adopt)
    )
    ssh_url, own = outcome.ssh_url or "", outcome.registration.role
    keys = () if known_hosts is None else host_keys(known_hosts, ssh_url)
    task.print_result(outcome, init_command(name, own, ssh_url, home_of(home, own), keys))


@node.command()
@click.argument("name")
@key_option
@role_option
@click.option(
    "--repo", metavar="REPO", help="The repo's name on the forge. Default: the node's first repo."
)
@allow_option
@home_option
@json_option
@click.pass_obj
def accept(  # noqa: PLR0913 - the options of the command
    context: Context,
    *,
    name: str,
    key: str | None,
    role: NodeRole | None,
    repo: str | None,
    allow: tuple[str, ...],
    home: str | None,
    as_json: bool,
) -> None:
    """Let an existing repo of the forge bill for node NAME; the forge is not changed.

    `node list` shows the pending repos. Also confirms the new name of a registered repo that was
    renamed, and then prints the command to run on the node.
    """
    from aggregator.fleet.setup.node_commands import set_remote_command

    task = Task(context, as_json=as_json)
    line = read_line(key)
    outcome = task.run(lambda actions: actions.accept(name, line, repo, allow or None, role=role))
    own = outcome.registration.role
    command = set_remote_command(own, outcome.ssh_url or "", home_of(home, own))
    task.print_result(outcome, command if outcome.is_moved else None)


@node.command("rotate-key")
@click.argument("name")
@key_option
@click.option("--close", is_flag=True, help="Close all keys of the node but the newest.")
@json_option
@click.pass_obj
def rotate_key(context: Context, *, name: str, key: str | None, close: bool, as_json: bool) -> None:
    """Register the next key of node NAME, or close those before it.

    \b
    1. on the node: node-pusher rotate-key --prepare     prints the line of the next key
    2. here:        aggregator node rotate-key NAME --key LINE
    3. on the node: node-pusher rotate-key               pushes and signs with it from now on
    4. here:        aggregator node rotate-key NAME --close
    """
    if close == (key is not None):
        raise click.UsageError("give either --key LINE or --close")
    task = Task(context, as_json=as_json)
    line = read_line(key)
    task.print_result(
        task.run(
            lambda actions: actions.close(name) if line is None else actions.rotate(name, line)
        ),
    )


@node.command()
@click.argument("name")
@click.argument("suffix")
@home_option
@json_option
@click.pass_obj
def rollover(context: Context, *, name: str, suffix: str, home: str | None, as_json: bool) -> None:
    """Set up the next repo of node NAME, with SUFFIX (such as 2027) in its name.

    Prints the command to run on the node. Both repos are read from now on, and seqs continue.
    """
    from aggregator.fleet.setup.node_commands import rollover_command

    task = Task(context, as_json=as_json)
    outcome = task.run(lambda actions: actions.rollover(name, suffix))
    own = outcome.registration.role
    command = rollover_command(own, outcome.ssh_url or "", home_of(home, own))
    task.print_result(outcome, command)


@node.command()
@click.argument("name")
@click.option("--repo", metavar="REPO", help="Only this previous repo of the node.")
@json_option
@click.pass_obj
def retire(context: Context, *, name: str, repo: str | None, as_json: bool) -> None:
    """Retire node NAME: delete its deploy keys, and archive its repos on the forge.

    What it pushed is still read and billed, so push and pull first. Its name stays reserved. After
    a rollover `--repo` retires a previous repo alone; then `aggregator archive` can pack it.
    """
    task = Task(context, as_json=as_json)
    task.print_result(task.run(lambda actions: actions.retire(name, repo)))


@node.command("list")
@json_option
@click.pass_obj
def list_nodes(context: Context, *, as_json: bool) -> int:
    """Show the registered nodes and the pending repos.

    A pending repo is named like a node's, but no registration names it, so that it bills nothing.
    Exits with 75 if the forge does not answer, and with 1 if a registration cannot be used; the
    others are shown nevertheless.
    """
    from aggregator.config.nodes_dir import read_registrations
    from aggregator.fleet.overview import HEADERS, overview, rows
    from aggregator.forge import open_forge
    from aggregator.forge.interface import ForgeError

    config = context.config()
    listing: Listing | None = None
    failure: ForgeError | None = None
    if config.forge is not None:
        try:
            listing = open_forge(config.forge, wait).list_repos()
        except ForgeError as error:
            failure = error
    shown = overview(config, read_registrations(config.nodes_dir), listing)
    if as_json:
        print_json(shown)
    else:
        print_table(HEADERS, rows(shown))
        for repo in shown["pending"] or ():
            click.echo(f"pending: {escape(repo)}: `aggregator node accept` lets it bill")
        for fault in shown["faults"].values():
            click.echo(escape(f"fault: {fault}"), err=True)
    if failure is not None:
        raise failure
    return ExitCode.FAILED if shown["faults"] else ExitCode.OK
