"""How a bank writes its list of transfers, as an operator states it. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from books.errors import MoneyError
from gitmeter.support.terminal import escape

FIELDS: Final = (
    *("user", "amount", "external_ref", "ts", "currency", "credited_usd"),
    *("provider", "reason"),
)
"""What a column may be: options of `books pay`, with `_` for `-`."""

DELIMITERS: Final[Mapping[str, str]] = {",": ",", ";": ";", "|": "|", "tab": "\t", "\t": "\t"}
"""What may stand between fields, by the word for it."""

_REQUIRED: Final[Mapping[str, str]] = {
    "user": "it says which account a transfer is for; --match finds the account in a longer text",
    "amount": "only lines with an amount above zero are taken",
    "external_ref": "the bank's own reference keeps a transfer from being recorded twice",
}
_ASCII: Final = "\t" + "".join(map(chr, range(0x20, 0x7F))) + ".xn--4ca"
"""The last of it is a name of a host, of which the codec `idna` makes another."""

_DATE: Final = (("d",), ("m", "b", "B"), ("Y", "y"))
"""Of each of these directives a date needs one."""

_TIME: Final = ("H", "I", "p", "M", "S", "f", "z", "%")
_DIRECTIVES: Final = tuple(name for names in _DATE for name in names) + _TIME
_EXAMPLE: Final = datetime(2026, 11, 21, tzinfo=UTC)


class BankForm(NamedTuple):
    """The form of a bank's file.

    Attributes:
        columns: field (one of `FIELDS`) to the name of its column.
        delimiter: between fields; None to find it by the header.
        encoding: of the file, in which ASCII is ASCII.
        decimal: the sign before the decimals; thousands may then be set apart. None for amounts
            such as 12.50, without such a sign.
        date_format: of days and times, as `strptime` takes it; None for instants such as
            2026-11-21T13:05:00Z.
        skip: how many lines stand before the header.
        account: what the first group of is the account, within its column; None where the column is
            the account.
    """

    columns: Mapping[str, str]
    delimiter: str | None = None
    encoding: str = "UTF-8"
    decimal: str | None = None
    date_format: str | None = None
    skip: int = 0
    account: re.Pattern[str] | None = None


def bank_form(
    columns: Sequence[str],
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    date_format: str | None = None,
    skip: int | None = None,
    match: str | None = None,
) -> BankForm:
    """The form that somebody states, each part as it was typed.

    Raises:
        MoneyError: a part is wrong, or a column is missing.
    """
    named = _columns(columns)
    if delimiter is not None and delimiter not in DELIMITERS:
        raise MoneyError(
            f"delimiter: {_shown(delimiter)} must be one of , ; | and tab",
            hint="without --delimiter it is found by the header",
        )
    if date_format is not None:
        if "ts" not in named:
            raise MoneyError("date-format: no column is a time", hint="state --column ts=HEADER")
        _check_date_format(date_format)
    return BankForm(
        named,
        None if delimiter is None else DELIMITERS[delimiter],
        "UTF-8" if encoding is None else _checked_encoding(encoding),
        decimal,
        date_format,
        skip or 0,
        None if match is None else _pattern(match),
    )


def refuse_one_for_all(given: Mapping[str, Any]) -> None:
    """Refuse options of a payment that cannot hold for every line of a bank's file.

    Args:
        given: what holds for every line, as `books.money.movement_of` takes it.

    Raises:
        MoneyError: one is stated.
    """
    for name in ("external_ref", "credited_usd"):
        if given.get(name) is not None:
            raise MoneyError(
                f"{name}: one for all lines of a bank's file would be wrong",
                hint=f"state --column {name}=HEADER",
            )


def _columns(stated: Sequence[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for each in stated:
        field, _, header = each.partition("=")
        if field not in FIELDS or not header.strip():
            raise MoneyError(
                f"column: {_shown(each)} must be FIELD=HEADER, such as amount=Betrag",
                hint=f"fields are {', '.join(FIELDS)}",
            )
        if field in columns:
            raise MoneyError(f"column: {field} is stated more than once")
        columns[field] = header.strip()
    for field, meaning in _REQUIRED.items():
        if field not in columns:
            raise MoneyError(
                f"column: {field} is missing", hint=f"state --column {field}=HEADER: {meaning}"
            )
    return columns


def _checked_encoding(encoding: str) -> str:
    """An encoding in which lines, delimiters and digits are those of ASCII."""
    try:
        is_ascii = _ASCII.encode("ascii").decode(encoding) == _ASCII
    except (LookupError, ValueError):
        is_ascii = False
    if not is_ascii:
        raise MoneyError(
            f"encoding: {_shown(encoding)} must be one that is known and extends ASCII, such as"
            " cp1252",
            hint="`iconv -f utf-16 -t utf-8` converts other files",
        )
    return encoding


def _check_date_format(date_format: str) -> None:
    used = re.findall(r"%(.?)", date_format, re.DOTALL)
    is_whole = all(sum(used.count(name) for name in names) == 1 for names in _DATE)
    is_whole = is_whole and ("I" in used) == ("p" in used)
    if not is_whole or not set(used) <= set(_DIRECTIVES) or not _reads_back(date_format):
        raise MoneyError(
            f"date-format: {_shown(date_format)} must have day, month and year once, such as"
            " %d.%m.%Y",
            hint=f"known are {' '.join(f'%{name}' for name in _DIRECTIVES)}",
        )


def _reads_back(date_format: str) -> bool:
    try:
        found = datetime.strptime(_EXAMPLE.strftime(date_format), date_format).replace(tzinfo=UTC)
    except (ValueError, re.error):
        return False
    return found == _EXAMPLE


def _pattern(match: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(match)
    except (re.error, OverflowError, RecursionError) as error:
        raise MoneyError(f"match: {_shown(match)} is no regular expression: {error}") from None
    if not pattern.groups:
        raise MoneyError(
            f"match: {_shown(match)} has no group",
            hint="put what is the account in parentheses: 'GM-([a-z0-9-]+)'",
        )
    return pattern


def _shown(text: str) -> str:
    return escape(ascii(text))
