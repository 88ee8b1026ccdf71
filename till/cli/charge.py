"""`till charge`, `attempts` and `start-again`: saved cards."""

from pathlib import Path

import click

from gitmeter.support.errors import GitmeterError
from gitmeter.support.owner import default_operator
from gitmeter.support.terminal import CsvList, counted, escape, print_json
from node_pusher.cli.home import json_option
from till.cli.common import opened, the_limits


@click.command()
@click.option("--verbose", is_flag=True, help="Log more.")
@click.pass_obj
def charge(home: Path, /, *, verbose: bool) -> None:
    """Charge saved cards of accounts that are due, until SIGTERM.

    It needs a home and a till.toml of its own, with [charge]: such a till takes no payments in. It
    first goes on with what was begun, and settles what it does not know of.

    POST /due, at the address of [charge], takes from the aggregator which accounts are below their
    threshold, and is answered before anything is charged. A card is charged if it is that of the
    payment at which its owner consented, if the ledger has read every line of this till about the
    account, if no attempt is open and the last one is a day ago, and within the limits of the month
    and of [charge]. Beyond these it charges nobody until `till start-again`.

    Each step is on disk before the next one: the line, pushed; the charge, created; its name; and
    only then is the card charged, once.
    """
    from gitmeter.logs.setup import configure_logs
    from node_pusher.cli.interrupts import interrupts, serve_until
    from till.serving.charging import charging

    configure_logs(verbose=verbose)
    with (
        interrupts() as interrupted,
        opened(home) as till,
        charging(till, the_limits(till)) as listening,
    ):
        click.echo(f"{till.home.node}: who is due at {listening}", err=True)
        serve_until(interrupted)
    click.echo(f"{till.home.node}: stopped", err=True)


@click.command()
@click.option("--user", help="Of this account alone.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a line for each attempt.")
@json_option
@click.pass_obj
def attempts(home: Path, /, *, user: str | None, as_csv: bool, as_json: bool) -> None:
    """List attempts to charge saved cards, with what became of them, the earliest first.

    An attempt that failed has the provider's word for it; `not tried` is one that ended before the
    card was charged. What is paid is a line of the till that takes payments in.
    """
    from till.charging.listing import AttemptView, views

    if as_csv and as_json:
        raise click.UsageError("give --csv or --json, not both")
    with opened(home) as till:
        the_limits(till)
        found = list(views(till.attempts.shown(user)))
    if as_json:
        print_json([each._asdict() for each in found])
        return
    if as_csv:
        CsvList(AttemptView._fields, found).print()
        return
    for each in found:
        words = f"{each.state}: {each.reason}" if each.reason else each.state
        row = (each.began_at, each.user, f"{each.usd} USD", each.payment or "-", words)
        click.echo("  ".join(map(escape, row)))
    if not found:
        click.echo("no attempts", err=True)


@click.command("start-again")
@click.option("--reason", required=True, help="Why; kept here, and logged.")
@click.pass_obj
def start_again(home: Path, /, *, reason: str) -> None:
    """Let cards be charged again after the fuse has blown.

    Look first whose attempts they were, with `till attempts`, and who said that they are due. What
    was begun in the last hour still counts.
    """
    from datetime import timedelta

    import structlog

    who = default_operator()
    with opened(home) as till:
        limits = the_limits(till)
        before = till.charging.start_again(who, reason, till.clock())
        begun = till.attempts.begun_since(till.clock() - timedelta(hours=1))
    if before is None:
        raise GitmeterError("nothing is stopped", hint="see `till status`")
    structlog.get_logger().warning("started again", who=who, why=reason, stopped=before.why)
    click.echo(f"started again; stopped was: {escape(before.why)}")
    if len(begun) >= limits.topups_hour_max:
        words = counted(len(begun), "attempt")
        click.echo(f"warning: {words} began within the last hour: the next one stops it", err=True)
