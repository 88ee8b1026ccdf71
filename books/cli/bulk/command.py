"""`books pay -` and the like: movements from standard input."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from books.cli.bulk.options import BankOptions, BulkOptions
from books.cli.bulk.report import bulk_json, print_report
from gitmeter.support.terminal import print_json

if TYPE_CHECKING:
    from books.bulk.text import Row, Rows
    from wire_format.field_types import MoneyKind

_STEP_LINES: Final = 500


def record_bulk(
    home: Path,
    kind: "MoneyKind",
    given: Mapping[str, Any],
    how: BulkOptions,
    bank: BankOptions,
    *,
    as_json: bool,
) -> NoReturn:
    """Record the movements of standard input, print what became of them, and exit.

    Args:
        home: of the books.
        kind: what the movements are.
        given: what holds for each that does not state it, as `books.money.movement_of` takes it.
        how: the options.
        bank: those about a bank's file.
        as_json: print JSON.
    """
    from books.bulk.recording import record_rows
    from books.bulk.text import BYTES_MAX
    from books.money import movement_of
    from node_pusher.spool.api import Spool

    if how.refused_file is not None and not how.skip_refused:
        raise click.UsageError("--refused needs --skip-refused: otherwise no row is recorded")
    movement_of(
        kind, {**given, "user": "", "amount": ""}
    )  # what is wrong is said once, not per row
    read = _reader(kind, given, how, bank)
    with Spool.open(home, role="books") as spool:
        text = sys.stdin.buffer.read(BYTES_MAX + 1)
        rows = read(text)
        with _progress(text) as on_row, _refused_rows(how.refused_file, rows.head) as on_refused:
            report = record_rows(
                spool,
                kind,
                rows.rows,
                skip_refused=how.skip_refused,
                dry_run=how.dry_run,
                on_row=on_row,
                on_refused=on_refused,
            )
    if as_json:
        print_json(bulk_json(report, kind, given["by"], dry_run=how.dry_run))
    else:
        print_report(report, kind, dry_run=how.dry_run, of_bank=any(bank))
    sys.exit(1 if report.refused else 0)


def _reader(
    kind: "MoneyKind", given: Mapping[str, Any], how: BulkOptions, bank: BankOptions
) -> Callable[[bytes], "Rows"]:
    """How the text of standard input is read; what is wrong with the options is said before."""
    if not any(bank):
        from books.bulk.rows import read_rows

        return lambda text: read_rows(text, kind, how.form, given)  # type: ignore[arg-type] # one of its values

    from books.bulk.bank_csv import read_bank_rows
    from books.bulk.bank_form import bank_form, refuse_one_for_all

    if not bank.column:
        raise click.UsageError(
            "--delimiter, --encoding, --decimal, --date-format, --skip and --match need --column"
        )
    if how.form == "jsonl":
        raise click.UsageError("--column is for CSV, not for --format jsonl")
    refuse_one_for_all(given)
    form = bank_form(
        bank.column,
        delimiter=bank.delimiter,
        encoding=bank.encoding,
        decimal=bank.decimal,
        date_format=bank.date_format,
        skip=bank.skip,
        match=bank.match,
    )
    return lambda text: read_bank_rows(text, form, given)


@contextmanager
def _progress(text: bytes) -> Iterator[Callable[["Row"], object]]:
    """Show how far a long run is, if a person is there to see it."""
    if not sys.stderr.isatty():
        yield lambda _row: None
        return
    with click.progressbar(length=text.count(b"\n"), label="rows", file=sys.stderr) as bar:
        yield (
            lambda row: bar.update(row.line_no - bar.pos) if not row.line_no % _STEP_LINES else None
        )


@contextmanager
def _refused_rows(file: Path | None, head: bytes) -> Iterator[Callable[["Row"], object]]:
    """Write refused rows to a new file, which stays only if there are any."""
    if file is None:
        yield lambda _row: None
        return
    try:
        stream = file.open("xb")
    except FileExistsError:
        raise click.UsageError(f"{file}: is there already; --refused makes a new file") from None
    try:
        with stream:
            stream.write(head)
            yield lambda row: stream.write(row.line.rstrip(b"\r\n") + b"\n")
            is_empty = stream.tell() == len(head)
    except BaseException:
        file.unlink()
        raise
    if is_empty:
        file.unlink()
