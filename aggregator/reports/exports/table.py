"""The form of an export: columns with kinds, and rows of exact values."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "integer", "units", "nano", "decimal", "price", "instant", "boolean"]
"""What the values of a column are:

    text      str
    integer   int, of 64 bits
    units     int, of any size
    nano      int: billionths of a dollar, or of a unit of another currency
    decimal   decimal.Decimal with at most 15 decimals
    price     decimal.Decimal with at most 24 decimals
    instant   int: microseconds since 1970, UTC
    boolean   bool

None in every kind: there is no value.
"""


class ExportColumn(NamedTuple):
    """A column by its name in the file."""

    name: str
    kind: Kind


class Export(NamedTuple):
    """A table to be written.

    Attributes:
        columns: its columns.
        rows: a value for each column; read once.
    """

    columns: Sequence[ExportColumn]
    rows: Iterable[Sequence[Any]]
