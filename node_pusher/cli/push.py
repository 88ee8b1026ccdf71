"""`node-pusher push`: commit what was recorded, and send it."""

from datetime import UTC, datetime
from pathlib import Path

import click

from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import json_option, load_home


@click.command()
@click.option("--by-hour", is_flag=True, help="One commit per clock hour of the records, dated at"
              " the end of it: for importing history.")  # fmt: skip
@json_option
@click.pass_obj
def push(home: Path, /, by_hour: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Commit what was recorded and push it: what the timer runs.

    While the remote does not answer, commits wait here and the next push sends them all (exit code
    75). If the remote has other commits, nothing is pushed (exit code 1).
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
