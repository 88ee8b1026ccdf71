"""Segments and corrections as rows: the index by which earlier lines are found again.

Every method works inside the caller's transaction.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from aggregator.admission.batch import SegmentEntry
from aggregator.store.repo_rows import RepoRow
from gitmeter.counting.ranges import Range
from wire_format.fields import SEGMENT_RECORDS_MAX
from wire_format.lines import Folder


class SegmentPlace(NamedTuple):
    """Where a segment is.

    Attributes:
        repo: name of its repo.
        node: name of the node that the repo belongs to.
        folder: the kind of lines in it.
        commit, path, blob: its place in the repo.
        committed_at_s: its commit's time, seconds since 1970.
        first_seq, last_seq: range of the node's seqs in it.
        records: how many lines of the node it has.
    """

    repo: str
    node: str
    folder: Folder
    commit: str
    path: str
    blob: str
    committed_at_s: int
    first_seq: int
    last_seq: int
    records: int


_SEGMENT_COLUMNS: Final = (
    "SELECT repo.name, node.name, folder, commit_id, path, blob, segment.committed_at_s, first_seq,"
    " last_seq, segment.records FROM segment"
    " JOIN repo ON repo.id = segment.repo_id JOIN node ON node.id = segment.node_id"
)


_WIDTHS: Final = (
    "WITH RECURSIVE widths (bits) AS"
    " (SELECT 0 UNION ALL SELECT bits + 1 FROM widths WHERE bits < 53)"
)
"""The widths in bits that a range of seqs or hours can have."""


def _segment(row: sqlite3.Row) -> SegmentPlace:
    repo, node, folder, *rest = row
    return SegmentPlace(repo, node, Folder(folder), *rest)


class SegmentRows:
    """Segments and corrections. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def among(self, node_id: int, spans: Iterable[Range]) -> list[SegmentPlace]:
        """A node's segments whose range overlaps one of the given ones, oldest first.

        What is read is at most twice what overlaps, whatever the other segments are: those with
        `n` bits of width start at most `2**n` below a seq of theirs. Those that are wider than an
        honest one are read once, and not for each range.

        Args:
            node_id: the node's row.
            spans: disjoint ranges of seqs, ascending.
        """
        listed = list(spans)
        if not listed:
            return []
        rows = self._connection.execute(
            f"{_WIDTHS}, width AS (SELECT bits FROM widths WHERE EXISTS"  # noqa: S608 - constants
            " (SELECT 1 FROM segment WHERE node_id = ?1 AND seqs_log2 = bits))"
            f" {_SEGMENT_COLUMNS} WHERE segment.id IN ("
            "SELECT id FROM (SELECT value ->> 0 AS first, value ->> 1 AS last FROM json_each(?2))"
            " CROSS JOIN width CROSS JOIN segment"
            " WHERE bits <= ?3 AND node_id = ?1 AND seqs_log2 = bits"
            " AND first_seq BETWEEN first - (1 << bits) + 1 AND last AND last_seq >= first"
            " UNION"
            " SELECT id FROM width CROSS JOIN segment"
            " WHERE bits > ?3 AND node_id = ?1 AND seqs_log2 = bits"
            " AND first_seq BETWEEN ?4 - (1 << bits) + 1 AND ?5 AND last_seq >= ?4"
            ") ORDER BY segment.id",
            (
                *(node_id, json.dumps(listed), SEGMENT_RECORDS_MAX.bit_length()),
                *(listed[0].first, listed[-1].last),
            ),
        )
        return [_segment(row) for row in rows]

    def at_hour(self, hour: int) -> list[SegmentPlace]:
        """The segments of all nodes that may have records of a clock hour, oldest first.

        What is read is at most twice what is found, as for seqs.
        """
        rows = self._connection.execute(
            f"{_WIDTHS} {_SEGMENT_COLUMNS} WHERE segment.id IN ("  # noqa: S608 - constants
            "SELECT id FROM widths CROSS JOIN segment WHERE hours_log2 = bits"
            " AND first_hour BETWEEN ?1 - (1 << bits) + 1 AND ?1 AND last_hour >= ?1"
            ") ORDER BY segment.id",
            (hour,),
        )
        return [_segment(row) for row in rows]

    def claimed(self, node_id: int, folder: str, blob: str) -> tuple[int, int] | None:
        """Of a blob that was applied whole for this node its records, and the earliest commit.

        Returns:
            The number of records, and the time of the commit in seconds since 1970; or None.
        """
        records, committed_at_s = self._connection.execute(
            "SELECT records, min(committed_at_s) FROM segment"
            " WHERE blob = ? AND node_id = ? AND folder = ? AND all_claimed",
            (blob, node_id, folder),
        ).fetchone()
        return None if records is None else (int(records), int(committed_at_s))

    def insert(self, repo: RepoRow, segments: Iterable[SegmentEntry]) -> None:
        """File segments that were read, and the time of the repo's newest commit with records."""
        entries = list(segments)
        self._connection.executemany(
            "INSERT INTO segment (repo_id, node_id, folder, commit_id, path, blob, committed_at_s,"
            " first_seq, last_seq, first_hour, last_hour, records, all_claimed, seqs_log2,"
            " hours_log2) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(repo.id, repo.node_id, *entry),
                    (entry.last_seq - entry.first_seq).bit_length(),
                    (entry.last_hour - entry.first_hour).bit_length(),
                )
                for entry in entries
            ),
        )
        if entries:
            self._connection.execute(
                "UPDATE repo SET committed_at_s = max(coalesce(committed_at_s, 0), ?) WHERE id = ?",
                (max(entry.committed_at_s for entry in entries), repo.id),
            )

    def is_corrected(self, node_id: int, first_seq: int, last_seq: int) -> bool:
        """Whether any seq of a range is corrected, both ends included."""
        found = self._connection.execute(
            "SELECT 1 FROM correction WHERE node_id = ? AND corrects BETWEEN ? AND ? LIMIT 1",
            (node_id, first_seq, last_seq),
        )
        return found.fetchone() is not None

    def corrections_of(self, node_id: int, seqs: Iterable[int]) -> list[tuple[int, int]]:
        """For every correction of one of these seqs: the seq that it corrects, and its own."""
        rows = self._connection.execute(
            "SELECT corrects, seq FROM correction WHERE node_id = ?"
            " AND corrects IN (SELECT value FROM json_each(?))",
            (node_id, json.dumps(list(seqs))),
        )
        return [(int(corrects), int(seq)) for corrects, seq in rows]

    def insert_corrections(self, node_id: int, corrections: Iterable[tuple[int, int]]) -> None:
        """File which seq corrects which, so that both are judged together whenever either comes."""
        self._connection.executemany(
            "INSERT INTO correction VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            ((node_id, *correction) for correction in corrections),
        )
