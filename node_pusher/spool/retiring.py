"""Records that leave the spool, after they were seen on the remote."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from node_pusher.spool.plan import SegmentFile, Span, outside

_NAMES: Final = (
    "DELETE FROM entered_by WHERE seq BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = entered_by.seq)"
)


def retire(connection: sqlite3.Connection, segment: SegmentFile) -> int:
    """Delete the records that have a segment's lines; returns how many."""
    lines = segment.data.splitlines(keepends=True)
    retired = connection.executemany(
        "DELETE FROM records WHERE seq = ? AND line = ?", enumerate(lines, segment.first_seq)
    ).rowcount
    connection.execute(_NAMES, (segment.first_seq, segment.first_seq + len(lines) - 1))
    return retired


def retire_span(connection: sqlite3.Connection, span: Span) -> int:
    """Delete the records of a span; returns how many."""
    retired = connection.execute("DELETE FROM records WHERE seq BETWEEN ? AND ?", span).rowcount
    connection.execute(_NAMES, span)
    return retired


def retire_all(connection: sqlite3.Connection, spans: Sequence[Span]) -> int | None:
    """Delete the records of spans if there are no others; returns how many.

    SQLite empties a table at a tenth of what its rows cost, one after the other.

    Returns:
        None, with nothing deleted, if there are others.
    """
    query = "SELECT EXISTS (SELECT 1 FROM records WHERE seq BETWEEN ? AND ?)"
    if any(connection.execute(query, each).fetchone()[0] for each in outside(spans)):
        return None
    retired = connection.execute("DELETE FROM records").rowcount
    connection.execute("DELETE FROM entered_by")
    return retired
