"""`books void`: end a grant with terms."""

from datetime import datetime
from pathlib import Path

import click

from books.cli.acts import entered_by_option, recorded_text
from books.cli.instants import InstantType
from books.cli.line_json import line_json
from gitmeter.support.terminal import escape, print_json


@click.command()
@click.argument("reference", metavar="REF")
@click.option(
    "--from",
    "from_",
    type=InstantType(hours_only=True),
    show_default="the hour of now",
    help="The first hour in which it pays for nothing more; it may lie in the past.",
)
@click.option("--reason", required=True, help="Why; shown in audits.")
@click.option(
    "--provider", default="manual", show_default=True, metavar="NAME", help="Of the grant."
)
@click.option(
    "--unseen",
    "is_unseen",
    is_flag=True,
    help="End a grant that these books do not have: a desk recorded it.",
)
@entered_by_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def void(  # noqa: PLR0913 - click passes options by name
    home: Path,
    /,
    reference: str,
    *,
    from_: datetime | None,
    reason: str,
    provider: str,
    is_unseen: bool,
    by: str,
    as_json: bool,
) -> None:
    """End the grant REF, from an hour on.

    What is left of it then pays for nothing more.

    \b
    books void spring-2026:alice --reason "taken by mistake"
    books void spring-2026:alice --from 2026-11-01 --reason "abuse"
    books void signup:bob --unseen --reason "a second account"

    What it paid for in earlier hours stays paid. With an hour in the past, usage from then on falls
    on other grants and on the balance. A grant without terms lies in the balance for ever:
    `books adjust` takes that back.
    """
    from books.grants.voids import WantedVoid, record_void
    from node_pusher.spool.api import Spool
    from wire_format.instants import format_ts

    wanted = WantedVoid(reference, reason, provider, from_, is_unseen)
    with Spool.open(home, role="books") as spool:
        done = record_void(spool, wanted, by)
    line = done.line
    if as_json:
        print_json(line_json(line) | {"by": by, "repeated": done.repeated})
        return
    begins = "" if line.from_ is None else format_ts(line.from_)
    what = f"the grant {escape(reference)} is void from {begins} on"
    click.echo(recorded_text(line, what, repeated=done.repeated))
