"""`push` and `resend`: commit what was recorded, and send it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import SpanType, json_option, load_home

if TYPE_CHECKING:
    from node_pusher.sending.push import PushReport


@click.command()
@click.option("--by-hour", is_flag=True, help="One commit per clock hour of the records, dated at"
              " its end, for importing history. Hours whose records are mixed share a commit:"
              " record history in order of time where you can.")  # fmt: skip
@json_option
@click.pass_obj
def push(home: Path, /, by_hour: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Commit what was recorded and push it: what the timer runs.

    Records that are ahead of this machine's clock stay in the spool until it has passed them, and a
    warning says so.

    While the remote does not answer, commits wait here and the next push sends them all (exit code
    75). If the remote has other commits, nothing is pushed (exit code 1).
    """
    from node_pusher.sending.push import push as deliver

    settings = load_home(home)
    report = deliver(settings, datetime.now(UTC), by_hour=by_hour)
    _warn(report)
    if as_json:
        print_json(report)
    else:
        _print(settings.node, report)


@click.command()
@click.argument("span", metavar="SEQ[..SEQ]", type=SpanType())
@json_option
@click.pass_obj
def resend(home: Path, /, span: tuple[int, int | None], as_json: bool) -> None:  # noqa: FBT001 - click
    """Send records again that were committed under a date before their own.

    An older version of this program did that when the clock was behind; the aggregator holds such
    records (its incident "lines ahead of commit" names SEQ..SEQ) until they are in a later commit,
    which this makes and pushes. Nothing is billed twice: a line that was billed stays so.

    \b
    node-pusher resend 1201..1300
    """
    from node_pusher.sending.resend import resend as send_again
    from node_pusher.spool.plan import Span

    settings = load_home(home)
    report = send_again(settings, Span(span[0], span[1] or span[0]), datetime.now(UTC))
    if report.push is not None:
        _warn(report.push)
    if as_json:
        print_json(report)
    elif report.push is None:
        click.echo(
            f"{settings.node}: nothing to send again: each of these records is in a commit that is"
            " dated after it, or was never committed here"
        )
    else:
        _print(settings.node, report.push)


def _warn(report: "PushReport") -> None:
    if report.remark:
        click.echo(f"warning: {escape(report.remark)}", err=True)


def _print(node: str, report: "PushReport") -> None:
    if report.head is None:
        click.echo(f"{node}: nothing was committed yet")
    elif report.pushed == 0:
        click.echo(f"{node}: nothing new; the remote is at {report.head[:12]}")
    else:
        click.echo(
            f"{node}: pushed {_count(report.pushed, 'commit')} with"
            f" {_count(report.retired, 'record')}; the remote is at {report.head[:12]}"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
