"""`node ...` and `forge ...`: nodes set up on the forge, changed, and checked."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import click

from aggregator.cli.context import Context, OwnFiles, json_option
from aggregator.cli.node_desk import Desk, read_line, wait
from aggregator.cli.progress import commits_progress
from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import counted, escape, print_json, print_table

if TYPE_CHECKING:
    from aggregator.forge.interface import Listing

_HOME: Final = "/var/lib/node-pusher"
_KEY_HELP: Final = "The line of `node-pusher show-key`, or the key alone; - reads it from input."

key_option = click.option("--key", metavar="LINE", help=_KEY_HELP)
allow_option = click.option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="Resources that it may bill, such as llm/*; may be repeated. Without: as before, or all.",
)
home_option = click.option(
    "--home", default=_HOME, show_default=True, help="The node's folder, on the node."
)


def files_options(command: Callable[..., None]) -> Callable[..., None]:
    """The secrets of whoever sets things up, where they are not those of the daemon."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--webhook-secret-file", type=file, envvar="AGGREGATOR_WEBHOOK_SECRET_FILE",
                     show_envvar=True, help="In place of [listen] webhook_secret_file."),
        click.option("--token-file", type=file, envvar="AGGREGATOR_FORGE_TOKEN_FILE",
                     show_envvar=True, help="In place of [forge] token_file: the daemon's needs"
                     " only to read, this one must be allowed to write."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
@files_options
@click.pass_obj
def node(context: Context, *, token_file: Path | None, webhook_secret_file: Path | None) -> None:
    """Set nodes up on the forge and register them.

    Every command may be run again: it mends what is missing and says what was there. The daemon
    takes registrations up by itself.
    """
    context.own_files = OwnFiles(token_file, webhook_secret_file)


@node.command()
@click.argument("name")
@key_option
@allow_option
@click.option(
    "--adopt",
    is_flag=True,
    help="Take a repo of its name though it is not empty, or another than was registered.",
)
@home_option
@json_option
@click.pass_obj
def add(
    context: Context,
    *,
    name: str,
    key: str | None,
    allow: tuple[str, ...],
    adopt: bool,
    home: str,
    as_json: bool,
) -> None:
    """Set up node NAME: its repo, its key, the branch's protection, the webhook; and register it.

    Prints the one command to paste on the node then. The key is made there and its private half
    never leaves it:

    \b
    ssh embedder-01 node-pusher show-key --node embedder-01 |
        aggregator node add embedder-01 --key -
    """
    from aggregator.fleet.node_commands import host_keys, init_command

    desk = Desk(context, as_json=as_json)
    line, known_hosts = read_line(key), desk.known_hosts()
    outcome = desk.run(lambda actions: actions.add(name, line, allow or None, adopt=adopt))
    ssh_url = outcome.ssh_url or ""
    keys = () if known_hosts is None else host_keys(known_hosts, ssh_url)
    desk.tell(outcome, init_command(name, ssh_url, PurePosixPath(home), keys))


@node.command()
@click.argument("name")
@key_option
@click.option(
    "--repo", metavar="REPO", help="What the forge calls it; without: the node's first one."
)
@allow_option
@json_option
@click.pass_obj
def accept(
    context: Context,
    *,
    name: str,
    key: str | None,
    repo: str | None,
    allow: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let a repo that is on the forge already bill for node NAME; nothing is changed there.

    `node list` shows the repos that wait for this. Also for a registered repo that was renamed.
    """
    desk = Desk(context, as_json=as_json)
    line = read_line(key)
    desk.tell(desk.run(lambda actions: actions.accept(name, line, repo, allow or None)))


@node.command("rotate-key")
@click.argument("name")
@key_option
@click.option("--close", is_flag=True, help="End all keys of the node but the newest.")
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
        raise click.UsageError("either --key LINE or --close")
    desk = Desk(context, as_json=as_json)
    line = read_line(key)
    desk.tell(
        desk.run(
            lambda actions: actions.close(name) if line is None else actions.rotate(name, line)
        ),
    )


@node.command()
@click.argument("name")
@click.argument("suffix")
@home_option
@json_option
@click.pass_obj
def rollover(context: Context, *, name: str, suffix: str, home: str, as_json: bool) -> None:
    """Set up the next repo of node NAME, told apart by SUFFIX, such as 2027.

    Prints the command to paste on the node. Both repos are read from now on; numbers go on.
    """
    from aggregator.fleet.node_commands import rollover_command

    desk = Desk(context, as_json=as_json)
    outcome = desk.run(lambda actions: actions.rollover(name, suffix))
    desk.tell(outcome, rollover_command(outcome.ssh_url or "", PurePosixPath(home)))


@node.command()
@click.argument("name")
@click.option("--repo", metavar="REPO", help="Only this repo of it, which it went on from.")
@json_option
@click.pass_obj
def retire(context: Context, *, name: str, repo: str | None, as_json: bool) -> None:
    """Let node NAME push no more: its keys go, its repos are archived on the forge.

    What it pushed is still read and billed, so push and pull before. Its name stays its own. After
    a rollover `--repo` does this for the repo before alone; then `aggregator archive` may pack it.
    """
    desk = Desk(context, as_json=as_json)
    desk.tell(desk.run(lambda actions: actions.retire(name, repo)))


@node.command("list")
@json_option
@click.pass_obj
def list_nodes(context: Context, *, as_json: bool) -> None:
    """Show the registered nodes, and repos on the forge that are called like one and bill nothing.

    Exits with 75 when the forge does not answer; the nodes are shown all the same.
    """
    from aggregator.config.nodes_dir import load_registrations
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
    shown = overview(config, load_registrations(config.nodes_dir), listing)
    if as_json:
        print_json(shown)
    else:
        print_table(HEADERS, rows(shown))
        for repo in shown["pending"] or ():
            click.echo(f"pending: {escape(repo)}: `aggregator node accept` lets it bill")
    if failure is not None:
        raise failure


@click.group()
@files_options
@click.pass_obj
def forge(context: Context, *, token_file: Path | None, webhook_secret_file: Path | None) -> None:
    """Compare the forge with what it should be."""
    context.own_files = OwnFiles(token_file, webhook_secret_file)


@forge.command()
@json_option
@click.pass_obj
def check(context: Context, *, as_json: bool) -> int:
    """Name everything on the forge that is not as it should be, and what mends it.

    Exits with 1 if there is any. The daemon does this every day and files incidents.
    """
    from aggregator.config.nodes_dir import load_registrations
    from aggregator.fleet.drift import check as check_forge
    from aggregator.fleet.registry import forge_config
    from aggregator.forge import open_forge

    config = context.config()
    with commits_progress() as on_progress:
        drifts = check_forge(
            open_forge(forge_config(config), wait),
            config,
            load_registrations(config.nodes_dir),
            lambda done, total: on_progress("repos", done, total),
        )
    if as_json:
        print_json([drift._asdict() for drift in drifts])
    else:
        for drift in drifts:
            click.echo(escape(f"{drift.repo or 'forge'}: {drift.what}: {drift.sentence}"))
        click.echo(counted(len(drifts), "drift") if drifts else "as it should be")
    return ExitCode.FAILED if drifts else ExitCode.OK


@forge.command()
@json_option
@click.pass_obj
def hook(context: Context, *, as_json: bool) -> None:
    """Make the webhook anew, as after a change of its secret.

    A forge never shows the secret of a webhook, so `forge check` cannot tell a wrong one; the
    daemon's log and /metrics do.
    """
    desk = Desk(context, as_json=as_json)
    desk.run(lambda actions: actions.hook())
    desk.tell()
