"""Work on millions of records: what makes it cheaper, and how it says how far it is."""

import gc
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final

Progress = Callable[[str, int, int], object]
"""Called with the repo's name, the number of commits done, and of all commits."""

_ROWS: Final = 50
"""Of one statement. More gain nothing: what a statement costs is then small beside its rows."""


@contextmanager
def without_cycle_collection() -> Iterator[None]:
    """Pause the collection of reference cycles.

    Records have none, and searching them for cycles takes an eighth to a quarter of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def insert_rows(connection: sqlite3.Connection, insert: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, many a statement: a statement a row costs more than the row itself.

    Args:
        connection: in a transaction that may write.
        insert: such as `INSERT INTO records`.
        rows: in the order of the table's key where there is one, which is the fastest; each has a
            value for each column.
    """
    if rows:
        insert_values(connection, insert, len(rows[0]), [*chain.from_iterable(rows)])


def insert_values(
    connection: sqlite3.Connection, insert: str, columns: int, values: Sequence[Any]
) -> None:
    """`insert_rows` for the values of all rows, one row after the other."""
    row = f"({', '.join('?' * columns)})"
    step = _ROWS * columns
    whole = len(values) - len(values) % step
    connection.executemany(
        f"{insert} VALUES {', '.join([row] * _ROWS)}",
        (values[at : at + step] for at in range(0, whole, step)),
    )
    connection.executemany(
        f"{insert} VALUES {row}",
        (values[at : at + columns] for at in range(whole, len(values), columns)),
    )
