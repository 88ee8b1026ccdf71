"""The program `node-pusher`: parses, calls, prints.

Owns: one module for each group of commands (`record`, `correct`, `home`, `keys`, `listen`,
`rollover`, `doctor`) and signals (`interrupts`).
Does not own: anything that a program in Python could not call.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gitmeter.support.entry import run
from gitmeter.support.terminal import escape, print_json, print_table
from node_pusher.cli.correct import correct
from node_pusher.cli.doctor import doctor
from node_pusher.cli.home import (
    ROLE_KEY,
    home_of,
    home_option,
    json_option,
    load_home,
    remote_options,
    vouched_of,
)
from node_pusher.cli.keys import rotate_key, show_key
from node_pusher.cli.listen import listen
from node_pusher.cli.record import record
from node_pusher.cli.rollover import rollover

if TYPE_CHECKING:
    from node_pusher.joining.init import InitReport

SPOOL_LOST: Final = (
    "warning: the spool was lost; this home goes on in epoch {epoch}; what was recorded and not"
    " committed is gone"
)


def main() -> None:
    """Run the program."""
    run(cli, "node-pusher")


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
@json_option
@click.pass_obj
def init(home: Path, /, node: str, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401, FBT001 - click passes options by name
    """Make this folder the home of a node.

    Asks the remote and notes there from which number this home goes on, so it must be allowed to
    push: a repo that already has this node's history is joined in a new epoch, and no number is
    ever used twice. What stands there must be signed by this home's own keys; or
    give the keys of another machine of this node, or the commit that you trust, with the options
    below. The same command again changes nothing; it makes again what was lost.

    A new home gets a key that signs its commits. Its line, printed here and by `show-key`, is for
    the operator's allowed signers.

    \b
    node-pusher init --node embedder-01 --remote file:///srv/git/embedder-01.git
    node-pusher init --node embedder-01 --remote https://forge.example/ops/embedder-01.git \\
        --token-file /etc/node-pusher/token
    """
    from node_pusher.joining.init import init as make

    report = make(
        home_of(home, node, options),
        datetime.now(UTC),
        rejoin=rejoin,
        vouched=vouched_of(options),
    )
    if as_json:
        print_json(init_values(report))
        return
    tell_init(report, unchanged="nothing to do")


def init_values(report: "InitReport") -> dict[str, Any]:
    """What `init --json` prints."""
    return {
        "node": report.node,
        "next_seq": report.next_seq,
        "epoch": report.epoch,
        "outcome": report.outcome,
        "left_behind": report.left_behind,
        "spool_lost": report.spool_lost,
        "key_made": report.key_made,
        "allowed_signers_line": report.signer.line,
        "fingerprint": report.signer.fingerprint,
    }


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
    if report.key_made:
        click.echo("it signs with a new key; for the operator's allowed signers:")
    else:
        click.echo("it signs with this key:")
    click.echo(report.signer.line)


@cli.command()
@click.option("--by-hour", is_flag=True, help="One commit per clock hour of the records, dated at"
              " the end of it: for importing history.")  # fmt: skip
@json_option
@click.pass_obj
def push(home: Path, /, by_hour: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Commit what was recorded and push it: what the timer runs.

    While the remote does not answer, commits wait here and the next push sends them all (exit code
    75). If the remote holds something else, nothing is pushed (exit code 1).
    """
    from node_pusher.sending.push import push as deliver

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
@json_option
@click.pass_obj
def status(home: Path, /, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show what is recorded, committed and pushed; asks no remote."""
    from node_pusher.sending.history import status as read_status

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
        ["signing key", found["signing_key"] or "none: `init` makes one"],
        *(["earlier repo", f"{e['remote']} ({e['branch']})"] for e in found["earlier_repos"]),
    ]
    for name, value in rows:
        click.echo(f"{name + ':':<15} {escape(value)}")


@cli.command()
@click.option("-n", "count", type=click.IntRange(min=1), help="How many commits.")
@click.option("--all", "earlier", is_flag=True, help="Those of earlier repos too.")
@json_option
@click.pass_obj
def log(home: Path, /, count: int | None, *, earlier: bool, as_json: bool) -> None:
    """Show this node's history, newest first.

    The same and more is in git itself: git -C HOME/repo.git log (after a rollover repo.2.git, and
    so on).
    """
    from node_pusher.sending.history import log as read_log

    entries = list(read_log(load_home(home), count, earlier=earlier))
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


for _command in (record, correct, rotate_key, show_key, listen, rollover, doctor):
    cli.add_command(_command)


def _what(entry: dict[str, Any]) -> str:
    totals = [f"{total['name']} {total['amount']}" for total in entry["totals"]]
    shown = ", ".join(totals[:3]) + (f" and {len(totals) - 3} more" if len(totals) > 3 else "")  # noqa: PLR2004 - fit a line
    return shown or str(entry["subject"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
