"""Repos, segments, seen ranges, held lines, rejects and the rule book as rows.

Every function that writes works inside the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from aggregator.batch import (
    HeldLine,
    HeldReason,
    RejectedLine,
    RuleFiles,
    SegmentEntry,
    line_sha256,
)
from aggregator.ranges import Range, RangeSet
from wire_format.fields import SEGMENT_RECORDS_MAX
from wire_format.lines import Folder


class RepoRow(NamedTuple):
    """A repo as the database knows it."""

    id: int
    name: str
    node_id: int
    node: str
    role: str


def repo_row(connection: sqlite3.Connection, name: str, node: str, role: str) -> RepoRow:
    """The row of a repo, added when it is not there."""
    connection.execute("INSERT INTO node (name) VALUES (?) ON CONFLICT DO NOTHING", (node,))
    connection.execute(
        "INSERT INTO repo (name, node_id, role) SELECT ?, id, ? FROM node WHERE node.name = ?"
        " ON CONFLICT DO NOTHING",
        (name, role, node),
    )
    row = connection.execute(
        "SELECT repo.id, repo.name, node_id, node.name, role FROM repo"
        " JOIN node ON node.id = node_id WHERE repo.name = ?",
        (name,),
    ).fetchone()
    return RepoRow(*row)


def identities(connection: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Node and role that the records of each repo were judged under, by the repo's name."""
    rows = connection.execute(
        "SELECT repo.name, node.name, role FROM repo JOIN node ON node.id = node_id"
    )
    return {str(name): (str(node), str(role)) for name, node, role in rows}


def save_look(
    connection: sqlite3.Connection,
    repo_id: int,
    head: str | None,
    outcome: str,
    behind: int,
    checked_at: str,
) -> None:
    """Write down where a repo stood when it was looked at."""
    connection.execute(
        "UPDATE repo SET head = coalesce(?, head), outcome = ?, behind = ?, checked_at = ?"
        " WHERE id = ?",
        (head, outcome, behind, checked_at, repo_id),
    )


def read_seen(connection: sqlite3.Connection, node_id: int) -> RangeSet:
    """The seqs of a node that were met."""
    return RangeSet(
        Range(*row)
        for row in connection.execute(
            "SELECT first_seq, last_seq FROM seen_range WHERE node_id = ? ORDER BY first_seq",
            (node_id,),
        )
    )


def add_seen(connection: sqlite3.Connection, node_id: int, added: Iterable[Range]) -> None:
    """Add seqs that were met, joining the ranges they touch."""
    for run in RangeSet(added):
        first, last = run
        for near in _ranges_below(connection, node_id, last + 1):
            if near.last < run.first - 1:
                break
            first, last = min(first, near.first), max(last, near.last)
            connection.execute(
                "DELETE FROM seen_range WHERE node_id = ? AND first_seq = ?", (node_id, near.first)
            )
        connection.execute("INSERT INTO seen_range VALUES (?, ?, ?)", (node_id, first, last))


def _ranges_below(connection: sqlite3.Connection, node_id: int, seq: int) -> Iterator[Range]:
    """The seen ranges that start at `seq` or below, highest first, read one by one."""
    while True:
        row = connection.execute(
            "SELECT first_seq, last_seq FROM seen_range WHERE node_id = ? AND first_seq <= ?"
            " ORDER BY first_seq DESC LIMIT 1",
            (node_id, seq),
        ).fetchone()
        if row is None:
            return
        yield Range(*row)
        seq = row[0] - 1


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """Where a segment lies.

    Attributes:
        repo: name of its repo.
        folder: what kind of lines it holds.
        commit, path, blob: its place there.
        committed_at_s: its commit's time, seconds since 1970.
    """

    repo: str
    node: str
    folder: Folder
    commit: str
    path: str
    blob: str
    committed_at_s: int


_SEGMENT_COLUMNS: Final = (
    "SELECT repo.name, node.name, folder, commit_id, path, blob, committed_at_s FROM segment"
    " JOIN repo ON repo.id = segment.repo_id JOIN node ON node.id = segment.node_id"
)


