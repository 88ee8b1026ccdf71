"""`books staff`: who works at the desks, and as what."""

from pathlib import Path
from typing import Any

import click

from books.cli.accounts.entering import line_options, record


@click.command()
@click.argument("identity")
@click.argument("role")
@click.option("--user", default="", metavar="USER", help="The account of this person, if any.")
@click.option("--limit-usd", metavar="USD", help="At most this by one of their adjustments.")
@line_options(needs_reason=False)
@click.pass_obj
def staff(home: Path, /, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Say what IDENTITY may do at the desks: ROLE is a name that the portal knows.

    \b
    books staff staff:7 support --limit-usd 20
    """
    record(home, as_json, by, "staff", **stated)
