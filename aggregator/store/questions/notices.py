"""What causes a notice, read from the ledger: low balances, incidents and silent repos."""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


class Balance(NamedTuple):
    """A user's balance, in nano-dollars."""

    user: str
    balance_nano: int


class OpenIncident(NamedTuple):
    """An open incident, with what a notice says about it.

    Attributes:
        kind, subject, detail: what it is, what it is about, and a sentence for a person.
        repo: the repo's name; empty for the forge as a whole.
        node: the node of that repo; empty for the forge as a whole.
        opened_at: since when it is open, as text in UTC.
        role: of that repo; empty for the forge as a whole.
    """

    kind: str
    repo: str
    subject: str
    detail: str
    node: str
    opened_at: str
    role: str = ""


class AnnouncedIncident(NamedTuple):
    """The identity of an announced incident; an empty repo means the forge as a whole."""

    kind: str
    repo: str
    subject: str


class NewestCommit(NamedTuple):
    """The newest applied commit of a repo.

    Attributes:
        repo_id: the repo's row.
        committed_at_s: time of its newest applied commit with records, seconds since 1970; None
            where there is none.
    """

    repo_id: int
    committed_at_s: int | None


class NoticeRows:
    """What causes a notice: low balances, incidents, and the newest commit of each repo."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def newest_commits(self, until_s: int) -> dict[str, NewestCommit]:
        """The newest applied commit of every repo in the ledger, by the repo's name.

        Args:
            until_s: later commits, made by a clock that was ahead, are left out; in seconds since
                1970.
        """
        rows = self._connection.execute(
            "SELECT name, id, CASE WHEN committed_at_s <= ?1 THEN committed_at_s ELSE (SELECT"
            " max(committed_at_s) FROM segment WHERE segment.node_id = repo.node_id"
            " AND repo_id = repo.id AND segment.committed_at_s <= ?1) END FROM repo",
            (until_s,),
        )
        return {str(name): NewestCommit(int(id_), at_s) for name, id_, at_s in rows}

    def checked_repos(self) -> frozenset[str]:
        """Names of the repos that were checked since this ledger was created."""
        rows = self._connection.execute("SELECT name FROM repo WHERE checked_at IS NOT NULL")
        return frozenset(str(name) for (name,) in rows)

    def has_unread_books(self) -> bool:
        """Whether this ledger has a books repo of which nothing was applied yet."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM repo WHERE role = 'books')"
            " AND NOT EXISTS (SELECT 1 FROM repo JOIN cursor ON cursor.repo = repo.name"
            " WHERE role = 'books')"
        ).fetchone()
        return bool(row[0])

    def balances_below(self, below_nano: int) -> list[Balance]:
        """Balances below a threshold (nano-dollars), sorted by user.

        Left out are accounts with grants or plans, and those that never paid, owe nothing and have
        no credit, such as one that usage without a price or a refused payment opened: it has
        nothing to run out of.
        """
        rows = self._connection.execute(
            "SELECT user, credit_nano, billed_cost_nano FROM account"
            " WHERE plans IS NULL AND grants IS NULL"
            " AND (first_paid_us IS NOT NULL OR credit_nano <> 0 OR billed_cost_nano <> 0)"
            # text is a number beyond 64 bits, with which SQLite would compute inexactly
            " AND (typeof(credit_nano) = 'text' OR typeof(billed_cost_nano) = 'text'"
            " OR credit_nano - billed_cost_nano < ?) ORDER BY user",
            (below_nano,),
        )
        exact = (Balance(str(user), int(credit) - int(billed)) for user, credit, billed in rows)
        return [row for row in exact if row.balance_nano < below_nano]

    def open_incidents(self) -> list[OpenIncident]:
        """The open incidents, oldest first."""
        rows = self._connection.execute(
            "SELECT kind, coalesce(repo.name, ''), subject, detail, coalesce(node.name, ''),"
            " opened_at, coalesce(role, '')"
            " FROM incident LEFT JOIN repo ON repo.id = repo_id LEFT JOIN node ON node.id = node_id"
            " WHERE closed_at IS NULL ORDER BY opened_at, incident.id"
        )
        return [OpenIncident(*row) for row in rows]

    def closed_incidents(self, repos: Iterable[str]) -> frozenset[AnnouncedIncident]:
        """All closed incidents of these repos (an empty name: the forge as a whole)."""
        rows = self._connection.execute(
            "SELECT DISTINCT kind, coalesce(repo.name, ''), subject FROM incident"
            " LEFT JOIN repo ON repo.id = repo_id WHERE closed_at IS NOT NULL"
            " AND coalesce(repo.name, '') IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(set(repos))),),
        )
        return frozenset(AnnouncedIncident(*row) for row in rows)
