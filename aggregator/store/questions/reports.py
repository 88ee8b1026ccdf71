"""The rows behind answers for people, each from one query."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

from aggregator.store.account_rows import AccountRow, read_plans
from aggregator.store.charges.charge_rows import CATEGORY_NUMBERS, ChargeRow
from aggregator.store.connection import as_utils
from aggregator.store.money.money_rows import HELD_MONEY
from aggregator.store.money.stored_lines import decode_account
from gitmeter.money.accounts import AccountEntry
from gitmeter.money.granted import read_grants
from gitmeter.money.tenure import read_tenure

Row = dict[str, Any]

ACCOUNTS: Final = """
SELECT id, user, credit_nano, lifetime_paid_nano, list_cost_nano, billed_cost_nano, first_paid_us,
    coalesce(tenure, first_paid_us) AS tenure, plans, grants, drawn_nano,
    first_active_hour, last_active_hour, unrated,
    discount_tier
FROM account
WHERE (first_active_hour IS NOT NULL
    OR EXISTS (SELECT 1 FROM money WHERE account_id = account.id))
"""
_OWN_BELOW: Final = (
    "(typeof(credit_nano) = 'text' OR typeof(billed_cost_nano) = 'text'"
    " OR typeof(drawn_nano) = 'text' OR credit_nano - billed_cost_nano + drawn_nano < ?3)"
)
"""Sums beyond 64 bits are text: whoever asks looks at these again."""
_WITH_TERMS: Final = "AND (plans IS NOT NULL OR grants IS NOT NULL)"
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


def rows_of(cursor: sqlite3.Cursor) -> list[Row]:
    """Rows as dicts by column name."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def account_of(row: Row) -> AccountRow:
    """The account in a row of `ReportRows.accounts`."""
    return AccountRow(
        row["id"],
        row["user"],
        read_tenure(row["tenure"]),
        read_plans(row["plans"]),
        read_grants(row["grants"]),
        int(row["list_cost_nano"]),
        int(row["billed_cost_nano"]),
        row["first_active_hour"],
        row["last_active_hour"],
        row["unrated"],
        int(row["drawn_nano"]),
    )


class ReportRows:
    """The rows behind answers for people, each from one query; a row is a dict by column name."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def accounts(self) -> Iterator[Row]:
        """All accounts, sorted by user."""
        return as_utils(self._connection).query(f"{ACCOUNTS} ORDER BY user")

    def account(self, user: str) -> Row | None:
        """The account of one user, or None."""
        query = f"SELECT * FROM ({ACCOUNTS}) WHERE user = ?"  # noqa: S608 - a constant
        return next(iter(rows_of(self._connection.execute(query, (user,)))), None)

    def page(self, after: str, part: str, own_below_nano: int | None, limit: int) -> list[Row]:
        """Accounts in the order of their users, after one of them.

        Args:
            after: the user; empty for the first page.
            part: a text that is in the user; empty for all.
            own_below_nano: only those that have less than this but for grants; None for all.
            limit: how many at most.
        """
        below = "" if own_below_nano is None else f" AND {_OWN_BELOW}"
        query = f"{ACCOUNTS} AND user > ?1 AND instr(user, ?2) > 0 {below} ORDER BY user LIMIT ?4"
        values = (after, part, own_below_nano, limit)
        return rows_of(self._connection.execute(query, values))

    def with_terms(self, own_below_nano: int) -> list[Row]:
        """Accounts with grants or plans and less than an amount (nano-dollars) but for grants.

        What grants have left can only add to that.
        """
        query = f"{ACCOUNTS} {_WITH_TERMS} AND {_OWN_BELOW} ORDER BY user"
        return rows_of(self._connection.execute(query, (None, None, own_below_nano)))

    def having_terms(self) -> Iterator[Row]:
        """All accounts that have grants with terms, or plans of their own."""
        return as_utils(self._connection).query(f"{ACCOUNTS} {_WITH_TERMS}")

    def with_plans(self) -> list[Row]:
        """Accounts that have plans of their own, sorted by user."""
        query = f"{ACCOUNTS} AND plans IS NOT NULL ORDER BY user"
        return rows_of(self._connection.execute(query))

    def has_terms(self) -> bool:
        """Whether any account has grants with terms, or plans of its own."""
        query = f"SELECT EXISTS (SELECT 1 FROM account WHERE true {_WITH_TERMS})"  # noqa: S608 - a constant
        return bool(self._connection.execute(query).fetchone()[0])

    def accounts_using(self, resources: Iterable[str]) -> set[int]:
        """The accounts that have charges for some resources; all charges are looked through."""
        rows = self._connection.execute(
            "SELECT DISTINCT account_id FROM charge WHERE resource_id IN (SELECT id FROM resource"
            " WHERE name IN (SELECT value FROM json_each(?)))",
            (json.dumps(sorted(resources)),),
        )
        return {int(account_id) for (account_id,) in rows}

    def about_account(self, account_id: int) -> list[AccountEntry]:
        """The lines about an account that count: its settings, plans and keys."""
        rows = self._connection.execute(
            "SELECT line, by_books FROM money WHERE account_id = ? AND about IS NOT NULL"
            " AND state = 'counted'",
            (account_id,),
        )
        return [AccountEntry(decode_account(line), bool(by_books)) for line, by_books in rows]

    def included(self, charge: ChargeRow) -> int:
        """Units of a charge that its account's plan includes."""
        row = self._connection.execute(
            "SELECT included FROM counted WHERE account_id = ? AND resource_id = ?"
            " AND applies_to = ? AND hour = ?",
            (
                charge.account_id,
                charge.resource_id,
                CATEGORY_NUMBERS[charge.applies_to],
                charge.hour,
            ),
        ).fetchone()
        return 0 if row is None else int(row[0])

    def drawn(self, charge: ChargeRow) -> dict[str, int]:
        """What each grant paid of a charge, in nano-dollars, by the grant's name."""
        rows = self._connection.execute(
            "SELECT granted, nano FROM drawn WHERE account_id = ? AND hour = ?"
            " AND resource_id = ? AND applies_to = ? ORDER BY granted",
            (
                charge.account_id,
                charge.hour,
                charge.resource_id,
                CATEGORY_NUMBERS[charge.applies_to],
            ),
        )
        return {str(granted): int(nano) for granted, nano in rows}

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
