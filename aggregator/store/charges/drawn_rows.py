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

    def since(self, account_id: int, hour: int) -> list[DrawnRow]:
        """What was drawn in the hours of an account from one on."""
        rows = self._connection.execute(
            "SELECT hour, resource_id, applies_to, granted, nano FROM drawn"
            " WHERE account_id = ? AND hour >= ?",
            (account_id, hour),
        )
        return [
            DrawnRow(hour, resource_id, APPLIES_TO[number], granted, nano)
            for hour, resource_id, number, granted, nano in rows
        ]

    def before(self, account_id: int, hour: int) -> dict[str, int]:
        """What was drawn of each grant by the hours of an account before one."""
        found = self.totals(account_id)
        for row in self.since(account_id, hour):
            found[row.granted] -= row.nano
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
