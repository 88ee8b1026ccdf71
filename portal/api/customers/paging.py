"""Cursors: where the next page of a long answer begins, sealed for the account that was told it.

A cursor names the last row of a page, so pages neither repeat nor leave out a row while rows are
added before it.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from portal.api.problems import ProblemError, invalid
from portal.api.request import Asked

T = TypeVar("T")

_SEAL_DIGITS: Final = 16
_DOT: Final = "."


def cursor_of(asked: Asked, answer: str, row: str) -> str:
    """The cursor of the page after a row.

    Args:
        asked: the request.
        answer: which answer it is of.
        row: names the row, in letters that an address may have.
    """
    return f"{row}{_DOT}{_seal(asked, answer, row)}"


def row_before(asked: Asked, answer: str, cursor: str) -> str:
    """The row that a cursor names.

    Raises:
        ProblemError: the cursor was not told to this account for this answer.
    """
    row, dot, seal = cursor.rpartition(_DOT)
    if not dot or not hmac.compare_digest(seal.encode(), _seal(asked, answer, row).encode()):
        raise no_such_page()
    return row


def rows_after(rows: Iterator[T], name: Callable[[T], str], after: str | None) -> Iterator[T]:
    """The rows that follow the one of a name; all where there is none.

    Raises:
        ProblemError: there is no row of that name any more: it went with the history that had it.
    """
    if after is not None and all(name(row) != after for row in rows):
        raise no_such_page()
    return rows


def page_of(rows: Iterable[T], most: int) -> tuple[list[T], bool]:
    """As many rows as a page has at most, and whether more follow."""
    found = [*islice(rows, most + 1)]
    return found[:most], len(found) > most


def no_such_page() -> ProblemError:
    """The cursor says nothing here."""
    return invalid("cursor: must be `next` of a page of this answer")


def _seal(asked: Asked, answer: str, row: str) -> str:
    said = f"cursor\n{asked.holder.user}\n{answer}\n{row}".encode()
    return hmac.digest(asked.portal.desk.seal, said, "sha256").hex()[:_SEAL_DIGITS]
