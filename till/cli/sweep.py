"""`till sweep`: ask about everything that may have moved."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import counted, escape, print_json
from node_pusher.cli.home import json_option
from till.cli.common import opened_intake, push_written
from wire_format.instants import format_ts

if TYPE_CHECKING:
    from till.sweeping.sweep import Swept

_SHOWN_EVERY = 100


@click.command()
@click.option("--account", "names", multiple=True, help="Only this account; may be repeated.")
@click.option("--since", metavar="TIME", help="From this time on: 2026-11-21T00:00:00Z. Default: a"
              " week before the last complete sweep began; 34 days at most.")  # fmt: skip
@json_option
@click.pass_obj
def sweep(home: Path, /, *, names: tuple[str, ...], since: str | None, as_json: bool) -> None:
    """Ask providers about everything that may have moved, and write the lines that are missing.

    Run it daily, by a timer. It looks at all money that moved since a week before the last complete
    sweep began, at each object that was not final, and at what failed; so it finds by itself what
    no event told. It writes nothing twice, and may run beside `till serve`. What was written is
    pushed.

    Exits with 0 if it read everything, with 75 if a provider or the remote did not answer, and with
    1 if something could not be recorded; `till status` says what.
    """
    from till.sweeping.sweep import sweep as ask_all

    at = None if since is None else _instant(since)
    with opened_intake(home) as till:
        accounts = [till.accounts.named(name) for name in names or till.accounts.by_name]
        for account in accounts:
            account.check()
        found = [ask_all(till, account, at, _progress) for account in accounts]
        push_written(till)
    if as_json:
        print_json([{**each._asdict(), "since": format_ts(each.since)} for each in found])
    else:
        _print(found)
    _leave(found)


def _instant(text: str) -> datetime:
    from node_pusher.spool.drafts import parse_instant

    found = parse_instant(text)
    if not isinstance(found, datetime):
        raise click.BadParameter(found.reason, param_hint="--since")
    return found


def _progress(account: str, objects: int) -> None:
    if objects % _SHOWN_EVERY == 0:
        click.echo(f"{account}: asked about {objects} objects", err=True)


def _print(found: "Sequence[Swept]") -> None:
    for each in found:
        failed = f", {counted(each.failed, 'failure')}" if each.failed else ""
        click.echo(
            f"{each.account}: asked about {counted(each.objects, 'object')} since"
            f" {format_ts(each.since)}, wrote {counted(each.lines, 'line')}{failed}"
        )
        if each.why:
            click.echo(f"  not read to the end: {escape(each.why)}", err=True)


def _leave(found: "Sequence[Swept]") -> None:
    import sys

    if any(each.why for each in found):
        sys.exit(ExitCode.TRY_LATER)
    if any(each.failed for each in found):
        sys.exit(ExitCode.FAILED)
