"""`set-remote`: push to the address to which this home's repo has moved."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitmeter.support.terminal import counted, escape, print_json
from node_pusher.cli.home import (
    json_option,
    load_home,
    other_file_options,
    trust_options,
    vouched_of,
)

if TYPE_CHECKING:
    from node_pusher.home.home import Home
    from node_pusher.joining.set_remote import SetRemoteReport


@click.command("set-remote")
@click.argument("url")
@click.option("--empty-ok", is_flag=True, help="Accept an empty repo, which the next push fills"
              " with the whole history; only where this home has all of it.")  # fmt: skip
@other_file_options
@trust_options
@json_option
@click.pass_obj
def set_remote(
    home: Path,
    /,
    *,
    url: str,
    empty_ok: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - click passes options by name
) -> None:
    """Push to URL from now on: this home's repo has moved there.

    For a repo, an organisation or a forge with a new name or address. What is at URL must be the
    history of this home, as far as it was pushed, or more of it that its own keys have signed;
    anything else is refused and nothing has changed. An older state, as of a restored backup, is
    accepted: the next push sends what is missing there. Earlier repos, after a rollover, are
    followed where they are found beside URL under their names. Running the same command again
    changes nothing more.

    A node that goes on in another repo needs `rollover` instead.

    \b
    node-pusher set-remote ssh://git@git.example/ops/billing-embedder-01.git
    """
    from gitmeter.git_remote.remote import Remote
    from node_pusher.home.repo_place import opened_alike
    from node_pusher.joining.set_remote import set_remote as follow

    present = load_home(home)
    asked = Remote(url, options["token_file"], options["ssh_key"], options["known_hosts"])
    done = follow(
        present,
        opened_alike(present.repo.remote, asked),
        datetime.now(UTC),
        vouched_of(options),
        empty_ok=empty_ok,
    )
    if as_json:
        print_json(done)
        return
    _print(present, done)


def _print(home: "Home", done: "SetRemoteReport") -> None:
    verb = "pushes to" if done.outcome == "set" else "pushed already to"
    click.echo(f"{done.node}: {verb} {done.remote}; {_found(done)}")
    if done.foreign:
        click.echo(f"warning: {escape(_ahead(home, done))}", err=True)
    for each in done.earlier_repos:
        if each.remote != each.before:
            click.echo(f"earlier repo: {each.before} is now {each.remote}")
        elif each.why:
            click.echo(f"earlier repo: stays {each.remote}; {escape(each.why)}")


def _found(done: "SetRemoteReport") -> str:
    """What is at the address, and what the next push does about it."""
    if done.head is None:
        return f"it is empty: the next push sends {counted(done.missing, 'commit')}"
    at = f"it is at {done.head[:12]}"
    if not done.missing:
        return at
    lacks = counted(done.missing, "commit")
    return f"{at} and lacks {lacks} that had been pushed, which the next push sends again"


def _ahead(home: "Home", done: "SetRemoteReport") -> str:
    from node_pusher.home.new_address import rejoin_line

    more = f"it has {counted(done.foreign, 'commit')} that this home has not, so a push is refused"
    if done.goes_on_in is not None:
        return f"{more}: {done.node} has gone on from there to {done.goes_on_in}"
    return f"{more}; to take them over: {rejoin_line(home, done.remote)}"
