"""What the cells of a bank's file say: amounts, days, accounts. Pure.

Nothing is guessed: what is not in the stated form is a fault. Amounts stay text and whole numbers.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from books.bulk.bank_form import BankForm
from gitmeter.support.terminal import FORMULA_SIGNS, escape
from wire_format.instants import format_ts
from wire_format.money import parse_nano

CELL_CHARS_MAX: Final = 1000
"""Of a cell that is read; longer ones are refused before anything is searched in them."""

_SHOWN_CHARS: Final = 40
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_MINUS: Final = "\u2212"


def _amount_form(decimal: str, other: str) -> re.Pattern[str]:
    """Amounts whose thousands may be set apart by the other sign, an apostrophe or a blank."""
    apart = rf"[{re.escape(other)}'\u2019 \u00a0\u202f]"
    whole = rf"[0-9]{{1,3}}(?P<apart>{apart})[0-9]{{3}}(?:(?P=apart)[0-9]{{3}})*|[0-9]+"
    return re.compile(rf"(?P<whole>{whole})(?:{re.escape(decimal)}(?P<decimals>[0-9]+))?")


class _AmountForm(NamedTuple):
    """How amounts are written.

    Attributes:
        pattern: of an amount without its sign.
        example: of one.
        hint: what to do about another.
    """

    pattern: re.Pattern[str]
    example: str
    hint: str


_AMOUNT_FORMS: Final[Mapping[str | None, _AmountForm]] = {
    None: _AmountForm(
        re.compile(r"(?P<whole>[0-9]+)(?:\.(?P<decimals>[0-9]+))?"),
        "12.50",
        "state --decimal , for 1.234,56 or --decimal . for 1,234.56",
    ),
    ".": _AmountForm(
        _amount_form(".", ","), "1,234.56", "--decimal , is for files that write 1.234,56"
    ),
    ",": _AmountForm(
        _amount_form(",", "."), "1.234,56", "--decimal . is for files that write 1,234.56"
    ),
}


class BankCellError(ValueError):
    """A line of a bank's file cannot be read.

    Attributes:
        hint: what can be done about it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class NoIncomeError(Exception):
    """A line of a bank's file is none to be recorded."""


def read_amount(field: str, cell: str, decimal: str | None) -> str:
    """An amount in our own form: `1234.56`, or `-1234.56`.

    Raises:
        BankCellError: it is not in the stated form.
    """
    form = _AMOUNT_FORMS[decimal]
    text = cell.replace(_MINUS, "-")
    sign = ""
    if text.startswith(("+", "-")):
        sign, text = text[0], text[1:].lstrip()
    elif text.endswith(("+", "-")):
        sign, text = text[-1], text[:-1].rstrip()
    found = form.pattern.fullmatch(text)
    if found is None:
        raise BankCellError(
            f"{field}: {_shown(cell)} is no amount such as {form.example}", form.hint
        )
    whole = re.sub(r"[^0-9]", "", found["whole"])
    decimals = "" if found["decimals"] is None else f".{found['decimals']}"
    amount = f"{'-' if sign == '-' else ''}{whole}{decimals}"
    try:
        parse_nano(amount)
    except ValueError as error:
        raise BankCellError(
            f"{field}: {_shown(cell)}: {error}", "correct the line, or remove it"
        ) from None
    return amount


def refuse_outgoing(amount: str) -> None:
    """Refuse an amount that did not come in.

    Raises:
        NoIncomeError: it is not above zero.
    """
    nano = parse_nano(amount)
    if nano < 0:
        raise NoIncomeError("the amount is negative")
    if nano == 0:
        raise NoIncomeError("the amount is zero")


def read_time(cell: str, date_format: str | None) -> str:
    """An instant in our own form; a day is its midnight in UTC, and so is a time without offset.

    Raises:
        BankCellError: it is not in the stated form.
    """
    if date_format is None:
        return cell
    hint = "--date-format says how the file writes it"
    try:
        found = datetime.strptime(cell if cell.isascii() else "", date_format)  # noqa: DTZ007 - below
        return format_ts(found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC))
    except (ValueError, OverflowError):
        raise BankCellError(
            f"ts: {_shown(cell)} is no time such as {escape(date_format)}", hint
        ) from None


def read_account(cell: str, account: re.Pattern[str] | None) -> str:
    """The account that a transfer is for.

    Raises:
        NoIncomeError: none is found, or several are.
    """
    if account is None:
        found = {cell} - {""}
    else:
        found = {match[1] for match in account.finditer(cell)} - {None, ""}
    if not found:
        raise NoIncomeError("no account is found")
    if len(found) > 1:
        raise NoIncomeError("several accounts are found")
    return found.pop()


def read_text(field: str, cell: str) -> str:
    """A text that is no formula.

    Raises:
        BankCellError: it is one.
    """
    if cell.startswith(FORMULA_SIGNS) and not _NUMBER.fullmatch(cell):
        raise BankCellError(
            f"{field}: {_shown(cell)} begins as a formula of a spreadsheet",
            "correct the cell: the text without its first sign",
        )
    return cell


def named_cells(form: BankForm, header: list[str], cells: list[str]) -> dict[str, str]:
    """The cells of the columns that are named, by their fields, without blanks around them.

    Args:
        form: of the file.
        header: names of all columns; those that the form names are in it.
        cells: of a line, as many.

    Raises:
        BankCellError: one is too long.
    """
    found = {field: cells[header.index(name)].strip() for field, name in form.columns.items()}
    for field, cell in found.items():
        if len(cell) > CELL_CHARS_MAX:
            raise BankCellError(
                f"{field}: longer than {CELL_CHARS_MAX} characters",
                "correct the line, or remove it",
            )
    return found


def _shown(cell: str) -> str:
    cut = cell[:_SHOWN_CHARS] + "..." * (len(cell) > _SHOWN_CHARS)
    return escape(f"'{cut}'")
