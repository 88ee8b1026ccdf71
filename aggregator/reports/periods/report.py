"""The form of an answer with rows and a total: the same for a table, CSV and JSON."""

from collections.abc import Iterable, Iterator, Sequence
from operator import add
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "number", "usd"]
"""A text, a whole number, or nano-dollars."""


class Column(NamedTuple):
    """One column.

    Attributes:
        name: its name for programs; of nano-dollars without the unit, which JSON (`_nano`) and CSV
            (`_usd`) add.
        heading: its name for people.
        kind: what is in it.
        is_spare: whether a narrow terminal may leave it out.
    """

    name: str
    heading: str
    kind: Kind = "usd"
    is_spare: bool = False


class Report(NamedTuple):
    """An answer.

    Attributes:
        head: what it is about and stands on, as JSON states it.
        columns: its columns.
        rows: a value for each column; None where there is none.
        total: the same for the sums of all rows; it may be complete only after the last of these.
    """

    head: dict[str, Any]
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    total: Sequence[Any]


def added_to(total: list[Any], rows: Iterable[Sequence[Any]], sums: int) -> Iterator[Sequence[Any]]:
    """Pass rows on; the last columns of each are added to the total."""
    for row in rows:
        total[-sums:] = map(add, total[-sums:], row[-sums:])
        yield row
