"""What a change of the rule book prints."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import counted, escape, escape_lines, print_json

if TYPE_CHECKING:
    from books.rule_book.change import NotMeantError, RuleCommit
    from books.rule_book.past import PastChange
    from books.rule_book.rules import RuleFileError

SHOWN_MAX: Final = 100
"""Lines of one kind; --json prints all."""


def print_faults(error: "RuleFileError") -> int:
    """Print what is wrong with a rule file, a line for each fault; returns the exit code."""
    click.echo(f"error: {escape(error.headline)}:", err=True)
    for fault in error.faults:
        click.echo(f"  {escape(fault)}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
    return error.exit_code


def print_refusal(error: "NotMeantError", file: Path | None, *, as_json: bool) -> int:
    """Print a change that needs a reason and has none; returns the exit code.

    Args:
        error: what is refused.
        file: the rule file that a person wrote; None where no file was.
        as_json: print the change as JSON.
    """
    from books.rule_book.change import CHANGES_THE_PAST

    planned = error.planned
    if as_json:
        print_json(change_json(planned))
    else:
        _print_rules(planned)
    click.echo("error: nothing was changed; this needs a reason:", err=True)
    for objection in planned.objections:
        click.echo(f"  {escape(objection)}", err=True)
    hints = []
    if planned.past:
        hints.append("`books rules add` states a price from a later hour on")
        if planned.repriced is None and file is not None:
            hints.append(_reprice_command(file))
    if planned.objections != (CHANGES_THE_PAST,):
        hints.append("`books rules export` writes the file as it is now")
    hints.append("--reason TEXT does it all the same")
    click.echo(f"hint: {'; '.join(hints)}", err=True)
    return error.exit_code


def _reprice_command(file: Path) -> str:
    name = shlex.quote(escape(str(file)))
    command = f"aggregator reprice {name} --json | books rules set {name} --repriced -"
    return f"what it would do to charges: `{command}`"


def print_change(done: "RuleCommit | None", *, dry_run: bool, as_json: bool) -> int:
    """Print a change of the rule book; None if it changes nothing. Returns the exit code."""
    if as_json:
        print_json({"dry_run": dry_run, **change_json(done)})
    elif done is None:
        click.echo("nothing to do: the rule book contains exactly that")
    else:
        _print_rules(done)
        if dry_run:
            for objection in done.objections:
                click.echo(f"needs --reason: {escape(objection)}")
            click.echo(f"would change: {done.changes.summary}")
        else:
            click.echo(
                f"{', '.join(done.paths)}: {done.changes.summary}; commit {done.commit[:12]},"
                f" rule book {done.sha256[:12]}; next: `books push`"
            )
    return ExitCode.OK


def _print_rules(planned: "RuleCommit") -> None:
    _print_some(planned.changes.lines)
    if planned.past:
        click.echo(f"what hours in the past cost ({counted(len(planned.past), 'change')}):")
        _print_some([f"  {change.what}\n    {change.when}" for change in planned.past])
    if planned.past_writers:
        click.echo("what writers and plans could do in hours in the past:")
        _print_some([f"  {change.what}\n    {change.when}" for change in planned.past_writers])
    for sentence in planned.past_plans:
        click.echo(escape(sentence))
    if planned.first_prices:
        resources = len({change.rule.partition(" (")[0] for change in planned.first_prices})
        click.echo(
            f"resources with a first price for hours that have begun: {resources}; what was used in"
            " them is billed"
        )
    if planned.repriced is not None:
        click.echo(f"in the ledger {planned.repriced}")


def _print_some(lines: list[str]) -> None:
    for line in lines[:SHOWN_MAX]:
        click.echo(escape_lines(line))
    if len(lines) > SHOWN_MAX:
        click.echo(f"and {len(lines) - SHOWN_MAX} more; --json shows all")


def change_json(done: "RuleCommit | None") -> dict[str, Any]:
    """A change of the rule book as JSON; None if it changes nothing."""
    if done is None:
        return {"commit": None, "added": [], "removed": [], "changed": []}
    return {
        "commit": done.commit,
        "path": done.paths[0],
        "paths": done.paths,
        "sha256": done.sha256,
        **done.changes._asdict(),
        "past": [_past_json(change) for change in (*done.past, *done.past_writers)],
        "past_plans": done.past_plans,
        "first_prices": [_past_json(change) for change in done.first_prices],
        "needs_reason": done.objections,
        "by": done.act.by,
        "reason": done.act.reason,
        "repriced": None if done.repriced is None else done.repriced._asdict(),
    }


def _past_json(change: "PastChange") -> dict[str, Any]:
    from wire_format.instants import format_hour

    return {
        "rule": change.rule,
        "from": format_hour(change.from_hour),
        "until": format_hour(change.until_hour),
        "was": change.was,
        "becomes": change.becomes,
    }
