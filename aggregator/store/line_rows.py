"""Rows about lines: seqs seen, lines held and rejected, counts."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from gitmeter.counting.held import (
    KEPT_BYTES_MAX,
    HeldLine,
    HeldReason,
    RejectedLine,
    line_sha256,
)
from gitmeter.counting.ranges import Range, RangeSet, joined
from wire_format.fields import EPOCH_SIZE

_PAGE: Final = 10_000


class LineRows:
    """Rows about lines: seqs seen, lines held and rejected, counts.

    Every method works inside the caller's transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def seen(self, node_id: int) -> RangeSet:
        """The seqs of a node that were read so far, for reports; a pull asks for what it needs."""
        return RangeSet(
            Range(*row)
            for row in self._connection.execute(
                "SELECT first_seq, last_seq FROM seen_range WHERE node_id = ? ORDER BY first_seq",
                (node_id,),
            )
        )

    def has_gap(self, node_id: int) -> bool:
        """Whether numbers are missing before one of the node's that was read, in its epoch."""
        found = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM seen_range WHERE node_id = ? AND (first_seq - 1) % ?)",
            (node_id, EPOCH_SIZE),
        )
        return bool(found.fetchone()[0])

    def has_seen(self, node_id: int, first_seq: int, last_seq: int) -> bool:
        """Whether any seq of a range was read, both ends included."""
        below = next(self._ranges_below(node_id, last_seq), None)
        return below is not None and below.last >= first_seq

    def seen_among(self, node_id: int, seqs: Collection[int]) -> set[int]:
        """Those of some seqs of a node that were read."""
        rows = self._connection.execute(
            "SELECT value FROM json_each(?2) WHERE value <= ("
            "SELECT last_seq FROM seen_range WHERE node_id = ?1 AND first_seq <= value"
            " ORDER BY first_seq DESC LIMIT 1)",
            (node_id, json.dumps(list(seqs))),
        )
        return {int(seq) for (seq,) in rows}

    def seen_within(self, node_id: int, span: Range) -> Iterator[Range]:
        """The parts of a range of seqs that were read, ascending; read page by page."""
        first = span.first
        below = next(self._ranges_below(node_id, first), None)
        if below is not None and below.last >= first:
            yield Range(first, min(below.last, span.last))
            first = below.last + 1
        while True:
            page = self._connection.execute(
                "SELECT first_seq, last_seq FROM seen_range"
                " WHERE node_id = ? AND first_seq BETWEEN ? AND ? ORDER BY first_seq LIMIT ?",
                (node_id, first, span.last, _PAGE),
            ).fetchall()
            for row in page:
                yield Range(row[0], min(row[1], span.last))
            if len(page) < _PAGE:
                return
            first = page[-1][1] + 1

    def add_seen(self, node_id: int, added: Iterable[Range]) -> None:
        """Add seqs that were read, joined with the ranges that they touch."""
        for run in joined(sorted(added)):
            first, last = run
            for near in self._ranges_below(node_id, last + 1):
                if near.last < run.first - 1:
                    break
                first, last = min(first, near.first), max(last, near.last)
                self._connection.execute(
                    "DELETE FROM seen_range WHERE node_id = ? AND first_seq = ?",
                    (node_id, near.first),
                )
            self._connection.execute(
                "INSERT INTO seen_range VALUES (?, ?, ?)", (node_id, first, last)
            )

    def _ranges_below(self, node_id: int, seq: int) -> Iterator[Range]:
        """The seen ranges that start at `seq` or below, highest first, read one by one."""
        while True:
            row = self._connection.execute(
                "SELECT first_seq, last_seq FROM seen_range WHERE node_id = ? AND first_seq <= ?"
                " ORDER BY first_seq DESC LIMIT 1",
                (node_id, seq),
            ).fetchone()
            if row is None:
                return
            yield Range(*row)
            seq = row[0] - 1

    def beyond_limit(self) -> Iterator[tuple[str, bytes, bool]]:
        """Node, line and whether it is corrected, of usage that is held because it costs too much.

        Read one by one, because anyone who can push can send millions.
        """
        rows = self._connection.execute(
            "SELECT node.name, line, EXISTS (SELECT 1 FROM correction"
            " WHERE correction.node_id = held.node_id AND corrects = held.seq)"
            " FROM held JOIN node ON node.id = held.node_id WHERE reason = 'beyond_limit'"
        )
        return ((str(node), bytes(line), bool(is_corrected)) for node, line, is_corrected in rows)

    def count_beyond_limit(self, node_id: int) -> int:
        """How many lines of a node are held because their record alone costs too much."""
        row = self._connection.execute(
            "SELECT count(*) FROM held WHERE node_id = ? AND reason = 'beyond_limit'", (node_id,)
        ).fetchone()
        return int(row[0])

    def file_held(
        self,
        node_id: int,
        lines: Mapping[tuple[bytes, HeldReason], HeldLine | None],
    ) -> None:
        """File lines as held, and remove those that no longer are (None).

        A line that is filed for this reason already stays as it is, at the place of its first copy.
        """
        self._connection.executemany(
            "DELETE FROM held WHERE node_id = ? AND line_sha256 = ? AND reason = ?",
            (
                (node_id, line_sha256(line), str(reason))
                for (line, reason), held in lines.items()
                if held is None
            ),
        )
        self._connection.executemany(
            "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                (
                    node_id,
                    line_sha256(held.line),
                    str(held.reason),
                    held.seq,
                    held.ts_us,
                    _kept(held),
                    *held.place,
                )
                for held in lines.values()
                if held is not None
            ),
        )

    def ahead_of_commit(self, node_id: int, but: Iterable[Range]) -> Range | None:
        """The lowest and the highest seq of a node's lines that are held as ahead of their commit.

        Args:
            node_id: the node's row.
            but: seqs to leave out.
        """
        query = (
            "SELECT seq FROM held WHERE node_id = ? AND reason = 'ahead_of_commit' AND NOT EXISTS"
            " (SELECT 1 FROM json_each(?) WHERE seq BETWEEN value ->> 0 AND value ->> 1)"
            " ORDER BY seq {} LIMIT 1"
        )
        values = (node_id, json.dumps(list(but)))
        first, last = (
            self._connection.execute(query.format(order), values).fetchone()
            for order in ("ASC", "DESC")
        )
        return None if first is None else Range(first[0], last[0])

    def file_rejected(self, node_id: int, lines: Iterable[RejectedLine]) -> None:
        """File lines that are not valid."""
        self._connection.executemany(
            "INSERT INTO reject VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                (
                    node_id,
                    *rejected.place,
                    rejected.sha256,
                    str(rejected.fault.code),
                    rejected.fault.reason,
                    rejected.line,
                )
                for rejected in lines
            ),
        )

    def add_counts(self, node_id: int, admitted: int, duplicates: int) -> None:
        """Add to a node's numbers of admitted lines and of duplicates dropped."""
        self._connection.execute(
            "UPDATE node SET records = records + ?, duplicates = duplicates + ? WHERE id = ?",
            (admitted, duplicates, node_id),
        )


def _kept(held: HeldLine) -> bytes:
    """What is kept of a held line: all of one that prices may release, to judge it again."""
    is_whole = held.reason is HeldReason.BEYOND_LIMIT
    return held.line if is_whole else held.line[:KEPT_BYTES_MAX]
