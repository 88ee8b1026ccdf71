"""What `books reconcile` prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from books.cli.line_json import line_json
from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import counted, escape, print_json

if TYPE_CHECKING:
    from books.reconcile.judging.memory import FoundDifference
    from books.reconcile.outcome import AccountOutcome, Reconciliation

_SHOWN_MAX: Final = 50


def print_last(home: Path, *, as_json: bool) -> int:
    """Print what the last run found; returns the exit code."""
    from books.reconcile.memory_file import read_memory
    from node_pusher.home.settings_file import read_home
    from wire_format.instants import format_ts

    memory = read_memory(read_home(home, "books").path)
    ran_at = None if memory.ran_at is None else format_ts(memory.ran_at)
    if as_json:
        print_json(
            {"ran_at": ran_at, "differences": [_difference_json(d) for d in memory.differences]}
        )
    else:
        click.echo("no run yet" if ran_at is None else f"last run: {ran_at}")
        _print_differences(memory.differences)
    return ExitCode.FAILED if memory.differences else ExitCode.OK


def print_outcome(outcome: "Reconciliation", *, dry_run: bool, pushes: bool) -> None:
    """Print what became of a reconciliation.

    Args:
        outcome: what became of it.
        dry_run: whether nothing was recorded.
        pushes: whether it is pushed next.
    """
    from books.decision_status import describe

    for account in outcome.accounts:
        _print_account(account)
    for line in outcome.undecided:
        click.echo(
            escape(
                f"undecided: {line.node} seq {line.seq}: {line.provider} {line.external_ref} of"
                f" {line.amount} {line.currency}: `books pay --by-hand` decides whose it is"
            )
        )
    _print_differences(outcome.differences)
    for node, command in outcome.ways_out.items():
        click.echo(f"{node} differs often; if its key was stolen, this is the way out, after which")
        click.echo(f"only what it wrote before counts: {command}")
    for decision in outcome.decisions:
        number = "would be recorded" if dry_run else f"{decision.node} seq {decision.seq}"
        click.echo(f"{number}: {describe(decision)}")
    if not outcome.decisions:
        click.echo("nothing new to decide")
    elif not dry_run and not pushes:
        click.echo("next: `books push`")


def _print_account(account: "AccountOutcome") -> None:
    said = f"{account.name}: {counted(account.agreed, 'line')} agreed, {account.differing} differed"
    if account.unasked:
        said += f", {account.unasked} not compared"
    click.echo(escape(said))
    if account.too_early:
        click.echo(
            f"note: {account.name}: {counted(account.too_early, 'movement')} from before the first"
            " run that is remembered here; nobody can tell whether they are lines",
            err=True,
        )
    for note in filter(None, (account.note, account.problem)):
        click.echo(escape(f"note: {account.name}: {note}"), err=True)


def _print_differences(differences: "list[FoundDifference]") -> None:
    for each in differences[:_SHOWN_MAX]:
        where = f"{each.node} seq {each.seq}: " if each.node else ""
        click.echo(escape(f"difference: {where}{each.account} {each.what}: {each.why}"))
        for command in each.commands:
            click.echo(escape(f"  {command}"))
    if len(differences) > _SHOWN_MAX:
        click.echo(f"and {len(differences) - _SHOWN_MAX} more differences; --json shows all")


def outcome_json(outcome: "Reconciliation", *, dry_run: bool) -> dict[str, Any]:
    """What became of a reconciliation, as JSON."""
    from dataclasses import asdict

    return {
        "dry_run": dry_run,
        "accounts": [asdict(account) for account in outcome.accounts],
        "decisions": [line_json(decision) for decision in outcome.decisions],
        "differences": [_difference_json(each) for each in outcome.differences],
        "ways_out": outcome.ways_out,
        "undecided": [
            {
                "node": line.node,
                "seq": line.seq,
                "provider": line.provider,
                "external_ref": line.external_ref,
            }
            for line in outcome.undecided
        ],
    }


def _difference_json(difference: "FoundDifference") -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(difference)
