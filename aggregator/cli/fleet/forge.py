"""`forge ...`: check the forge, set up books and webhook there, follow it when it moves."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aggregator.cli.context import Context, OwnFiles, json_option
from aggregator.cli.fleet.task import Task, files_options, home_of, home_option, wait
from aggregator.cli.progress import commits_progress
from gitmeter.support.errors import ExitCode
from gitmeter.support.table import print_table
from gitmeter.support.terminal import counted, escape, print_json

if TYPE_CHECKING:
    from aggregator.fleet.setup.moving import MovedRepo

_UNSEEN_SHOWN: Final = 10
"""The reason is mostly one for all; `--json` has every repo."""


@click.group()
@files_options
@click.pass_obj
def forge(context: Context, *, token_file: Path | None, webhook_secret_file: Path | None) -> None:
    """Check how the forge is set up, and set up what is not a node's."""
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
        drifts, unseen, readers = check_forge(
            open_forge(forge_config(config), wait),
            config,
            read_registrations(config.nodes_dir),
            lambda done, total: on_progress("repos", done, total),
        )
    if as_json:
        shown = [drift._asdict() for drift in drifts]
        print_json({"drifts": shown, "unseen": unseen, "readers": readers})
    else:
        for drift in drifts:
            click.echo(escape(f"{drift.repo or 'forge'}: {drift.what}: {drift.sentence}"))
        for repo, reason in list(unseen.items())[:_UNSEEN_SHOWN]:
            click.echo(escape(f"{repo or 'forge'}: not looked at: {reason}"))
        if readers:
            click.echo(escape(f"forge: may read repos: {', '.join(readers)}"))
        click.echo(_summary(len(drifts), len(unseen), forge_config(config).token_file))
    return ExitCode.FAILED if drifts or unseen else ExitCode.OK


def _summary(drifts: int, unseen: int, token_file: Path) -> str:
    if not drifts and not unseen:
        return "as it should be"
    words = [counted(drifts, "drift")] if drifts else []
    if unseen:
        words.append(f"{unseen} not looked at with the token in {token_file}")
    return ", ".join(words)


@forge.command()
@json_option
@click.pass_obj
def hook(context: Context, *, as_json: bool) -> None:
    """Replace the webhook, for example after a change of its secret.

    A forge never shows the secret of a webhook, so `forge check` cannot detect a wrong one; the
    daemon's log and /metrics show it.
    """
    task = Task(context, as_json=as_json)
    task.run(lambda actions: actions.hook())
    task.print_result()


@forge.command("add")
@click.argument("name")
@click.option("--adopt", is_flag=True, help="Use the repo of that name whoever made it.")
@click.option("--home", help="The home on its machine; else that of its program.")
@json_option
@click.pass_obj
def add_table(context: Context, *, name: str, adopt: bool, home: str | None, as_json: bool) -> None:
    """Set up the repo of the [[repo]] table NAME, such as the books, in the organisation.

    Makes the repo, lets the keys push that `allowed_signers_file` has for it, protects its branch,
    and prints the command to run on its machine. May be run again: it adds what is missing.

    \b
    books show-key --node books >> /etc/gitmeter/allowed_signers
    aggregator forge add books
    """
    from aggregator.fleet.setup.node_commands import books_command, init_command
    from aggregator.fleet.setup.registry import forge_config

    task, config = Task(context, as_json=as_json), context.config()
    repo = task.add_table(name, adopt=adopt)
    table = next(table for table in config.repo if table.name == name)
    place = home_of(home, table.role)
    if table.role == "books":
        hosts = forge_config(config).known_hosts_file
        task.print_result(None, books_command(repo.ssh_url, place, hosts))
    else:
        task.print_result(None, init_command(table.node, table.role, repo.ssh_url, place, ()))


@forge.command("move")
@click.option("--dry-run", is_flag=True, help="Show what would be taken over, and write nothing.")
@home_option
@json_option
@click.pass_obj
def move_forge(context: Context, *, dry_run: bool, home: str | None, as_json: bool) -> int:
    """Take over the numbers of all registered repos after the forge was moved or restored.

    Finds each by its name on the forge that [forge] names now, and takes it over if it has the
    history that was billed; retired nodes and earlier repos too. Nothing is billed again. Prints
    the command by which each node goes on at a new address; a node whose address is the same needs
    none. Exits with 1 if a repo is missing or not proven to be the node's.
    """
    from aggregator.fleet.setup.moving import Outcome, move
    from aggregator.fleet.setup.registry import forge_config
    from aggregator.forge import open_forge

    config = context.config()
    moves = move(open_forge(forge_config(config), wait), config, dry_run=dry_run)
    commands = _node_commands(moves, home)
    if as_json:
        print_json(
            [
                {**each._asdict(), "repo": each.repo and each.repo.name, "command": command}
                for each, command in zip(moves, commands, strict=True)
            ]
        )
    else:
        rows = [[each.name or each.node, str(each.outcome), each.detail] for each in moves]
        print_table(("repo", "outcome", "why"), rows)
        if any(commands):
            click.echo("on each node whose address is another now, as the user of its home:")
        for command in filter(None, commands):
            click.echo(escape(command))
    is_done = all(each.outcome in {Outcome.UNCHANGED, Outcome.TAKEN_OVER} for each in moves)
    return ExitCode.OK if is_done else ExitCode.FAILED


def _node_commands(moves: "tuple[MovedRepo, ...]", home: str | None) -> list[str | None]:
    """The command for each repo that its node goes on pushing to."""
    from aggregator.fleet.setup.moving import Outcome
    from aggregator.fleet.setup.node_commands import set_remote_command

    return [
        set_remote_command(each.role, each.repo.ssh_url, home_of(home, each.role))
        if each.is_in_use and each.repo is not None and each.outcome is Outcome.TAKEN_OVER
        else None
        for each in moves
    ]
