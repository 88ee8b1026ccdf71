"""`books plan renew`: the next period of each account that can pay for it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from books.cli.accounts.line_text import line_text
from books.cli.line_json import line_json
from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import escape, print_json

if TYPE_CHECKING:
    from books.plans.renewal import NotRenewed, Renewals


@click.command()
@click.argument("source", metavar="[-]", type=click.Choice(["-"]), default="-")
@click.option("--dry-run", is_flag=True, help="Say what would be renewed; record nothing.")
@click.option("--push", "pushes", is_flag=True, help="Then do what `books push` does.")
@click.option(
    "--by", metavar="NAME", default="renew", show_default=True, help="Who renews; shown in audits."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def renew(
    home: Path, /, source: str, *, dry_run: bool, pushes: bool, by: str, as_json: bool
) -> int:
    """Renew the plan of each account whose period ends and that can pay for the next one.

    Standard input is what the aggregator says of them:

    \b
    aggregator accounts --due --json | books plan renew --push

    Each account that has the money gets a line for its next period; all lines of a run are written
    together, or none. The same answer again writes nothing twice. Who cannot pay is listed: that
    plan ends with its period, and is renewed by a later run if the money comes in time.

    An answer that was reckoned by another rule book than that of these books is refused with exit
    code 75: push the books, and let the aggregator read them. The exit code is 1 if a line would
    not count or does not fit the rule book; the others are recorded.
    """
    del source
    found = _renew(home, by, dry_run=dry_run)
    if as_json:
        print_json(_json(found, dry_run=dry_run))
    else:
        _print(found, dry_run=dry_run, pushes=pushes)
    if pushes and not dry_run:
        from node_pusher.home.settings_file import read_home
        from node_pusher.sending.push import push

        push(read_home(home, "books"), datetime.now(UTC))
    return ExitCode.FAILED if found.refused else ExitCode.OK


def _renew(home: Path, by: str, *, dry_run: bool) -> "Renewals":
    from books.plans.due import BYTES_MAX, check_age, read_due
    from books.plans.renewal import renew as renew_due
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        report = read_due(sys.stdin.buffer.read(BYTES_MAX + 1))
        check_age(report, spool.now())
        return renew_due(spool, report, by, dry_run=dry_run)


def _print(found: "Renewals", *, dry_run: bool, pushes: bool) -> None:
    for line in found.renewed:
        at = "would be renewed" if dry_run else f"{line.node} seq {line.seq}"
        click.echo(f"{at}: {line_text(line)}, {escape(line.user)}")
    for each in found.lapsed:
        click.echo(f"lapses: {_of(each)}: {escape(each.why)}")
    for each in found.refused:
        click.echo(f"not renewed: {_of(each)}: {escape(each.why)}")
    counts = (
        (len(found.renewed), "would be renewed" if dry_run else "renewed"),
        (len(found.already), "renewed already"),
        (len(found.lapsed), "lapsing"),
        (len(found.refused), "not renewed"),
    )
    said = ", ".join(f"{number:,} {what}" for number, what in counts if number)
    next_ = "; next: `books push`" if found.renewed and not dry_run and not pushes else ""
    click.echo((said or "nothing is due") + next_)


def _of(each: "NotRenewed") -> str:
    due = each.due
    has = "" if due.balance_usd is None else f", has {due.balance_usd} USD"
    costs = "" if due.fee_usd is None else f" for {due.fee_usd} USD"
    return f"{escape(due.user)}, {due.plan or 'no plan'}{costs}{has}"


def _json(found: "Renewals", *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "renewed": [line_json(line) | ({"seq": None} if dry_run else {}) for line in found.renewed],
        "already": [line_json(line) for line in found.already],
        "lapsed": [_not_renewed(each) for each in found.lapsed],
        "refused": [_not_renewed(each) for each in found.refused],
    }


def _not_renewed(each: "NotRenewed") -> dict[str, Any]:
    from wire_format.instants import format_ts

    due = each.due
    return {
        "user": due.user,
        "plan": due.plan,
        "from": format_ts(due.from_),
        "until": None if due.until is None else format_ts(due.until),
        "fee_usd": due.fee_usd,
        "balance_usd": due.balance_usd,
        "why": each.why,
    }
