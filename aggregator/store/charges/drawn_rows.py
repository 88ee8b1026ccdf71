"""What grants with terms and credits of plans paid of charges, as rows.

Every method works inside the caller's transaction.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aggregator.store.account_rows import exact
from aggregator.store.charges.charge_rows import CATEGORY_NUMBERS
from gitmeter.money.granted import EVER_HOUR, Hours
from gitmeter.support.bulk import insert_rows
from wire_format.fields import APPLIES_TO, AppliesTo


class DrawnRow(NamedTuple):
    """What one grant pays of one charge.

    Attributes:
        hour: the clock hour of the charge, since 1970.
        resource_id, applies_to: what was used.
        granted: the name of the grant.
        nano: nano-dollars, above zero.
    """

    hour: int
    resource_id: int
    applies_to: AppliesTo
    granted: str
    nano: int


class DrawnRows:
    """What was drawn of grants."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def totals(self, account_id: int) -> dict[str, int]:
        """What was drawn of each grant of an account, by name."""
        return self.totals_of([account_id]).get(account_id, {})

    def among(self, account_id: int, hours: Hours) -> list[DrawnRow]:
        """What was drawn in some hours of an account."""
        rows = self._connection.execute(
            "SELECT hour, resource_id, applies_to, granted, nano FROM drawn"
            " WHERE account_id = ? AND hour >= ? AND hour < ?",
            (account_id, *hours),
        )
        return [
            DrawnRow(hour, resource_id, APPLIES_TO[number], granted, nano)
            for hour, resource_id, number, granted, nano in rows
        ]

    def sums(self, account_id: int, hours: Hours) -> dict[str, int]:
        """What was drawn of each grant in some hours of an account."""
        rows = self._connection.execute(
            # in two halves, since SQLite's sum must not leave 64 bits
            "SELECT granted, sum(nano >> 32), sum(nano & 4294967295) FROM drawn"
            " WHERE account_id = ? AND hour >= ? AND hour < ? GROUP BY granted",
            (account_id, *hours),
        )
        return {granted: (upper << 32) + lower for granted, upper, lower in rows}

    def hour_of_sum(self, account_id: int, granted: str, hours: Hours, nano: int) -> int | None:
        """The hour in which what was drawn of a grant reaches an amount; None if none does.

        Args:
            account_id: the account.
            granted: the name of the grant.
            hours: from when it is added up, and until when.
            nano: the amount, in nano-dollars; nothing at all reaches 0.
        """
        if nano <= 0:
            return hours.first
        rows = self._connection.execute(
            "SELECT hour, nano FROM drawn"
            " WHERE account_id = ? AND hour >= ? AND hour < ? AND granted = ?"
            " ORDER BY account_id, hour",
            (account_id, *hours, granted),
        )
        total = 0
        for hour, drawn in rows:
            total += drawn
            if total >= nano:
                return int(hour)
        return None

    def before(self, account_id: int, hour: int) -> dict[str, int]:
        """What was drawn of each grant by the hours of an account before one."""
        found = self.totals(account_id)
        for granted, nano in self.sums(account_id, Hours(hour, EVER_HOUR)).items():
            found[granted] -= nano
        return found

    def delete(self, account_id: int, rows: Iterable[DrawnRow]) -> None:
        """Delete rows of an account."""
        self._connection.executemany(
            "DELETE FROM drawn WHERE account_id = ? AND hour = ? AND resource_id = ?"
            " AND applies_to = ? AND granted = ?",
            ((account_id, *row[:2], CATEGORY_NUMBERS[row.applies_to], row.granted) for row in rows),
        )

    def add(self, rows: Mapping[int, Iterable[DrawnRow]]) -> None:
        """Add rows, by account."""
        found = sorted(
            (account_id, *row[:2], CATEGORY_NUMBERS[row.applies_to], *row[3:])
            for account_id, own in rows.items()
            for row in own
        )
        insert_rows(self._connection, "INSERT INTO drawn", found)

    def totals_of(self, account_ids: Iterable[int]) -> dict[int, dict[str, int]]:
        """What was drawn of each grant of some accounts, by account and name."""
        rows = self._connection.execute(
            "SELECT account_id, granted, nano FROM drawn_total"
            " WHERE account_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(account_ids)),),
        )
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for account_id, granted, nano in rows:
            found[account_id][granted] = int(nano)
        return found

    def save_totals(self, totals: Mapping[int, Mapping[str, int]]) -> None:
        """Write what was drawn of some grants in all, by account; what is 0 has no row."""
        rows = [
            (account_id, granted, exact(nano))
            for account_id, own in totals.items()
            for granted, nano in own.items()
        ]
        self._connection.executemany(
            "DELETE FROM drawn_total WHERE account_id = ? AND granted = ?",
            (row[:2] for row in rows if not row[2]),
        )
        insert_rows(
            self._connection,
            "INSERT OR REPLACE INTO drawn_total",
            sorted(row for row in rows if row[2]),
        )
