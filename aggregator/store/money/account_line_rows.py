"""Lines about accounts as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from aggregator.store.money.stored_lines import decode_account, key_text
from gitmeter.money.accounts import AccountEntry
from gitmeter.money.plans.plan_lines import PlanEntry

_COUNTED: Final = """
SELECT line, by_books FROM account JOIN money ON money.account_id = account.id
    AND about IS NOT NULL AND state = 'counted' WHERE user = ?
"""
_OF_KINDS: Final = "about IN (SELECT value FROM json_each(?))"


class AccountLineRows:
    """Lines about accounts as rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def users_with_plans(self) -> set[str]:
        """Every user of whom a plan line may count."""
        rows = self._connection.execute(
            "SELECT DISTINCT user FROM money JOIN account ON account.id = money.account_id"
            " WHERE about = 'plan' AND claims = 1"
        )
        return {str(user) for (user,) in rows}

    def plans(self, users: Iterable[str]) -> dict[str, dict[int, PlanEntry]]:
        """By user, the plan lines that may count, by their rows."""
        rows = self._connection.execute(
            "SELECT user, money.id, line, by_books, committed_us FROM account JOIN money"
            " ON money.account_id = account.id AND about = 'plan' AND claims = 1"
            " WHERE user IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(users)),),
        )
        found: dict[str, dict[int, PlanEntry]] = defaultdict(dict)
        for user, money_id, line, by_books, committed_us in rows:
            # no other place than these two lets a line state a plan
            found[user][money_id] = PlanEntry(
                decode_account(line), "books" if by_books else "desk", committed_us
            )
        return found

    def keys(self, hashes: Iterable[str]) -> dict[int, AccountEntry]:
        """The lines that may count and claim one of these keys, by their rows."""
        rows = self._connection.execute(
            "SELECT id, line, by_books FROM money WHERE about = 'key' AND claims = 1"
            " AND movement IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(map(key_text, hashes))),),
        )
        return {
            int(money_id): AccountEntry(decode_account(line), is_books=bool(by_books))
            for money_id, line, by_books in rows
        }

    def counted(self, user: str, kinds: Collection[str] | None = None) -> list[AccountEntry]:
        """The lines about an account that count; only those of some kinds where they are stated."""
        query = _COUNTED if kinds is None else f"{_COUNTED} AND {_OF_KINDS}"
        stated = () if kinds is None else (json.dumps(sorted(kinds)),)
        rows = self._connection.execute(query, (user, *stated))
        return [AccountEntry(decode_account(line), bool(by_books)) for line, by_books in rows]

    def staff(self) -> list[AccountEntry]:
        """The lines that say who is staff and count."""
        rows = self._connection.execute(
            "SELECT line, by_books FROM money WHERE about = 'staff' AND state = 'counted'"
        )
        return [AccountEntry(decode_account(line), bool(by_books)) for line, by_books in rows]

    def all_hashes(self) -> set[str]:
        """The keys that lines claim."""
        rows = self._connection.execute(
            "SELECT DISTINCT line ->> 'sha256' FROM money WHERE about = 'key' AND claims = 1"
        )
        return {str(sha256) for (sha256,) in rows}
