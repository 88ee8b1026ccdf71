"""Lines of a text that are rows: their limits, encoding and cells. Pure.

A line of the text is a row; no field may contain the end of a line, so in CSV a quoted one that
does not end on its line is wrong, and spoils no other row.
"""

import csv
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple

from books.errors import MoneyError

ROWS_MAX: Final = 200_000
"""Others cannot record while rows are judged, and wait for a minute at most."""

BYTES_MAX: Final = 64 * 1024 * 1024
LINE_BYTES_MAX: Final = 64 * 1024

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """A row.

    Attributes:
        line_no: its number in the text, from 1, the header and blank lines counted.
        line: its bytes, with the end of the line where it has one.
        stated: what it states, as `books.money.movement_of` takes it.
        fault: why it states nothing; empty if it does.
        hint: what can be done about the fault; may be empty.
        not_taken: why it is none that is to be recorded, and no fault either; `stated` then has
            `amount` and `currency`, where the row states an amount. Empty for all others.
    """

    line_no: int
    line: bytes
    stated: Mapping[str, Any]
    fault: str = ""
    hint: str = ""
    not_taken: str = ""


class Rows(NamedTuple):
    """The rows of a text.

    Attributes:
        head: what must precede rows of this text that are sent again: the header of CSV.
        rows: in their order.
    """

    head: bytes
    rows: Iterator[Row]


def refuse_too_large(text: bytes) -> None:
    """Refuse a text with too many rows or bytes.

    Raises:
        MoneyError: it is too large.
    """
    if len(text) > BYTES_MAX or text.count(b"\n") > ROWS_MAX + 1:  # with a header
        raise MoneyError(
            f"standard input has more than {ROWS_MAX:,} rows or {BYTES_MAX >> 20} MiB",
            hint="split it, and send the parts one after the other",
        )


def numbered_lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines, each with its number; without a byte order mark."""
    return enumerate(BytesIO(text.removeprefix(_BYTE_ORDER_MARK)), start=1)


def decoded(line: bytes, encoding: str = "UTF-8") -> str:
    """A line as text, without its end.

    Raises:
        ValueError: it is too long, or not in the encoding.
    """
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"longer than {LINE_BYTES_MAX} bytes")
    try:
        return line.decode(encoding).rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"is not {encoding}") from None


def csv_cells(text: str, delimiter: str = ",") -> list[str]:
    """The cells of a line of CSV.

    Raises:
        ValueError: it is none.
    """
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"is not a line of CSV: {error}") from None


def as_many_as(header: list[str], cells: list[str]) -> list[str]:
    """The cells of a row.

    Raises:
        ValueError: there are not as many as in the header.
    """
    if len(cells) != len(header):
        raise ValueError(f"has {len(cells)} fields, and the header {len(header)}")
    return cells
