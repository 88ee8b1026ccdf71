"""`books pay -` and the like: movements from standard input, and what is said of them."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import click

from gitmeter.support.terminal import escape, print_json

if TYPE_CHECKING:
    from books.bulk.recording import BulkReport
    from books.bulk.rows import Row
    from wire_format.field_types import MoneyKind

_FORMATS: Final = ("csv", "jsonl")
_SHOWN_MAX: Final = 20
_STEP_LINES: Final = 500
_SIMILAR_SHOWN_MAX: Final = 3
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


def record_bulk(
    home: Path, kind: "MoneyKind", given: Mapping[str, Any], how: BulkOptions, *, as_json: bool
) -> NoReturn:
    """Record the movements of standard input, print what became of them, and exit.

    Args:
        home: of the books.
        kind: what the movements are.
        given: what holds for each that does not state it, as `books.money.movement_of` takes it.
        how: the options.
        as_json: print JSON.
    """
    from books.bulk.recording import record_rows
    from books.bulk.rows import BYTES_MAX, read_rows
    from books.money import movement_of
    from node_pusher.spool.api import Spool

    if how.refused_file is not None and not how.skip_refused:
        raise click.UsageError("--refused needs --skip-refused: otherwise no row is recorded")
    movement_of(
        kind, {**given, "user": "", "amount": ""}
    )  # what is wrong is said once, not per row
    with Spool.open(home, role="books") as spool:
        text = sys.stdin.buffer.read(BYTES_MAX + 1)
        rows = read_rows(text, kind, how.form, given)  # type: ignore[arg-type] # one of its values
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
        print_json(_as_json(report, kind, given["by"], dry_run=how.dry_run))
    else:
        _print(report, kind, how)
    sys.exit(1 if report.refused else 0)


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


def _as_json(report: "BulkReport", kind: str, by: str, *, dry_run: bool) -> dict[str, Any]:
    return {
        "kind": kind,
        "by": by,
        "dry_run": dry_run,
        "rows": report.rows,
        "accepted": report.accepted,
        "already": report.already,
        "recorded": report.accepted if report.is_recorded else 0,
        "first_seq": report.first_seq,
        "last_seq": report.last_seq,
        "without_reference": report.without_reference,
        "new_users": len(report.new_users),
        "similar_users": report.similar_users,
        "refused": [row._asdict() for row in report.refused],
    }


def _print(report: "BulkReport", kind: str, how: BulkOptions) -> None:
    for row in report.refused[:_SHOWN_MAX]:
        click.echo(f"line {row.line_no}: {escape(row.reason)}", err=True)
    if len(report.refused) > _SHOWN_MAX:
        rest = len(report.refused) - _SHOWN_MAX
        click.echo(f"... and {rest:,} more; --json has all of them", err=True)
    accepted, already = _counted(report.accepted, kind), f"{report.already:,} recorded already"
    refused = f"{_counted(len(report.refused), 'row')} refused"
    ending = [already] * bool(report.already) + [refused] * bool(report.refused)
    if how.dry_run:
        click.echo(", ".join([f"{accepted} would be recorded", *ending]))
    elif not report.is_recorded:
        _refuse_all(report)
    elif report.accepted:
        span = "" if report.first_seq == report.last_seq else f" to {report.last_seq}"
        recorded = f"{accepted} recorded, seq {report.first_seq}{span}"
        click.echo(f"{', '.join([recorded, *ending])}; next: `books push`")
    else:
        click.echo(f"nothing recorded: {', '.join(ending) or 'there are no rows'}")
    for note in _notes(report):
        click.echo(f"note: {note}", err=True)


def _refuse_all(report: "BulkReport") -> NoReturn:
    from books.errors import MoneyError

    raise MoneyError(
        f"{len(report.refused):,} of {_counted(report.rows, 'row')} refused; nothing was recorded",
        hint="correct them and send all rows again; or --skip-refused records the others, and"
        " --refused FILE keeps these",
    )


def _notes(report: "BulkReport") -> Iterator[str]:
    """What a person should know about accepted rows."""
    if report.new_users:
        said = f"{_counted(len(report.new_users), 'user')} not in these books before"
        similar = (
            f"{new} (they know {', '.join(known[:_SIMILAR_SHOWN_MAX])})"
            for new, known in report.similar_users.items()
        )
        yield ": ".join(filter(None, (said, escape(", ".join(similar)))))
    if report.without_reference:
        yield (
            f"{_counted(report.without_reference, 'row')} without external_ref: sent again, they"
            " are recorded again"
        )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
