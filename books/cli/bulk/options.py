"""Options of movements from standard input."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

_FORMATS: Final = ("csv", "jsonl")
_Command = Callable[..., Any]


class BulkOptions(NamedTuple):
    """How standard input is read, and what becomes of refused rows.

    Attributes:
        form: of standard input; None to recognize it.
        skip_refused: record the good rows although others are refused.
        refused_file: where refused rows go; None to write none.
        dry_run: record nothing.
    """

    form: str | None
    skip_refused: bool
    refused_file: Path | None
    dry_run: bool


def bulk_options(command: _Command) -> _Command:
    """Add the options of movements from standard input."""
    for option in (
        click.option("--dry-run", is_flag=True, help="With -: check the rows; record nothing."),
        click.option(
            "--refused",
            "refused_file",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="With --skip-refused: write the refused rows to a new FILE, as they came, to be"
            " corrected and sent again.",
        ),
        click.option(
            "--skip-refused",
            is_flag=True,
            help="With -: record the good rows although others are refused. Exit code 1 says that"
            " some were.",
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(_FORMATS),
            help="With -: the format of standard input. Default: jsonl if it begins with {.",
        ),
    ):
        command = option(command)
    return command


class BankOptions(NamedTuple):
    """How a bank writes its file, each as it was typed; None where it is not stated.

    Attributes:
        column: FIELD=HEADER each.
        delimiter: between fields.
        encoding: of the file.
        decimal: the sign before the decimals.
        date_format: of days and times.
        skip: how many lines stand before the header.
        match: a regular expression, whose first group is the account.
    """

    column: tuple[str, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    date_format: str | None = None
    skip: int | None = None
    match: str | None = None


def bank_options(command: _Command) -> _Command:
    """Add the options of a bank's file."""
    for option in (
        click.option(
            "--match",
            metavar="REGEX",
            help="With --column: the account is the first group of this in the column of user:"
            " 'GM-([a-z0-9-]+)'. Default: it is the whole cell.",
        ),
        click.option(
            "--skip",
            type=click.IntRange(min=0),
            metavar="N",
            help="With --column: the header stands after so many lines.",
        ),
        click.option(
            "--date-format",
            metavar="FORMAT",
            help="With --column: how the column of ts is written: %d.%m.%Y. A day is midnight in"
            " UTC. Default: as for --ts.",
        ),
        click.option(
            "--decimal",
            type=click.Choice((".", ",")),
            help="With --column: the sign before the cents; the other one, an apostrophe or a blank"
            " may then set thousands apart. Default: amounts are such as 1234.56.",
        ),
        click.option(
            "--encoding",
            metavar="NAME",
            show_default="utf-8",
            help="With --column: the encoding of the file, such as cp1252.",
        ),
        click.option(
            "--delimiter",
            metavar="SIGN",
            help="With --column: what is between fields: , ; | or tab. Default: found by the"
            " header.",
        ),
        click.option(
            "--column",
            multiple=True,
            metavar="FIELD=HEADER",
            help="With -: the name of a column in a bank's file. FIELD is user, amount or"
            " external_ref, which are required, ts, currency, credited_usd, provider or reason.",
        ),
    ):
        command = option(command)
    return command
