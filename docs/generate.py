"""Write `cli.md`, `schema.md` and `openapi.json`: `python -m docs.generate`.

A test fails when they are old.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import sqlite_utils

from aggregator.cli.program import cli as aggregator_cli
from aggregator.store.connection import connect_for_writing
from books.cli.program import cli as books_cli
from node_pusher.cli.program import cli as node_pusher_cli
from portal.api.openapi import document
from portal.api.routes import ROUTES
from portal.cli.program import cli as portal_cli
from till.cli.program import cli as till_cli

DOCS: Final = Path(__file__).parent
PROGRAMS: Final[dict[str, click.Group]] = {
    "node-pusher": node_pusher_cli,
    "books": books_cli,
    "till": till_cli,
    "portal": portal_cli,
    "aggregator": aggregator_cli,
}
_WIDTH: Final = 100
EXIT_CODES: Final = """\
Exit codes of all programs: 0 done, 1 something expected went wrong (the message says what to do),
2 the command line is wrong, 3 a bug, 75 nothing is lost and the same command may work later,
130 interrupted.\
"""


def commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and all its subcommands, with their full names."""
    yield name, command
    if isinstance(command, click.Group):
        for child in sorted(command.commands):
            yield from commands(f"{name} {child}", command.commands[child])


def cli_reference() -> str:
    """The `--help` of every command."""
    parts = [
        "# Command line reference",
        "Generated from `--help` by `python -m docs.generate`; do not edit.",
        EXIT_CODES,
    ]
    for program, group in PROGRAMS.items():
        for name, command in commands(program, group):
            level = "##" if name == program else "###"
            parts.append(f"{level} {name}\n\n```text\n{help_text(name, command)}\n```")
    return "\n\n".join(parts) + "\n"


def help_text(name: str, command: click.Command) -> str:
    """What `--help` prints."""
    context = click.Context(
        command, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )  # fmt: skip
    return command.get_help(context).rstrip()


def schema_reference(database: Path) -> str:
    """The schema as SQLite states it in a database that was really made.

    Args:
        database: a path at which the database is made.
    """
    connection = connect_for_writing(database)
    schema = sqlite_utils.Database(connection).schema
    connection.close()
    return (
        "# Database schema\n\n"
        "Taken from a new database by `python -m docs.generate`; do not edit. The comments are in"
        " [schema.sql](../aggregator/store/schema.sql). The database is an index over git that"
        f" can be deleted and made again.\n\n```sql\n{schema.rstrip()}\n```\n"
    )


def documents(folder: Path) -> dict[str, str]:
    """File name to text of every generated document.

    Args:
        folder: an empty folder to make a database in.
    """
    return {
        "cli.md": cli_reference(),
        "schema.md": schema_reference(folder / "ledger.db"),
        "openapi.json": json.dumps(document(ROUTES), indent=2) + "\n",
    }


def main() -> None:
    """Write the documents beside this module."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name, text in documents(Path(folder)).items():
            (DOCS / name).write_text(text)


if __name__ == "__main__":
    main()
