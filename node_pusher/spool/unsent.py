"""The records in no commit yet: one by one, or a thousand as one; and those ahead of the clock."""

import sqlite3
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from node_pusher.spool.plan import Ahead, Block, Span, Unsent

_BLOCK: Final = 1000
"""Records that are planned as one: ends of segments are rare among so few."""


def unsent(
    connection: sqlite3.Connection, spans: Iterable[Span], until_us: int
) -> Iterator[Unsent]:
    """The records of spans up to an instant, by `seq`."""
    query = (
        "SELECT seq, folder, ts_us, length(line) FROM records WHERE seq BETWEEN ? AND ?"
        " AND ts_us <= ? ORDER BY seq"
    )
    for span in spans:
        yield from map(Unsent._make, connection.execute(query, (*span, until_us)))


def unsent_blocks(
    connection: sqlite3.Connection, spans: Iterable[Span], until_us: int
) -> Iterator[Unsent | Block]:
    """The same records in blocks; one by one where a block would not be whole.

    Those that are recorded meanwhile are left: of them the later ones might be seen without the
    earlier ones, which would be a gap to whoever reads the commits.
    """
    query = (
        "SELECT count(*), min(folder), max(folder), max(ts_us), sum(length(line))"
        " FROM records WHERE seq BETWEEN ? AND ?"
    )
    newest = connection.execute("SELECT max(seq) FROM records").fetchone()[0] or 0
    for outer in spans:
        rest = span = Span(outer.first, min(outer.last, newest))
        while (first := _first(connection, rest)) is not None:
            block = Span(first, min(first + _BLOCK - 1, span.last))
            count, folder, other, latest_us, size = connection.execute(query, block).fetchone()
            singly = partial(unsent, connection, [block], until_us)
            is_whole = count == block.last - block.first + 1 and folder == other
            if is_whole and latest_us <= until_us:
                yield Block(block, folder, size, singly)
            else:
                yield from singly()
            rest = Span(block.last + 1, span.last)


def ahead(connection: sqlite3.Connection, spans: Iterable[Span], now_us: int) -> Ahead:
    """The records of spans after a time."""
    query = (
        "SELECT count(*), min(seq), max(seq), max(ts_us) FROM records"
        " WHERE seq BETWEEN ? AND ? AND ts_us > ?"
    )
    rows = (connection.execute(query, (*span, now_us)).fetchone() for span in spans)
    found = [Ahead(*row) for row in rows if row[0]]
    if not found:
        return Ahead()
    return Ahead(
        sum(each.records for each in found),
        min(each.first_seq for each in found),
        max(each.last_seq for each in found),
        max(each.latest_us for each in found),
    )


def _first(connection: sqlite3.Connection, span: Span) -> int | None:
    query = "SELECT min(seq) FROM records WHERE seq BETWEEN ? AND ?"
    first: int | None = connection.execute(query, span).fetchone()[0]
    return first
