"""What the ledger says of what is watched: accounts with little left, incidents, newest commits.

Only questions; none of them writes.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


class Balance(NamedTuple):
    """What a user has left, in nano-dollars."""

    user: str
    balance_nano: int


class OpenIncident(NamedTuple):
    """An incident that is not over, with what a person needs to know of it.

    Attributes:
        kind, subject, detail: as they were filed.
        repo: the repo's name; empty where it is about the forge as a whole.
        node: whose repo that is; empty likewise.
        opened_at: since when, as it is written.
    """

    kind: str
    repo: str
    subject: str
    detail: str
    node: str
    opened_at: str


class ToldIncident(NamedTuple):
    """The identity of an incident that was told; an empty repo is the forge as a whole."""

    kind: str
    repo: str
    subject: str


class NewestCommit(NamedTuple):
    """How new what was applied of a repo is.

    Attributes:
        repo_id: its row.
        committed_at_s: time of its newest applied commit with records, seconds since 1970; None
            where there is none.
    """

    repo_id: int
    committed_at_s: int | None


class NoticeRows:
    """Accounts with little left, incidents, and the newest commit of each repo."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def newest_commits(self) -> dict[str, NewestCommit]:
        """How new what was applied is, by the repo's name; repos never looked at are not there."""
        rows = self._connection.execute("SELECT name, id, committed_at_s FROM repo")
        return {str(name): NewestCommit(int(id_), at_s) for name, id_, at_s in rows}

    def checked_repos(self) -> frozenset[str]:
        """The repos whose heads were judged since this ledger was made, by name."""
        rows = self._connection.execute("SELECT name FROM repo WHERE checked_at IS NOT NULL")
        return frozenset(str(name) for (name,) in rows)

    def has_unread_books(self) -> bool:
        """Whether the books are known and nothing of them was ever applied to this ledger."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM repo WHERE role = 'books')"
            " AND NOT EXISTS (SELECT 1 FROM repo JOIN cursor ON cursor.repo = repo.name"
            " WHERE role = 'books')"
        ).fetchone()
        return bool(row[0])

    def balances_below(self, below_nano: int) -> list[Balance]:
        """Accounts that ever had credit or usage and have less left than this, by user.

        An account that only a pending or refused payment opened had nothing to run out of.
        """
        rows = self._connection.execute(
            "SELECT user, credit_nano, billed_cost_nano FROM account"
            " WHERE (first_active_hour IS NOT NULL OR credit_nano <> 0)"
            # text is a number past 64 bits, which SQLite would reckon with inexactly
            " AND (typeof(credit_nano) = 'text' OR typeof(billed_cost_nano) = 'text'"
            " OR credit_nano - billed_cost_nano < ?) ORDER BY user",
            (below_nano,),
        )
        exact = (Balance(str(user), int(credit) - int(billed)) for user, credit, billed in rows)
        return [row for row in exact if row.balance_nano < below_nano]

    def open_incidents(self) -> list[OpenIncident]:
        """The incidents that are not over, the oldest first."""
        rows = self._connection.execute(
            "SELECT kind, coalesce(repo.name, ''), subject, detail, coalesce(node.name, ''),"
            " opened_at"
            " FROM incident LEFT JOIN repo ON repo.id = repo_id LEFT JOIN node ON node.id = node_id"
            " WHERE closed_at IS NULL ORDER BY opened_at, incident.id"
        )
        return [OpenIncident(*row) for row in rows]

    def closed_incidents(self, repos: Iterable[str]) -> frozenset[ToldIncident]:
        """Every incident of these repos that the ledger knows as over."""
        rows = self._connection.execute(
            "SELECT DISTINCT kind, coalesce(repo.name, ''), subject FROM incident"
            " LEFT JOIN repo ON repo.id = repo_id WHERE closed_at IS NOT NULL"
            " AND coalesce(repo.name, '') IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(set(repos))),),
        )
        return frozenset(ToldIncident(*row) for row in rows)
