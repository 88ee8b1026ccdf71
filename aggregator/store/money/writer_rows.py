"""Tills and desks as rows: their commits, and which of their lines stand.

Every method works inside the caller's transaction.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from aggregator.admission.batch import StatedLine, WriterCommit
from aggregator.store.money.stored_lines import NewRow, decode_row, first_state, insert_rows
from gitmeter.counting.lines import Place
from gitmeter.money.lineage import Fork, Lineage, Spot
from gitmeter.money.reasons import WAITING
from gitmeter.money.writer import Before, Copy, Stated, Worth

_COPIES = """
SELECT money.id, line, repo.name, chain, position, at_us, money_copy.commit_id, money_copy.path,
    money_copy.line_no
FROM money JOIN money_copy ON money_id = money.id
JOIN writer_commit ON writer_commit.node_id = money.node_id
    AND writer_commit.commit_id = money_copy.commit_id
JOIN repo ON repo.id = repo_id
"""


class Added(NamedTuple):
    """Lines that were added.

    Attributes:
        ids: their rows.
        repeated: how many of those given were there already, in this commit or another.
        is_plain: whether no earlier line of the writer can be touched by them: their numbers are
            above all others, and their movements are none of its earlier ones.
    """

    ids: list[int]
    repeated: int
    is_plain: bool


_MILLION: Final = 1_000_000
_SUMS: Final = """
SELECT coalesce(sum(moved_nano / 1000000), 0), coalesce(sum(moved_nano % 1000000), 0) FROM money
WHERE node_id = ? AND summed = 1 AND takes = ? AND id < ? AND
"""
"""In two parts, because a sum of 64-bit numbers may not fit into one."""


class _Stored:
    """Lines of a writer that are stored, as sums."""

    def __init__(self, connection: sqlite3.Connection, node_id: int, first_id: int) -> None:
        self._connection = connection
        self._which = (node_id, first_id)
        self._uncovered: dict[bool, int] = {}

    def uncovered_nano(self, at_us: int | None = None, *, takes: bool) -> int:
        """The sum of those that no reconciliation covers, or covered by an instant."""
        if takes not in self._uncovered:
            self._uncovered[takes] = self._sum("covered_us IS NULL", takes=takes)
        later_nano = 0 if at_us is None else self._sum("covered_us > ?", at_us, takes=takes)
        return self._uncovered[takes] + later_nano

    def _sum(self, which: str, *values: int, takes: bool) -> int:
        node_id, first_id = self._which
        millions, rest = self._connection.execute(
            f"{_SUMS} {which}", (node_id, takes, first_id, *values)
        ).fetchone()
        return int(millions) * _MILLION + int(rest)


class WriterRows:
    """Tills and desks as rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, int]:
        """The rows of all tills and desks, by name."""
        rows = self._connection.execute(
            "SELECT DISTINCT node.name, node.id FROM repo JOIN node ON node.id = node_id"
            " WHERE role IN ('till', 'desk')"
        )
        return {str(name): int(node_id) for name, node_id in rows}

    def role(self, node_id: int) -> str:
        """The role of a till or desk."""
        row = self._connection.execute(
            "SELECT role FROM repo WHERE node_id = ? LIMIT 1", (node_id,)
        ).fetchone()
        return str(row[0])

    def repos(self, node_id: int) -> list[str]:
        """The repos of a node."""
        rows = self._connection.execute("SELECT name FROM repo WHERE node_id = ?", (node_id,))
        return [str(name) for (name,) in rows]

    def add_commits(self, node_id: int, repo_id: int, commits: Iterable[WriterCommit]) -> None:
        """Add commits of one repo, parents before their children."""
        for commit in commits:
            if self._spot(node_id, commit.commit) is not None:
                continue
            below = None if commit.parent is None else self._spot(node_id, commit.parent)
            chain, position = self._next(node_id, below, commit.at_us)
            self._connection.execute(
                "INSERT INTO writer_commit VALUES (?, ?, ?, ?, ?, ?)",
                (node_id, commit.commit, repo_id, chain, position, commit.at_us),
            )

    def _spot(self, node_id: int, commit: str) -> tuple[int, int] | None:
        row = self._connection.execute(
            "SELECT chain, position FROM writer_commit WHERE node_id = ? AND commit_id = ?",
            (node_id, commit),
        ).fetchone()
        return None if row is None else (int(row[0]), int(row[1]))

    def _next(self, node_id: int, below: tuple[int, int] | None, at_us: int) -> tuple[int, int]:
        """Chain and position of a commit above another one, or of a first commit."""
        if below is None:
            return self._begin_chain(node_id, None, 0, at_us), 0
        chain, position = below
        newest, root_us = self._connection.execute(
            "SELECT (SELECT max(position) FROM writer_commit WHERE chain = writer_chain.id),"
            " root_us FROM writer_chain WHERE id = ?",
            (chain,),
        ).fetchone()
        if newest > position:
            chain = self._begin_chain(node_id, chain, position, root_us)
        return chain, position + 1

    def _begin_chain(self, node_id: int, below: int | None, position: int, root_us: int) -> int:
        cursor = self._connection.execute(
            "INSERT INTO writer_chain (node_id, below, position, root_us) VALUES (?, ?, ?, ?)",
            (node_id, below, position, root_us),
        )
        return int(cursor.lastrowid or 0)

    def lineage(self, node_id: int, tips: Iterable[str]) -> Lineage:
        """The chains of a writer, with the commits of its that are named; others are not in it."""
        forks = {
            int(chain): Fork(below, position, root_us)
            for chain, below, position, root_us in self._connection.execute(
                "SELECT id, below, position, root_us FROM writer_chain WHERE node_id = ?",
                (node_id,),
            )
        }
        rows = self._connection.execute(
            "SELECT commit_id, repo.name, chain, position, at_us FROM writer_commit"
            " JOIN repo ON repo.id = repo_id WHERE writer_commit.node_id = ?"
            " AND commit_id IN (SELECT value FROM json_each(?))",
            (node_id, json.dumps(sorted(set(tips)))),
        )
        return Lineage({str(commit): Spot(*spot) for commit, *spot in rows}, forks)

    def add(
        self, node_id: int, stated: Sequence[StatedLine], account_ids: Mapping[str, int]
    ) -> Added:
        """Add lines with the commits that have them; judging them comes later."""
        (highest,) = self._connection.execute(
            "SELECT max(seq) FROM money WHERE node_id = ?", (node_id,)
        ).fetchone()
        known = self._known(node_id, {each.record.seq for each in stated})
        new = {
            each.line: NewRow(each.record, each.line, each.place)
            for each in reversed(stated)
            if each.line not in known
        }
        rows = list(new.values())
        ids = insert_rows(self._connection, node_id, rows, account_ids, by_books=False)
        known |= {row.line: money_id for row, money_id in zip(rows, ids, strict=True)}
        self._connection.executemany(
            "INSERT INTO money_copy VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            ((known[each.line], *each.place) for each in stated),
        )
        is_plain = (
            len(new) == len(stated)
            and (highest is None or highest < min((r.record.seq for r in rows), default=0))
            and not self._repeats(ids)
        )
        return Added(ids, len(stated) - len(new), is_plain)

    def _known(self, node_id: int, seqs: Iterable[int]) -> dict[bytes, int]:
        rows = self._connection.execute(
            "SELECT line, id FROM money WHERE node_id = ?"
            " AND seq IN (SELECT value FROM json_each(?))",
            (node_id, json.dumps(sorted(seqs))),
        )
        return {bytes(line): int(money_id) for line, money_id in rows}

    def _repeats(self, ids: Collection[int]) -> bool:
        """Whether any of these lines has the movement or the number of another one of its node."""
        row = self._connection.execute(
            "SELECT 1 FROM money AS own JOIN money AS other ON other.node_id = own.node_id"
            " AND other.id <> own.id AND other.movement = own.movement"
            " WHERE own.id IN (SELECT value FROM json_each(?1))"
            " UNION ALL SELECT 1 FROM money AS own JOIN money AS other"
            " ON other.node_id = own.node_id AND other.id <> own.id AND other.seq = own.seq"
            " WHERE own.id IN (SELECT value FROM json_each(?1)) LIMIT 1",
            (json.dumps(list(ids)),),
        ).fetchone()
        return row is not None

    def lines(self, node_id: int, ids: Collection[int] | None = None) -> dict[int, Stated]:
        """Lines of a writer by their rows: some of them, or all."""
        # one condition: of two, SQLite would take the node's and read all of its lines
        if ids is None:
            rows = self._connection.execute(f"{_COPIES} WHERE money.node_id = ?", (node_id,))
        else:
            rows = self._connection.execute(
                f"{_COPIES} WHERE money.id IN (SELECT value FROM json_each(?))",  # noqa: S608 - a constant
                (json.dumps(list(ids)),),
            )
        text: dict[int, bytes] = {}
        copies: dict[int, list[Copy]] = defaultdict(list)
        for money_id, line, repo, chain, position, at_us, *place in rows:
            text[money_id] = line
            copies[money_id].append(Copy(Spot(repo, chain, position, at_us), Place(*place)))
        return {
            money_id: Stated(decode_row(line), line, copies[money_id])
            for money_id, line in text.items()
        }

    def before(self, node_id: int, first_id: int) -> Before:
        """The lines of a writer in rows below one, as sums."""
        return _Stored(self._connection, node_id, first_id)

    def save(self, found: Mapping[int, Worth]) -> set[int]:
        """Write what lines are worth within their writer, by row; returns those that changed."""
        before = {
            int(money_id): (about, tuple(columns))
            for money_id, about, *columns in self._connection.execute(
                "SELECT id, about, claims, summed, covered_us, is_weak, moved_nano, commit_id,"
                " path, line_no, committed_us, state"
                " FROM money WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(found)),),
            )
        }
        changed: dict[int, tuple[object, ...]] = {}
        for money_id, worth in found.items():
            reason = worth.reason
            about, was = before[money_id]
            # what may count keeps its state until all writers' lines are judged together
            kept = was[0] and reason is None
            now = (
                *(reason is None, reason is None or reason in WAITING),
                *(worth.covered_us, worth.is_weak, worth.moved_nano),
                *(*worth.copy.place, worth.copy.spot.at_us),
                was[-1] if kept else str(reason or first_state(about)),
            )
            if now != was:
                changed[money_id] = now
        self._connection.executemany(
            "UPDATE money SET claims = ?, summed = ?, covered_us = ?, is_weak = ?, moved_nano = ?,"
            " commit_id = ?, path = ?, line_no = ?, committed_us = ?, state = ? WHERE id = ?",
            ((*columns, money_id) for money_id, columns in changed.items()),
        )
        return set(changed)

    def summing(self, payments: Collection[str]) -> set[int]:
        """The rows of tills with lines about payments, which are named by movement."""
        rows = self._connection.execute(
            "SELECT DISTINCT node_id FROM money WHERE payment IN (SELECT value FROM json_each(?))"
            " AND by_books = 0 AND movement NOT LIKE '% grant'",
            (json.dumps(sorted(payments)),),
        )
        return {int(node_id) for (node_id,) in rows}
