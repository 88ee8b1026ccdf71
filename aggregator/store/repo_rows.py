"""Repos, segments, seen ranges, held lines, rejects and the rule book as rows.

Every function that writes works inside the caller's transaction.
"""

import sqlite3
from typing import NamedTuple

from aggregator.admission.batch import RuleFiles
from aggregator.config.repos import JudgedBy, KnownRepo, allow_of, allow_text


class RepoRow(NamedTuple):
    """A repo as the database knows it."""

    id: int
    name: str
    node_id: int
    node: str
    role: str


class RepoRows:
    """Repos, segments, seen ranges, held lines, rejects and the rule book as rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def row(self, repo: KnownRepo) -> RepoRow:
        """The row of a repo, added when it is not there."""
        self._connection.execute(
            "INSERT INTO node (name) VALUES (?) ON CONFLICT DO NOTHING", (repo.node,)
        )
        self._connection.execute(
            "INSERT INTO repo (name, node_id, role, allow) SELECT ?, id, ?, ? FROM node"
            " WHERE node.name = ? ON CONFLICT DO NOTHING",
            (repo.name, repo.role, allow_text(repo.allow), repo.node),
        )
        return self.named(repo.name)

    def named(self, name: str) -> RepoRow:
        """The row of a repo that is there."""
        row = self._connection.execute(
            "SELECT repo.id, repo.name, node_id, node.name, role FROM repo"
            " JOIN node ON node.id = node_id WHERE repo.name = ?",
            (name,),
        ).fetchone()
        return RepoRow(*row)

    def find_node(self, name: str) -> int | None:
        """The row of a node, or None when no repo ever had it."""
        row = self._connection.execute("SELECT id FROM node WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def judged_by(self) -> dict[str, JudgedBy]:
        """Node, role and allowed resources that each repo's records were judged by, by its name."""
        rows = self._connection.execute(
            "SELECT repo.name, node.name, role, allow FROM repo JOIN node ON node.id = node_id"
        )
        return {name: JudgedBy(node, role, allow_of(allow)) for name, node, role, allow in rows}

    def save_check(
        self,
        repo_id: int,
        head: str | None,
        outcome: str,
        behind: int,
        checked_at: str,
    ) -> None:
        """Write down where a repo stood when it was looked at."""
        self._connection.execute(
            "UPDATE repo SET head = coalesce(?, head), outcome = ?, behind = ?, checked_at = ?"
            " WHERE id = ?",
            (head, outcome, behind, checked_at, repo_id),
        )

    def save_rule_files(self, rules: RuleFiles, sha256: str) -> None:
        """Put a rule book in force."""
        self._connection.execute(
            "INSERT INTO rule_book VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " sha256 = excluded.sha256, commit_id = excluded.commit_id,"
            " prices_toml = excluded.prices_toml, discounts_toml = excluded.discounts_toml",
            (sha256, *rules),
        )

    def rule_files(self) -> RuleFiles | None:
        """The rule book in force, or None before the first."""
        row = self._connection.execute(
            "SELECT commit_id, prices_toml, discounts_toml FROM rule_book"
        ).fetchone()
        return None if row is None else RuleFiles(*row)
