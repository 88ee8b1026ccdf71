"""`changes`: what changed in which balances, and by which commits."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aggregator.cli.context import Context, instant, now
from aggregator.cli.progress import commits_progress
from aggregator.cli.reports.printing import form_options, printout
from gitmeter.support.terminal import counted

if TYPE_CHECKING:
    from aggregator.mirrors.state import State
    from aggregator.proof.past import MadeFrom
    from aggregator.store.store import LedgerStore

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_SHOWN: Final = 20


@click.command()
@click.option(
    "--since",
    required=True,
    metavar="TIME|COMMIT|FILE",
    help="Such as 2026-11-01, the hash of a commit that was billed, or a statement in JSON.",
)
@form_options
@click.pass_obj
def changes(context: Context, since: str, *, as_csv: bool, as_json: bool) -> None:
    """Show what changed in which balances since an earlier ledger, and by which commits.

    The earlier ledger is built again from git, as it was made from the commits that are dated no
    later than TIME (or COMMIT), or from those that a statement names; that takes as long as
    `aggregator verify`. `money` is what lines of money and fees changed, `usage` what usage costs
    more (below zero) or less, `grants` what grants with terms have and paid. `before` and the three
    of them add up to `after`. Both balances are those of now: usage of the same commits under other
    prices has other costs too.

    \b
    aggregator changes --since yesterdays-statement.json
    aggregator changes --since 2026-11-28
    """
    from aggregator.proof.rebuild import scratch_ledger
    from aggregator.reports.periods.changes import changes_report

    state, store = context.state(), context.reading()
    at = now()
    with store.view(), commits_progress() as on_progress:
        made_from = _made_from(state, store, since)
        with scratch_ledger(state, made_from.tips, at, on_progress) as before:
            report = changes_report(before, store, state.mirrors, made_from.tips, at)
            answer = printout(report, as_csv=as_csv, as_json=as_json)
    if as_csv or as_json:
        answer.print()
        return
    if answer.count > 1:  # the total alone
        answer.print()
    else:
        click.echo("no balance changed")
    commits = report.head["commits"]
    for commit in commits[:_SHOWN]:
        rules = ", rules" if commit["rules"] else ""
        decided = f", {counted(commit['decisions'], 'decision')}" if commit["decisions"] else ""
        where = f"{commit['repo']} {commit['commit']}"
        named = counted(commit["users"], "account")
        click.echo(f"{commit['committed_at']}  {where}: {named}{decided}{rules}")
    if len(commits) > _SHOWN:
        click.echo(f"and {len(commits) - _SHOWN} more commits, see --json")


def _made_from(state: "State", store: "LedgerStore", since: str) -> "MadeFrom":
    """From what the earlier ledger was made."""
    from aggregator.proof.past import read_made_from, time_of_commit, tips_at

    if Path(since).is_file():
        return read_made_from(Path(since))
    if _COMMIT.fullmatch(since):
        return tips_at(state, store, time_of_commit(state, store, since))
    return tips_at(state, store, instant(since))
