"""A bank's CSV file as rows of payments. Pure.

Only what came in is taken. A line without a reference is refused: it would be recorded again with
each file that has it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from books.bulk.bank_cells import (
    BankCellError,
    NoIncomeError,
    named_cells,
    read_account,
    read_amount,
    read_text,
    read_time,
    refuse_outgoing,
)
from books.bulk.bank_form import DELIMITERS, BankForm
from books.bulk.text import (
    Row,
    Rows,
    as_many_as,
    csv_cells,
    decoded,
    numbered_lines,
    refuse_too_large,
)
from books.errors import MoneyError
from gitmeter.support.terminal import escape
from wire_format.wording import MISSING

COLUMNS_MAX: Final = 256

_SHOWN_HEADERS_MAX: Final = 20
_SHOWN_CHARS: Final = 40


class _Header(NamedTuple):
    """The header of a file.

    Attributes:
        names: of all columns.
        delimiter: between fields.
    """

    names: list[str]
    delimiter: str


def read_bank_rows(text: bytes, form: BankForm, given: Mapping[str, Any]) -> Rows:
    """Read the payments of a bank's file.

    Args:
        text: the file.
        form: of it.
        given: what holds for every row that does not state it, as `books.money.movement_of` takes
            it.

    Raises:
        MoneyError: the text as a whole is too large, empty, or has a header with wrong columns.
    """
    refuse_too_large(text)
    lines = numbered_lines(text)
    head = []
    for line_no, line in lines:
        head.append(line)
        if line_no > form.skip and line.strip():
            header = _read_header(line_no, line, form)
            return Rows(b"".join(head).rstrip(b"\r\n") + b"\n", _rows(lines, form, header, given))
    raise MoneyError(
        "standard input has no header" + f" after {form.skip} lines" * bool(form.skip),
        hint="the line after those of --skip names the columns",
    )


def _read_header(line_no: int, line: bytes, form: BankForm) -> _Header:
    try:
        return _header(decoded(line, form.encoding), form)
    except BankCellError as error:
        message, hint = str(error), error.hint
    except ValueError as error:
        message, hint = str(error), "state with --encoding in which encoding the file is"
    raise MoneyError(f"line {line_no}, the header: {message}", hint=hint)


def _header(text: str, form: BankForm) -> _Header:
    delimiters = [form.delimiter] if form.delimiter else list(dict.fromkeys(DELIMITERS.values()))
    wanted = set(form.columns.values())
    read = [_Header(_names(text, delimiter), delimiter) for delimiter in delimiters]
    fitting = [header for header in read if wanted <= set(header.names)]
    if len(fitting) > 1:
        raise BankCellError(
            "can be read with several delimiters", "state with --delimiter what is between fields"
        )
    if not fitting:
        names = max((header.names for header in read), key=len)
        missing = ", ".join(name for name in form.columns.values() if name not in names)
        raise BankCellError(
            f"has no column {escape(missing or ', '.join(wanted))}; it has {_shown(names)}",
            "name columns with --column as the file does; --skip N passes over N lines before the"
            " header, --delimiter and --encoding say how it is written",
        )
    for name in wanted:
        if fitting[0].names.count(name) > 1:
            raise BankCellError(
                f"has several columns {escape(name)}", "rename one of them in the file"
            )
    return fitting[0]


def _names(text: str, delimiter: str) -> list[str]:
    try:
        names = [name.strip() for name in csv_cells(text, delimiter)]
    except ValueError:
        return []
    if len(names) > COLUMNS_MAX:
        raise BankCellError(
            f"has more than {COLUMNS_MAX} columns", "export the file with fewer columns"
        )
    return names


def _shown(names: list[str]) -> str:
    cut = [name[:_SHOWN_CHARS] for name in names[:_SHOWN_HEADERS_MAX]]
    more = len(names) - len(cut)
    return escape(", ".join(cut)) + f" and {more} more" * bool(more)


def _rows(
    lines: Iterable[tuple[int, bytes]], form: BankForm, header: _Header, given: Mapping[str, Any]
) -> Iterator[Row]:
    for line_no, line in lines:
        if line.strip():
            yield _row(line_no, line, form, header, given)


def _row(
    line_no: int, line: bytes, form: BankForm, header: _Header, given: Mapping[str, Any]
) -> Row:
    try:
        cells = named_cells(form, header.names, _cells(line, form, header))
    except BankCellError as error:
        return Row(line_no, line, {}, str(error), error.hint)
    stated = {**given}
    try:
        _state(stated, cells, form)
    except NoIncomeError as error:
        return Row(line_no, line, stated, not_taken=str(error))
    except BankCellError as error:
        return Row(line_no, line, {}, str(error), error.hint)
    return Row(line_no, line, stated)


def _cells(line: bytes, form: BankForm, header: _Header) -> list[str]:
    """The cells of a line, as many as there are columns."""
    try:
        text = decoded(line, form.encoding)
    except ValueError as error:
        raise BankCellError(
            str(error), "--encoding says in which encoding the file is; or correct the line"
        ) from None
    if "\0" in text:
        raise BankCellError("has a NUL character", "export the file again, or remove the character")
    try:
        cells = csv_cells(text, header.delimiter)
    except ValueError as error:
        raise BankCellError(
            str(error), "a quoted cell must end on its line: correct the line, or remove it"
        ) from None
    try:
        return as_many_as(header.names, cells)
    except ValueError as error:
        raise BankCellError(
            str(error),
            "remove a line that is no transfer, such as a sum, or pass over it with --skip-refused",
        ) from None


def _state(stated: dict[str, Any], cells: Mapping[str, str], form: BankForm) -> None:
    """Add what the cells of a line state; first currency and amount, also of what is not taken."""
    if cells.get("currency"):
        stated["currency"] = read_text("currency", cells["currency"])
    if not cells["amount"]:
        raise NoIncomeError("no amount is stated")
    stated["amount"] = read_amount("amount", cells["amount"], form.decimal)
    refuse_outgoing(stated["amount"])
    stated["user"] = read_text("user", read_account(cells["user"], form.account))
    if not cells["external_ref"]:
        raise BankCellError(
            "external_ref: is missing, and a line without a reference could be recorded twice",
            "enter it with `books pay USER AMOUNT` once, and remove the line",
        )
    for field in ("currency", "provider", "ts"):
        if cells.get(field) == "" and stated.get(field) is None:
            raise BankCellError(
                f"{field}: {MISSING}",
                f"correct the line, or state --{field}, which holds where the cell is empty",
            )
    for field in ("external_ref", "provider", "reason"):
        if cells.get(field):
            stated[field] = read_text(field, cells[field])
    if cells.get("credited_usd"):
        stated["credited_usd"] = read_amount("credited_usd", cells["credited_usd"], form.decimal)
    if cells.get("ts"):
        stated["ts"] = read_time(cells["ts"], form.date_format)
