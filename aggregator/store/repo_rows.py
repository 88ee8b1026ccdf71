"""Repos, segments, seen ranges, held lines, rejects and the rule book as rows.

Every function that writes works inside the caller's transaction.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from aggregator.admission.batch import HeldLine, HeldReason, RejectedLine, RuleFiles, line_sha256
from aggregator.admission.ranges import Range, RangeSet


class RepoRow(NamedTuple):
    """A repo as the database knows it."""

    id: int
    name: str
    node_id: int
    node: str
    role: str


def repo_row(connection: sqlite3.Connection, name: str, judged_by: tuple[str, str, str]) -> RepoRow:
    """The row of a repo, added when it is not there.

    Args:
        connection: the database.
        name: of the repo.
        judged_by: its node, role and allowed resources.
    """
    node, role, allow = judged_by
    connection.execute("INSERT INTO node (name) VALUES (?) ON CONFLICT DO NOTHING", (node,))
    connection.execute(
        "INSERT INTO repo (name, node_id, role, allow) SELECT ?, id, ?, ? FROM node"
        " WHERE node.name = ? ON CONFLICT DO NOTHING",
        (name, role, allow, node),
    )
    row = connection.execute(
        "SELECT repo.id, repo.name, node_id, node.name, role FROM repo"
        " JOIN node ON node.id = node_id WHERE repo.name = ?",
        (name,),
    ).fetchone()
    return RepoRow(*row)


def find_node(connection: sqlite3.Connection, name: str) -> int | None:
    """The row of a node, or None when no repo ever had it."""
    row = connection.execute("SELECT id FROM node WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def judged_by(connection: sqlite3.Connection) -> dict[str, tuple[str, str, str]]:
    """Node, role and allowed resources that each repo's records were judged by, by its name."""
    rows = connection.execute(
        "SELECT repo.name, node.name, role, allow FROM repo JOIN node ON node.id = node_id"
    )
    return {str(name): (str(node), str(role), str(allow)) for name, node, role, allow in rows}


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


def file_held(
    connection: sqlite3.Connection,
    node_id: int,
    lines: Mapping[tuple[bytes, HeldReason], HeldLine | None],
) -> None:
    """File lines that are not billed, and strike off (None) those that are held no longer.

    A line already filed for the same reason stays as it is.
    """
    connection.executemany(
        "DELETE FROM held WHERE node_id = ? AND line_sha256 = ? AND reason = ?",
        (
            (node_id, line_sha256(line), str(reason))
            for (line, reason), held in lines.items()
            if held is None
        ),
    )
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
            for held in lines.values()
            if held is not None
        ),
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
