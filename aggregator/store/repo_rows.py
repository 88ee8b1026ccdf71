"""Repos, their nodes and the rule book as rows.

Every method works inside the caller's transaction.
"""

import json
import sqlite3
from typing import Final, NamedTuple

from aggregator.admission.batch import RuleFiles
from aggregator.config.known_repo import JudgedBy, KnownRepo, allow_of, allow_text
from aggregator.store.connection import read_meta, upsert_meta

_CONFIGURED_BOOKS: Final = "configured_books"
"""Key of the fact that names the repo that is configured as the books."""

_KEPT_RULES: Final = "kept_rules"
"""Key of the fact that has the rule book that stays in force while a newer one waits, as JSON."""


class RepoRow(NamedTuple):
    """A repo in the database: its row and name, its node's row and name, and its role."""

    id: int
    name: str
    node_id: int
    node: str
    role: str


class RepoRows:
    """Repos, their nodes and the rule book. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def row(self, repo: KnownRepo) -> RepoRow:
        """The row of a repo, which is added where it is missing."""
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
        """The row of a repo that the ledger has."""
        row = self._connection.execute(
            "SELECT repo.id, repo.name, node_id, node.name, role FROM repo"
            " JOIN node ON node.id = node_id WHERE repo.name = ?",
            (name,),
        ).fetchone()
        return RepoRow(*row)

    def first_of_node(self, node_id: int) -> RepoRow:
        """The row of the first repo that belonged to a node."""
        name = self._connection.execute(
            "SELECT name FROM repo WHERE node_id = ? ORDER BY id LIMIT 1", (node_id,)
        ).fetchone()[0]
        return self.named(name)

    def find_node(self, name: str) -> int | None:
        """The id of a node, or None when no repo ever belonged to it."""
        row = self._connection.execute("SELECT id FROM node WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def node_name(self, node_id: int) -> str:
        """The name of a node that the ledger has."""
        row = self._connection.execute("SELECT name FROM node WHERE id = ?", (node_id,)).fetchone()
        return str(row[0])

    def judged_by(self) -> dict[str, JudgedBy]:
        """Node, role and allowed resources under which each repo was judged, by the repo's name."""
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
        """Record the result of checking a repo.

        Args:
            repo_id: the repo's row.
            head: its head; None leaves the last one.
            outcome: what the head means.
            behind: how many commits were fetched and not applied.
            checked_at: the time, as text in UTC.
        """
        self._connection.execute(
            "UPDATE repo SET head = coalesce(?, head), outcome = ?, behind = ?, checked_at = ?"
            " WHERE id = ?",
            (head, outcome, behind, checked_at, repo_id),
        )

    def save_rule_files(self, repo_id: int, rules: RuleFiles) -> None:
        """Set the rule book of one repo of the books; files that are all absent are none."""
        self._connection.execute("DELETE FROM rule_book WHERE repo_id = ?", (repo_id,))
        if not rules.are_absent:
            self._connection.execute(
                "INSERT INTO rule_book VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (repo_id, *rules)
            )

    def rule_files(self, changed: tuple[str, RuleFiles] | None = None) -> RuleFiles | None:
        """The rule book in force, or None before the first.

        Args:
            changed: a repo and the files that it is about to have; None for the ledger as it is.
        """
        found = self._in_force() if changed is None else self._newest(changed)
        return None if found is None else found[1]

    def waiting_rule_files(self) -> RuleFiles | None:
        """The rule book that comes into force once it no longer waits, or None for none."""
        found = self._newest()
        return None if found is None else found[1]

    def books_in_force(self) -> str | None:
        """The name of the repo whose rule book is in force, or None before the first."""
        found = self._in_force()
        return None if found is None else found[0]

    def is_rule_book_waiting(self) -> bool:
        """Whether the rule book in force is kept, because the newest one waits."""
        return read_meta(self._connection, _KEPT_RULES) is not None

    def keep_rules(self) -> None:
        """Keep the rule book in force, whatever is saved or configured, until `release_rules`."""
        found = self._in_force()
        stated = None
        if found is not None:
            name, (commit, *files) = found
            stated = [name, commit, *(None if f is None else f.decode() for f in files)]
        upsert_meta(self._connection, _KEPT_RULES, json.dumps(stated))

    def release_rules(self) -> None:
        """Let the newest rule book be in force again."""
        self._connection.execute("DELETE FROM meta WHERE key = ?", (_KEPT_RULES,))

    def configured_books(self) -> str | None:
        """The name of the repo that is configured as the books; empty if none is."""
        return read_meta(self._connection, _CONFIGURED_BOOKS)

    def configure_books(self, name: str) -> None:
        """Set which repo is configured as the books; empty for none."""
        upsert_meta(self._connection, _CONFIGURED_BOOKS, name)

    def _in_force(self) -> tuple[str, RuleFiles] | None:
        """The rule book in force and its repo: the kept one, or else the newest."""
        kept = read_meta(self._connection, _KEPT_RULES)
        if kept is None:
            return self._newest()
        stated = json.loads(kept)
        if stated is None:
            return None
        name, commit, *files = stated
        return name, RuleFiles(commit, *(None if f is None else f.encode() for f in files))

    def _newest(self, changed: tuple[str, RuleFiles] | None = None) -> tuple[str, RuleFiles] | None:
        """The rule book of the configured books, or else of the last other one by name."""
        rows = self._connection.execute(
            "SELECT repo.name, commit_id, prices_toml, discounts_toml, imported_toml, writers_toml,"
            " fx_toml, plans_toml FROM rule_book JOIN repo ON repo.id = repo_id"
        )
        books = {str(name): RuleFiles(*files) for name, *files in rows}
        if changed is not None:
            books[changed[0]] = changed[1]
        configured = self.configured_books()
        in_use = [name for name, rules in books.items() if not rules.are_absent]
        name = max(in_use, key=lambda name: (name == configured, name), default=None)
        return None if name is None else (name, books[name])
