"""Movements of money as rows of text: CSV with a header of our own names, or JSONL. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Literal, get_args

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
from node_pusher.spool.inputs import first_repeated
from wire_format.field_types import MoneyKind
from wire_format.fields import INT_MAX
from wire_format.wording import MISSING, TEXT

Form = Literal["csv", "jsonl"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

_OF_PAYMENTS: Final = (
    *("user", "amount", "provider", "external_ref", "currency", "credited_usd", "status", "ts"),
    *("reason", "new_movement"),
)
COLUMNS: Final[Mapping[MoneyKind, tuple[str, ...]]] = {
    "payment": _OF_PAYMENTS,
    "grant": (
        *("user", "amount", "ts", "reason", "until", "from", "priority", "scope", "category"),
        *("bonus_on", "ref"),
    ),
    "refund": ("user", "amount", "payment", "payment_ref", *_OF_PAYMENTS[2:]),
    "adjustment": ("user", "amount", "ts", "reason"),
}
"""The names of the columns or keys: of the options, with `_` for `-`."""

_REQUIRED: Final[Mapping[MoneyKind, tuple[tuple[str, ...], ...]]] = {
    "payment": (("user",), ("amount",)),
    "grant": (("user",), ("amount",)),
    "refund": (("user",), ("amount",), ("payment", "payment_ref")),
    "adjustment": (("user",), ("amount",), ("reason",)),
}
"""Of each of these tuples one must be stated."""

_ATTRIBUTES: Final = {
    "payment": "refers_to",
    "new_movement": "is_new_movement",
    "from": "from_",
    "ref": "external_ref",
}
"""The attribute of `books.money.Movement` where it has another name."""

_AMOUNTS: Final = ("amount", "credited_usd")
_SEQ: Final = re.compile("[0-9]{1,16}")
_WHOLE: Final = re.compile("-?[0-9]+")


class _Number(str):
    """A number of JSON as it is written: no float may come near money."""

    __slots__ = ()


def read_rows(text: bytes, kind: MoneyKind, form: Form | None, given: Mapping[str, Any]) -> Rows:
    """Read the rows of a text.

    Args:
        text: CSV or JSONL in UTF-8.
        kind: what the rows are.
        form: of the text; None to tell it by its first character that is not blank.
        given: what holds for every row that does not state it, as `movement_of` takes it.

    Raises:
        MoneyError: the text as a whole is too large, empty, or has a header with wrong columns.
    """
    refuse_too_large(text)
    lines = ((line_no, line) for line_no, line in numbered_lines(text) if line.strip())
    first = next(lines, None)
    if first is None:
        if form is None:
            raise MoneyError(
                "standard input is empty",
                hint="if there may be nothing to record, state --format",
            )
        return Rows(b"", iter(()))
    reader = _RowReader(kind, given)
    if form is None:
        form = "jsonl" if first[1].lstrip().startswith(b"{") else "csv"
    if form == "jsonl":
        return Rows(b"", reader.of_jsonl(chain([first], lines)))
    return Rows(first[1].rstrip(b"\r\n") + b"\n", reader.of_csv(first, lines))


class _RowReader:
    """From lines to rows."""

    def __init__(self, kind: MoneyKind, given: Mapping[str, Any]) -> None:
        self._columns = COLUMNS[kind]
        self._known = f"known are {', '.join(self._columns)}"
        self._required = [
            names
            for names in _REQUIRED[kind]
            if all(given.get(_ATTRIBUTES.get(name, name)) is None for name in names)
        ]
        self._given = given

    def of_jsonl(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Row]:
        for line_no, line in lines:
            try:
                row = self._row(line_no, line, _object(decoded(line)))
            except (ValueError, RecursionError) as error:
                row = Row(line_no, line, {}, str(error))
            yield row

    def of_csv(self, head: tuple[int, bytes], lines: Iterable[tuple[int, bytes]]) -> Iterator[Row]:
        try:
            header = self._header(csv_cells(decoded(head[1])))
        except ValueError as error:
            raise MoneyError(
                f"line {head[0]}, the header: {error}",
                hint="the first line of CSV names the columns, separated by commas",
            ) from None
        return self._csv_rows(header, lines)

    def _header(self, names: list[str]) -> list[str]:
        self._refuse_unknown(names)
        _refuse_repeated(names)
        self._refuse_missing(dict.fromkeys(names, ""))
        return names

    def _csv_rows(self, header: list[str], lines: Iterable[tuple[int, bytes]]) -> Iterator[Row]:
        for line_no, line in lines:
            try:
                row = self._row(line_no, line, _by_name(header, csv_cells(decoded(line))))
            except ValueError as error:
                row = Row(line_no, line, {}, str(error))
            yield row

    def _row(self, line_no: int, line: bytes, stated: Mapping[str, object]) -> Row:
        self._refuse_unknown(stated)
        self._refuse_missing(stated)
        values = {
            _ATTRIBUTES.get(name, name): _value(name, value)
            for name, value in stated.items()
            if value is not None
        }
        return Row(line_no, line, {**self._given, **values})

    def _refuse_missing(self, stated: Mapping[str, object]) -> None:
        for names in self._required:
            if all(stated.get(name) is None for name in names):
                raise ValueError(f"{' or '.join(names)}: {MISSING}")

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if name not in self._columns]
        if unknown:
            shown = ", ".join(escape(ascii(name)[1:-1]) for name in unknown)
            raise ValueError(f"{shown}: is not known; {self._known}")


def _by_name(header: list[str], cells: list[str]) -> dict[str, object]:
    return {
        name: cell or None for name, cell in zip(header, as_many_as(header, cells), strict=True)
    }


def _object(text: str) -> dict[str, object]:
    """The object that a line of JSONL is."""
    try:
        found = json.loads(
            text,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
            object_pairs_hook=_pairs,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("must be an object of JSON: {...}")  # noqa: TRY004 - of the text
    return found


def _pairs(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    _refuse_repeated([name for name, _ in pairs])
    return dict(pairs)


def _refuse_repeated(names: Sequence[str]) -> None:
    if (repeated := first_repeated(names)) is not None:
        raise ValueError(f"{escape(ascii(repeated)[1:-1])}: is stated more than once")


def _value(name: str, value: object) -> object:
    """What a cell or a value of JSON states, as `movement_of` takes it."""
    if name == "new_movement":
        return _is_true(value)
    if name == "payment":
        if not isinstance(value, str) or not _SEQ.fullmatch(value) or int(value) > INT_MAX:
            raise ValueError("payment: must be the seq of the payment, a whole number")
        return int(value)
    if name == "priority":
        if not isinstance(value, str) or not _SEQ.fullmatch(value):
            raise ValueError("priority: must be a whole number")
        return int(value)
    if isinstance(value, _Number) and name == "until" and _SEQ.fullmatch(value):
        return str(value)  # days
    if isinstance(value, _Number) and name in _AMOUNTS:
        if not _WHOLE.fullmatch(value):
            raise ValueError(
                f"{name}: {value} must be text, in quotes: numbers with a point are rounded by"
                " the programs that they pass through"
            )
        return str(value)
    if not isinstance(value, str) or isinstance(value, _Number):
        raise ValueError(f"{name}: {TEXT}")  # noqa: TRY004 - of the text
    return value


def _is_true(value: object) -> bool:
    if isinstance(value, str) and not isinstance(value, _Number):
        value = {"true": True, "false": False}.get(value.lower())
    if not isinstance(value, bool):
        raise ValueError("new_movement: must be true or false")  # noqa: TRY004 - of the text
    return value