def segments_between(
    connection: sqlite3.Connection, node_id: int, first_seq: int, last_seq: int
) -> list[SegmentPlace]:
    """The segments of a node whose range overlaps the given one, both ends included.

    A segment of contiguous seqs is at most 50,000 wide, which bounds the look-up; the few wider
    ones have an index of their own.
    """
    rows = connection.execute(
        f"{_SEGMENT_COLUMNS} WHERE segment.node_id = ?1"
        " AND first_seq BETWEEN ?2 - ?4 AND ?3 AND last_seq >= ?2 UNION"
        f" {_SEGMENT_COLUMNS} WHERE segment.node_id = ?1"
        " AND last_seq - first_seq >= 50000 AND first_seq <= ?3 AND last_seq >= ?2",
        (node_id, first_seq, last_seq, SEGMENT_RECORDS_MAX),
    )
    return [_segment(row) for row in rows]


def segments_at_hour(connection: sqlite3.Connection, hour: int) -> list[SegmentPlace]:
    """The segments of all nodes that may hold records of a clock hour, oldest first."""
    rows = connection.execute(
        f"{_SEGMENT_COLUMNS} WHERE first_hour BETWEEN ? - 24 AND ? AND last_hour >= ?"
        " ORDER BY segment.id",
        (hour, hour, hour),
    )
    return [_segment(row) for row in rows]


def claimed_records(connection: sqlite3.Connection, node_id: int, blob: str) -> int | None:
    """How many records a blob brought when it was applied whole for this node, or None."""
    row = connection.execute(
        "SELECT records FROM segment WHERE blob = ? AND node_id = ? AND all_claimed LIMIT 1",
        (blob, node_id),
    ).fetchone()
    return None if row is None else int(row[0])


def insert_segments(
    connection: sqlite3.Connection, repo: RepoRow, segments: Iterable[SegmentEntry]
) -> None:
    """File segments that were read."""
    connection.executemany(
        "INSERT INTO segment (repo_id, node_id, folder, commit_id, path, blob, committed_at_s,"
        " first_seq, last_seq, first_hour, last_hour, records, all_claimed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((repo.id, repo.node_id, *entry) for entry in segments),
    )


def file_held(connection: sqlite3.Connection, node_id: int, lines: Iterable[HeldLine]) -> None:
    """File lines that are not billed; a line already filed for the same reason stays as it is."""
    connection.executemany(
        "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            (
                node_id,
                line_sha256(held.line),
                str(held.reason),
                held.seq,
                held.ts_us,
                held.line,
                *held.place,
            )
            for held in lines
        ),
    )


def release_held(connection: sqlite3.Connection, node_id: int, lines: Iterable[bytes]) -> None:
    """Strike lines off the held ones that were too far ahead: the same bytes claim a key now."""
    connection.executemany(
        "DELETE FROM held WHERE node_id = ? AND line_sha256 = ? AND reason = ?",
        ((node_id, line_sha256(line), str(HeldReason.AHEAD_OF_COMMIT)) for line in lines),
    )


def file_rejected(
    connection: sqlite3.Connection, node_id: int, lines: Iterable[RejectedLine]
) -> None:
    """File lines that are not valid."""
    connection.executemany(
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


def add_counts(
    connection: sqlite3.Connection, node_id: int, admitted: int, duplicates: int
) -> None:
    """Count a node's admitted and dropped lines."""
    connection.execute(
        "UPDATE node SET records = records + ?, duplicates = duplicates + ? WHERE id = ?",
        (admitted, duplicates, node_id),
    )


def save_rule_files(connection: sqlite3.Connection, rules: RuleFiles, sha256: str) -> None:
    """Put a rule book in force."""
    connection.execute(
        "INSERT INTO rule_book VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " sha256 = excluded.sha256, commit_id = excluded.commit_id,"
        " prices_toml = excluded.prices_toml, discounts_toml = excluded.discounts_toml",
        (sha256, *rules),
    )


def read_rule_files(connection: sqlite3.Connection) -> RuleFiles | None:
    """The rule book in force, or None before the first."""
    row = connection.execute(
        "SELECT commit_id, prices_toml, discounts_toml FROM rule_book"
    ).fetchone()
    return None if row is None else RuleFiles(*row)


def _segment(row: sqlite3.Row) -> SegmentPlace:
    return SegmentPlace(row[0], row[1], Folder(row[2]), row[3], row[4], row[5], row[6])
