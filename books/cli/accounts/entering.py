"""What commands about accounts share: their options, recording a line, and printing it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from books.cli.accounts.line_text import line_text
from books.cli.acts import entered_by_option, recorded_text
from books.cli.line_json import line_json
from gitmeter.support.terminal import print_json

if TYPE_CHECKING:
    from books.accounts.recording import RecordedAccountLine
    from wire_format.versions.field_types import AccountKind

_Command = Callable[..., Any]
user_argument = click.argument("user")


def line_options(*, needs_reason: bool) -> Callable[[_Command], _Command]:
    """Add the options of every line about an account."""

    def add(command: _Command) -> _Command:
        for option in (
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
            entered_by_option,
            click.option("--reason", required=needs_reason, help="Why; shown in audits."),
        ):
            command = option(command)
        return command

    return add


def record(
    home: Path,
    as_json: bool,  # noqa: FBT001 - what click passed
    by: str,
    kind: "AccountKind",
    **stated: Any,  # noqa: ANN401 - what click passed
) -> "RecordedAccountLine":
    """Record a line and print it."""
    done = recorded(home, by, kind, **stated)
    if as_json:
        print_json(line_values(done, by))
    else:
        print_done(done)
    return done


def recorded(home: Path, by: str, kind: "AccountKind", **stated: Any) -> "RecordedAccountLine":  # noqa: ANN401 - what click passed
    """Record a line, unless these books said the same last."""
    from books.accounts.recording import new_line
    from books.accounts.status import record_once
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        return record_once(spool, new_line(spool, kind, **stated), by)


def line_values(done: "RecordedAccountLine", by: str) -> dict[str, Any]:
    """A line as JSON shows it."""
    return line_json(done.line) | {"by": by, "repeated": done.repeated}


def print_done(done: "RecordedAccountLine") -> None:
    """Say what was recorded."""
    line = done.line
    user = f", {line.user}" if line.user else ""
    click.echo(recorded_text(line, line_text(line) + user, repeated=done.repeated))
