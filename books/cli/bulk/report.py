"""What is said of movements from standard input."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from gitmeter.support.terminal import escape

if TYPE_CHECKING:
    from books.bulk.recording import BulkReport, NotTaken

_SHOWN_MAX: Final = 20
_SIMILAR_SHOWN_MAX: Final = 3


def bulk_json(report: "BulkReport", kind: str, by: str, *, dry_run: bool) -> dict[str, Any]:
    """What became of rows, as JSON.

    Args:
        report: of them.
        kind: what they are.
        by: who entered them.
        dry_run: nothing was to be recorded.
    """
    return {
        "kind": kind,
        "by": by,
        "dry_run": dry_run,
        "rows": report.rows,
        "accepted": report.accepted,
        "already": report.already,
        "amounts": {
            "accepted": _amounts(report.accepted_nano),
            "already": _amounts(report.already_nano),
        },
        "not_taken": [
            {"reason": reason, "line_nos": rows.line_nos, "amounts": _amounts(rows.nano)}
            for reason, rows in report.not_taken.items()
        ],
        "recorded": report.accepted if report.is_recorded else 0,
        "first_seq": report.first_seq,
        "last_seq": report.last_seq,
        "without_reference": report.without_reference,
        "new_users": len(report.new_users),
        "similar_users": report.similar_users,
        "refused": [row._asdict() for row in report.refused],
    }


def print_report(report: "BulkReport", kind: str, *, dry_run: bool, of_bank: bool) -> None:
    """Print what became of rows.

    Args:
        report: of them.
        kind: what they are.
        dry_run: nothing was to be recorded.
        of_bank: they are lines of a bank's file: sums are shown, and what to do about each.

    Raises:
        MoneyError: nothing was recorded, because rows are refused.
    """
    for row in report.refused[:_SHOWN_MAX]:
        hint = f" ({row.hint})" if of_bank and row.hint else ""
        click.echo(f"line {row.line_no}: {escape(row.reason + hint)}", err=True)
    if len(report.refused) > _SHOWN_MAX:
        rest = len(report.refused) - _SHOWN_MAX
        click.echo(f"... and {rest:,} more; --json has all of them", err=True)
    for reason, rows in report.not_taken.items():
        click.echo(f"not taken, as {reason}: {_left(rows)}", err=True)
    accepted = _counted(report.accepted, kind) + _sum(report.accepted_nano) * of_bank
    ending = list(_ending(report, of_bank=of_bank))
    if dry_run:
        click.echo(", ".join([f"{accepted} would be recorded", *ending]))
    elif not report.is_recorded:
        _refuse_all(report)
    elif report.accepted:
        span = "" if report.first_seq == report.last_seq else f" to {report.last_seq}"
        recorded = f"{accepted} recorded, seq {report.first_seq}{span}"
        click.echo(f"{', '.join([recorded, *ending])}; next: `books push`")
    else:
        click.echo(f"nothing recorded: {', '.join(ending) or 'there are no rows'}")
    for note in _notes(report, of_bank=of_bank):
        click.echo(f"note: {note}", err=True)


def _ending(report: "BulkReport", *, of_bank: bool) -> Iterator[str]:
    """What became of the rows that were not recorded."""
    if report.already:
        yield f"{report.already:,}{_sum(report.already_nano) * of_bank} recorded already"
    if report.not_taken:
        not_taken = sum(len(rows.line_nos) for rows in report.not_taken.values())
        yield f"{_counted(not_taken, 'row')} not taken"
    if report.refused:
        yield f"{_counted(len(report.refused), 'row')} refused"


def _sum(nano: Mapping[str, int]) -> str:
    """Amounts in words: ` of 7.00 EUR and 12.50 USD`."""
    amounts = [f"{amount} {currency}" for currency, amount in _amounts(nano).items()]
    return f" of {' and '.join(amounts)}" if amounts else ""


def _amounts(nano: Mapping[str, int]) -> dict[str, str]:
    from wire_format.money import format_usd

    return {currency: format_usd(amount) for currency, amount in sorted(nano.items())}


def _left(rows: "NotTaken") -> str:
    """Rows for one reason: how many, their sum and their numbers."""
    shown = ", ".join(map(str, rows.line_nos[:_SHOWN_MAX]))
    rest = len(rows.line_nos) - _SHOWN_MAX
    more = f" and {rest:,} more; --json has all of them" if rest > 0 else ""
    lines = "line" if len(rows.line_nos) == 1 else "lines"
    return f"{_counted(len(rows.line_nos), 'row')}{_sum(rows.nano)}, {lines} {shown}{more}"


def _refuse_all(report: "BulkReport") -> NoReturn:
    from books.errors import MoneyError

    raise MoneyError(
        f"{len(report.refused):,} of {_counted(report.rows, 'row')} refused; nothing was recorded",
        hint="correct them and send all rows again; or --skip-refused records the others, and"
        " --refused FILE keeps these",
    )


def _notes(report: "BulkReport", *, of_bank: bool) -> Iterator[str]:
    """What a person should know about accepted rows."""
    if report.new_users:
        said = f"{_counted(len(report.new_users), 'user')} not in these books before"
        is_named = of_bank and len(report.new_users) <= _SHOWN_MAX  # customers wrote the names
        named = report.new_users if is_named else report.similar_users
        users = (_with_similar(user, report.similar_users.get(user, [])) for user in named)
        yield ": ".join(filter(None, (said, escape(", ".join(users)))))
    if report.without_reference:
        yield (
            f"{_counted(report.without_reference, 'row')} without external_ref: sent again, they"
            " are recorded again"
        )


def _with_similar(user: str, known: list[str]) -> str:
    return f"{user} (they know {', '.join(known[:_SIMILAR_SHOWN_MAX])})" if known else user


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
