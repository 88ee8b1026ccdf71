"""The program `node-pusher`: parses, calls, prints."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from node_pusher.cli_record import record
from support.entry import run
from support.terminal import escape, print_json, print_table

if TYPE_CHECKING:
    from node_pusher.join import InitReport

HOME_DEFAULT: Final = "/var/lib/node-pusher"
ROLE_KEY: Final = "gitmeter.role"
"""Where a program notes in click's context what its homes carry: commands are shared."""

SPOOL_LOST: Final = (
    "warning: the spool was lost; this home goes on in epoch {epoch}; what was recorded and not"
    " committed is gone"
)
_JSON_OPTION: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)
_Command = Callable[..., Any]


def main() -> None:
    """Run the program."""
    run(cli, "node-pusher")


def home_option(command: _Command) -> _Command:
    """The option that names a node's home."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="NODE_PUSHER_HOME",
        default=HOME_DEFAULT,
        show_default=True,
        show_envvar=True,
        help="The node's folder.",
    )(command)


def remote_options(command: _Command) -> _Command:
    """The options that say where the repo is and what opens it."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--rejoin", is_flag=True, help="The remote went ahead of this home (restored"
                     " from a backup): take over what it holds, in a new epoch; records that were"
                     " not sent are kept and sent on top."),
        click.option("--branch", default="main", show_default=True, help="The branch to push."),
        click.option("--known-hosts", type=file, help="Keys of the servers to trust (ssh)."),
        click.option("--ssh-key", type=file, help="Private key (ssh)."),
        click.option("--token-file", type=file, help="File of mode 600 with an access token"
                     " (https)."),
        click.option("--remote", required=True, metavar="URL", help="https://, ssh:// or"
                     " file:///path of a repo that exists; empty, or this node's own."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gitmeter")
@home_option
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Record what users consume on this node, and push it as git commits.

    \b
    node-pusher init --node embedder-01 --remote https://forge.example/ops/embedder-01.git
    node-pusher record --user alice --resource vm/small/seconds --units 3600 --applies-to vm
    node-pusher push
    """
    context.obj = home
    context.meta[ROLE_KEY] = "usage"


@cli.command()
@click.option("--node", required=True, help="This node's name: a-z, 0-9 and -.")
@remote_options
@_JSON_OPTION
@click.pass_obj
def init(home: Path, /, node: str, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401, FBT001 - click passes options by name
    """Make this folder the home of a node.

    Asks the remote once: a repo that already has this node's history is joined in a new epoch, so
    that no number is ever used twice. The same command again changes nothing.

    \b
    node-pusher init --node embedder-01 --remote file:///srv/git/embedder-01.git
    node-pusher init --node embedder-01 --remote https://forge.example/ops/embedder-01.git \\
        --token-file /etc/node-pusher/token
    """
    from node_pusher.join import init as make

    report = make(home_of(home, node, options), datetime.now(UTC), rejoin=rejoin)
    if as_json:
        print_json(report)
        return
    tell_init(report, unchanged="nothing to do")


def tell_init(report: "InitReport", unchanged: str) -> None:
    """Say what `init` did; `unchanged` is what to call a home that was there."""
    told = {
        "created": "a new home",
        "joined": f"joined what the remote holds, in epoch {report.epoch}",
        "rejoined": f"took over what the remote holds, in epoch {report.epoch}",
        "unchanged": unchanged,
    }
    if report.spool_lost:
        click.echo(SPOOL_LOST.format(epoch=report.epoch), err=True)
    click.echo(f"{report.node}: {told[report.outcome]}; the next record is seq {report.next_seq}")
    for subject in report.left_behind:
        click.echo(f"not carried over, to be done again: {escape(subject)}")


@cli.command()
@click.option("--by-hour", is_flag=True, help="One commit per clock hour of the records, dated at"
              " the end of it: for importing history.")  # fmt: skip
@_JSON_OPTION
@click.pass_obj
def push(home: Path, /, by_hour: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Commit what was recorded and push it: what the timer runs.

    While the remote does not answer, commits wait here and the next push sends them all (exit code
    75). If the remote holds something else, nothing is pushed (exit code 1).
    """
    from node_pusher.push import push as deliver

    settings = load_home(home)
    report = deliver(settings, datetime.now(UTC), by_hour=by_hour)
    if report.remark:
        click.echo(f"warning: {escape(report.remark)}", err=True)
    if as_json:
        print_json(report)
    elif report.head is None:
        click.echo(f"{settings.node}: nothing was recorded yet")
    elif report.pushed == 0:
        click.echo(f"{settings.node}: nothing new; the remote is at {report.head[:12]}")
    else:
        click.echo(
            f"{settings.node}: pushed {_count(report.pushed, 'commit')} with"
            f" {_count(report.retired, 'record')}; the remote is at {report.head[:12]}"
        )


@cli.command()
@_JSON_OPTION
@click.pass_obj
def status(home: Path, /, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show what is recorded, committed and pushed; asks no remote."""
    from node_pusher.history import status as read_status

    found = read_status(load_home(home))
    if as_json:
        print_json(found)
        return
    committed = found["records_in_waiting_commits"]
    waiting = _count(found["commits_waiting"], "commit")
    rows = [
        ["node", found["node"]],
        ["remote", f"{found['remote']} ({found['branch']})"],
        ["next seq", f"{found['next_seq']} (epoch {found['epoch']})"],
        ["not committed", _count(found["records_in_spool"] - committed, "record")],
        ["not pushed", f"{waiting} with {_count(committed, 'record')}"],
        ["last push", found["last_push_at"] or "never"],
    ]
    for name, value in rows:
        click.echo(f"{name + ':':<15} {escape(value)}")


@cli.command()
@click.option("-n", "count", type=click.IntRange(min=1), help="How many commits.")
@_JSON_OPTION
@click.pass_obj
def log(home: Path, /, count: int | None, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show this node's history, newest first.

    The same and more is in git itself: git -C HOME/repo.git log
    """
    from node_pusher.history import log as read_log

    entries = list(read_log(load_home(home), count))
    if as_json:
        print_json(entries)
        return
    print_table(
        ["committed", "commit", "seq", "records", "what", "pushed"],
        [
            [
                entry["committed_at"],
                entry["commit"][:12],
                "" if entry["first_seq"] is None else f"{entry['first_seq']}..{entry['last_seq']}",
                str(entry["records"]),
                _what(entry),
                "yes" if entry["pushed"] else "no",
            ]
            for entry in entries
        ],
        right=["records"],
    )


cli.add_command(record)


def home_of(path: Path, node: str, options: dict[str, Any]) -> "Any":  # noqa: ANN401 - a Home
    """The home that the options of `init` describe."""
    from git_remote.remote import Remote
    from node_pusher.home import Home

    remote = Remote(
        options["remote"], options["token_file"], options["ssh_key"], options["known_hosts"]
    )
    return Home(path, node, remote, options["branch"], _role())


def load_home(path: Path) -> "Any":  # noqa: ANN401 - a Home
    """The home in this folder, which must be one of the running program's.

    Raises:
        NotInitialisedError, HomeError: see `node_pusher.home.Home.load`.
    """
    from node_pusher.home import Home

    return Home.load(path, _role())


def _role() -> Any:  # noqa: ANN401 - a Role
    return click.get_current_context().meta[ROLE_KEY]


def _what(entry: dict[str, Any]) -> str:
    totals = [f"{total['name']} {total['amount']}" for total in entry["totals"]]
    shown = ", ".join(totals[:3]) + (f" and {len(totals) - 3} more" if len(totals) > 3 else "")  # noqa: PLR2004 - fit a line
    return shown or str(entry["subject"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
