"""The rows behind answers for people, each from one query."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from aggregator.store.account_rows import AccountRow
from aggregator.store.connection import as_utils
from aggregator.store.money.money_rows import HELD_MONEY
from gitmeter.money.tenure import read_tenure

Row = dict[str, Any]

_ACCOUNTS = """
SELECT id, user, credit_nano, lifetime_paid_nano, list_cost_nano, billed_cost_nano, first_paid_us,
    coalesce(tenure, first_paid_us) AS tenure, first_active_hour, last_active_hour, unrated,
    discount_tier
FROM account
WHERE first_active_hour IS NOT NULL OR EXISTS (SELECT 1 FROM money WHERE account_id = account.id)
"""
_REPOS: Final = f"""
SELECT repo.id, repo.name, node.name AS node, role, head, outcome, behind, checked_at,
    committed_at_s, cursor.tip AS cursor, node.id AS node_id, node.records, node.duplicates,
    (SELECT count(*) FROM held WHERE held.node_id = node.id)
    + (SELECT count(*) FROM money WHERE money.node_id = node.id AND {HELD_MONEY}) AS held,
    (SELECT count(*) FROM reject WHERE reject.node_id = node.id) AS rejected,
    (SELECT count(*) FROM incident WHERE repo_id = repo.id AND closed_at IS NULL) AS incidents
FROM repo JOIN node ON node.id = repo.node_id
LEFT JOIN cursor ON cursor.repo = repo.name ORDER BY role, repo.name
"""  # noqa: S608 - a constant
_HELD: Final = f"""
SELECT node.name AS node, reason, seq, ts_us, line, line_sha256, commit_id, path, line_no
FROM held JOIN node ON node.id = node_id
UNION ALL
SELECT node.name, state, seq, ts_us, line, NULL, commit_id, path, line_no
FROM money JOIN node ON node.id = node_id WHERE {HELD_MONEY}
ORDER BY 1, 7, 8, 9
"""  # noqa: S608 - a constant


def account_of(row: Row) -> AccountRow:
    """The account in a row of `ReportRows.accounts`."""
    return AccountRow(
        row["id"],
        row["user"],
        read_tenure(row["tenure"]),
        int(row["list_cost_nano"]),
        int(row["billed_cost_nano"]),
        row["first_active_hour"],
        row["last_active_hour"],
        row["unrated"],
    )


class ReportRows:
    """The rows behind answers for people, each from one query; a row is a dict by column name."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def accounts(self) -> Iterator[Row]:
        """All accounts, sorted by user."""
        return as_utils(self._connection).query(f"{_ACCOUNTS} ORDER BY user")

    def account(self, user: str) -> Row | None:
        """The account of one user, or None."""
        query = f"SELECT * FROM ({_ACCOUNTS}) WHERE user = ?"  # noqa: S608 - a constant
        return next(iter(as_utils(self._connection).query(query, [user])), None)

    def repos(self) -> list[Row]:
        """Every repo that was ever read, with the numbers of its node's lines and its incidents."""
        return list(as_utils(self._connection).query(_REPOS))

    def held(self) -> Iterator[Row]:
        """Held lines of all kinds, with the node in whose repo they are."""
        return as_utils(self._connection).query(_HELD)

    def rejects(self) -> Iterator[Row]:
        """Lines and files that are not valid."""
        return as_utils(self._connection).query(
            "SELECT node.name AS node, code, reason, line, commit_id, path, line_no FROM reject"
            " JOIN node ON node.id = node_id ORDER BY node.name, commit_id, path, line_no"
        )

    def incidents(self, *, closed: bool) -> list[Row]:
        """Incidents, oldest first: the open ones, or with `closed` all."""
        return list(
            as_utils(self._connection).query(
                "SELECT repo.name AS repo, node.name AS node, role, kind, subject, detail,"
                " opened_at, seen_at, closed_at FROM incident LEFT JOIN repo ON repo.id = repo_id"
                " LEFT JOIN node ON node.id = repo.node_id WHERE closed_at IS NULL OR ?"
                " ORDER BY opened_at, incident.id",
                [closed],
            )
        )

    def newest_commit_s(self) -> int | None:
        """The time of the newest commit with records that was billed, in seconds since 1970."""
        row = self._connection.execute("SELECT max(committed_at_s) FROM repo").fetchone()
        return None if row[0] is None else int(row[0])

    def nodes_with(self, kind: str) -> list[str]:
        """The nodes of which a repo has an open incident of a kind, sorted."""
        rows = self._connection.execute(
            "SELECT DISTINCT node.name FROM incident JOIN repo ON repo.id = repo_id"
            " JOIN node ON node.id = repo.node_id WHERE closed_at IS NULL AND kind = ? ORDER BY 1",
            (kind,),
        )
        return [str(name) for (name,) in rows]

    def broken_references(self) -> int:
        """How many rows refer to a row that does not exist; 0 in a sound database."""
        return len(self._connection.execute("PRAGMA foreign_key_check").fetchall())
