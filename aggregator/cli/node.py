"""`node ...` and `forge ...`: set nodes up on the forge, change them, and check the forge."""

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
_KEY_HELP: Final = (
    "The line that `node-pusher show-key` prints, or the key alone; - reads standard input."
)

key_option = click.option("--key", metavar="LINE", help=_KEY_HELP)
allow_option = click.option(
    "--allow",
    multiple=True,
    metavar="PATTERN",
    help="Resources that it may bill, such as llm/*; may be repeated."
    " Default: as registered, or all.",
)
home_option = click.option(
    "--home", default=_HOME, show_default=True, help="The node's home, on the node."
)


def files_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add options for the secrets of the person who sets nodes up, if not the daemon's."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--webhook-secret-file", type=file, envvar="AGGREGATOR_WEBHOOK_SECRET_FILE",
                     show_envvar=True, help="Instead of [listen] webhook_secret_file."),
        click.option("--token-file", type=file, envvar="AGGREGATOR_FORGE_TOKEN_FILE",
                     show_envvar=True, help="Instead of [forge] token_file: the daemon's token"
                     " needs only read access, this one write access too."),
    ):  # fmt: skip
        command = option(command)
    return command


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
@allow_option
@click.option(
    "--adopt",
    is_flag=True,
    help="Use the repo of that name even if it is not empty or not the one registered.",
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
    """Set up node NAME (repo, deploy key, branch protection, webhook) and register it.

    Prints the one command to run on the node afterwards. The node makes its own key, and the
    private half never leaves it:

    \b
    ssh embedder-01 node-pusher show-key --node embedder-01 |
        aggregator node add embedder-01 --key -
    """
    from aggregator.fleet.setup.node_commands import host_keys, init_command

    desk = Desk(context, as_json=as_json)
    line, known_hosts = read_line(key), desk.known_hosts()
    outcome = desk.run(lambda actions: actions.add(name, line, allow or None, adopt=adopt))
    ssh_url = outcome.ssh_url or ""
    keys = () if known_hosts is None else host_keys(known_hosts, ssh_url)
    desk.print_result(outcome, init_command(name, ssh_url, PurePosixPath(home), keys))


@node.command()
@click.argument("name")
@key_option
@click.option(
    "--repo", metavar="REPO", help="The repo's name on the forge. Default: the node's first repo."
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
    """Let an existing repo of the forge bill for node NAME; the forge is not changed.

    `node list` shows the pending repos. Also for a registered repo that was renamed.
    """
    desk = Desk(context, as_json=as_json)
    line = read_line(key)
    desk.print_result(desk.run(lambda actions: actions.accept(name, line, repo, allow or None)))


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
    desk = Desk(context, as_json=as_json)
    line = read_line(key)
    desk.print_result(
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
    """Set up the next repo of node NAME, with SUFFIX (such as 2027) in its name.

    Prints the command to run on the node. Both repos are read from now on, and seqs continue.
    """
    from aggregator.fleet.setup.node_commands import rollover_command

    desk = Desk(context, as_json=as_json)
    outcome = desk.run(lambda actions: actions.rollover(name, suffix))
    desk.print_result(outcome, rollover_command(outcome.ssh_url or "", PurePosixPath(home)))


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
    desk = Desk(context, as_json=as_json)
    desk.print_result(desk.run(lambda actions: actions.retire(name, repo)))


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


@click.group()
@files_options
@click.pass_obj
def forge(context: Context, *, token_file: Path | None, webhook_secret_file: Path | None) -> None:
    """Check how the forge is set up, and renew the webhook."""
    context.own_files = OwnFiles(token_file, webhook_secret_file)


@forge.command()
@json_option
@click.pass_obj
def check(context: Context, *, as_json: bool) -> int:
    """List everything on the forge that is not as it should be, and how to correct it.

    Exits with 1 if there is anything, or if something could not be looked at. The daemon checks
    once a day and files incidents.
    """
    from aggregator.config.nodes_dir import read_registrations
    from aggregator.fleet.drift.comparison import check as check_forge
    from aggregator.fleet.setup.registry import forge_config
    from aggregator.forge import open_forge

    config = context.config()
    with commits_progress() as on_progress:
        drifts, unseen = check_forge(
            open_forge(forge_config(config), wait),
            config,
            read_registrations(config.nodes_dir),
            lambda done, total: on_progress("repos", done, total),
        )
    if as_json:
        print_json({"drifts": [drift._asdict() for drift in drifts], "unseen": unseen})
    else:
        for drift in drifts:
            click.echo(escape(f"{drift.repo or 'forge'}: {drift.what}: {drift.sentence}"))
        for repo, reason in unseen.items():
            click.echo(escape(f"{repo or 'forge'}: not looked at: {reason}"))
        click.echo(_summary(len(drifts), len(unseen)))
    return ExitCode.FAILED if drifts or unseen else ExitCode.OK


def _summary(drifts: int, unseen: int) -> str:
    if not drifts and not unseen:
        return "as it should be"
    words = [counted(drifts, "drift")] if drifts else []
    return ", ".join([*words, f"{unseen} not looked at"] if unseen else words)


@forge.command()
@json_option
@click.pass_obj
def hook(context: Context, *, as_json: bool) -> None:
    """Replace the webhook, for example after a change of its secret.

    A forge never shows the secret of a webhook, so `forge check` cannot detect a wrong one; the
    daemon's log and /metrics show it.
    """
    desk = Desk(context, as_json=as_json)
    desk.run(lambda actions: actions.hook())
    desk.print_result()
