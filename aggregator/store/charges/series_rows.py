"""Charges of which units are counted on beyond their hour, as rows, by series.

A series is what one account uses of one resource in one category, hour by hour. Every method works
inside the caller's transaction.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from aggregator.rating.rating import STATES
from aggregator.store.account_rows import exact
from aggregator.store.charges.charge_rows import CATEGORY_NUMBERS, ChargeRow
from gitmeter.money.granted import Hours
from gitmeter.support.bulk import insert_rows
from wire_format.fields import APPLIES_TO, AppliesTo

_COLUMNS: Final = (
    "counted.hour, quantity, records, state, list_cost_nano, billed_cost_nano, included, before"
)
_OF_SERIES: Final = f"""
SELECT {_COLUMNS} FROM counted CROSS JOIN charge
    ON charge.hour = counted.hour AND charge.account_id = counted.account_id
    AND charge.resource_id = counted.resource_id AND charge.applies_to = counted.applies_to
WHERE counted.account_id = ? AND counted.resource_id = ? AND counted.applies_to = ?
"""  # noqa: S608 - constants
_OF_ACCOUNT: Final = """
WITH RECURSIVE kind (both) AS (
    SELECT (SELECT resource_id * 4 + applies_to FROM counted WHERE account_id = ?1
        ORDER BY resource_id, applies_to, hour LIMIT 1)
    UNION ALL
    SELECT (SELECT resource_id * 4 + applies_to FROM counted WHERE account_id = ?1
        AND (resource_id, applies_to, hour) > (both / 4, both % 4, 9007199254740992)
        ORDER BY resource_id, applies_to, hour LIMIT 1)
    FROM kind WHERE both IS NOT NULL
)
SELECT both / 4, both % 4, name FROM kind JOIN resource ON id = both / 4 WHERE both IS NOT NULL
"""
"""From one series of an account to the next, without a look at the charges between."""


class Series(NamedTuple):
    """What one account uses of one resource in one category: ids, and the resource's name."""

    account_id: int
    resource_id: int
    applies_to: AppliesTo
    resource: str

    @property
    def key(self) -> tuple[int, int, int]:
        """As the database has it."""
        return self.account_id, self.resource_id, CATEGORY_NUMBERS[self.applies_to]


class CountedCharge(NamedTuple):
    """A charge of a series.

    Attributes:
        row: the charge.
        included: units of it that its account's plan includes.
        before: units counted before it in the window of its price.
    """

    row: ChargeRow
    included: int
    before: int


class SeriesRows:
    """Charges by series."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def charges(self, series: Series, hours: Hours) -> list[CountedCharge]:
        """The charges of a series in some hours, ascending."""
        rows = self._connection.execute(
            f"{_OF_SERIES} AND counted.hour >= ? AND counted.hour < ? ORDER BY counted.hour",
            (*series.key, *hours),
        )
        return [_charge(row, series) for row in rows]

    def hours_since(self, series: Series, hour: int) -> set[int]:
        """The hours of the charges of a series from one on."""
        rows = self._connection.execute(
            "SELECT hour FROM counted WHERE account_id = ? AND resource_id = ?"
            " AND applies_to = ? AND hour >= ?",
            (*series.key, hour),
        )
        return {int(found) for (found,) in rows}

    def last_before(self, series: Series, hour: int) -> CountedCharge | None:
        """The last charge of a series before an hour."""
        row = self._connection.execute(
            f"{_OF_SERIES} AND counted.hour < ? ORDER BY counted.hour DESC LIMIT 1",
            (*series.key, hour),
        ).fetchone()
        return None if row is None else _charge(row, series)

    def save(self, series: Series, counts: Iterable[tuple[int, int, int]]) -> None:
        """Write hour, included units and units counted before of charges of a series."""
        account_id, resource_id, number = series.key
        rows = [
            (account_id, resource_id, number, hour, exact(included), exact(before))
            for hour, included, before in counts
        ]
        insert_rows(self._connection, "INSERT OR REPLACE INTO counted", rows)

    def add(self, rows: Iterable[ChargeRow]) -> None:
        """Keep charges in their series, with no counts yet where they are new."""
        insert_rows(
            self._connection,
            "INSERT OR IGNORE INTO counted",
            sorted(
                (r.account_id, r.resource_id, CATEGORY_NUMBERS[r.applies_to], r.hour, 0, 0)
                for r in rows
            ),
        )

    def delete(self, rows: Iterable[ChargeRow]) -> None:
        """Delete charges that have no record left."""
        self._connection.executemany(
            "DELETE FROM counted"
            " WHERE account_id = ? AND resource_id = ? AND applies_to = ? AND hour = ?",
            (
                (row.account_id, row.resource_id, CATEGORY_NUMBERS[row.applies_to], row.hour)
                for row in rows
            ),
        )

    def drop(self, resources: Iterable[str]) -> None:
        """Forget the series of some resources; their charges stay."""
        self._connection.execute(
            "DELETE FROM counted WHERE resource_id IN (SELECT id FROM resource"
            " WHERE name IN (SELECT value FROM json_each(?)))",
            (json.dumps(sorted(resources)),),
        )

    def begin(self, resources: Iterable[str]) -> None:
        """Keep the charges of some resources as series, with no counts yet."""
        self._connection.execute(
            "INSERT INTO counted SELECT account_id, resource_id, applies_to, hour, 0, 0"
            " FROM charge WHERE resource_id IN (SELECT id FROM resource"
            " WHERE name IN (SELECT value FROM json_each(?))) ORDER BY 1, 2, 3, 4",
            (json.dumps(sorted(resources)),),
        )

    def of_account(self, account_id: int) -> list[Series]:
        """The series of an account."""
        rows = self._connection.execute(_OF_ACCOUNT, (account_id,))
        return [Series(account_id, row[0], APPLIES_TO[row[1]], row[2]) for row in rows]

    def included(self, series: Series, hours: Hours) -> list[tuple[int, int]]:
        """Hour and included units of the charges of a series in some hours that have any."""
        rows = self._connection.execute(
            "SELECT hour, included FROM counted WHERE account_id = ? AND resource_id = ?"
            " AND applies_to = ? AND hour >= ? AND hour < ? AND included <> 0",
            (*series.key, *hours),
        )
        return [(int(hour), int(included)) for hour, included in rows]

    def include(self, series: Series, units: Iterable[tuple[int, int]]) -> None:
        """Write hour and included units of charges of a series."""
        self._connection.executemany(
            "UPDATE counted SET included = ?1 WHERE account_id = ?2 AND resource_id = ?3"
            " AND applies_to = ?4 AND hour = ?5 AND included <> ?1",
            ((exact(included), *series.key, hour) for hour, included in units),
        )

    def include_nothing(self) -> None:
        """Include no unit of any charge: there are no plans."""
        self._connection.execute("UPDATE counted SET included = 0 WHERE included <> 0")

    def accounts(self) -> list[int]:
        """The accounts that have series."""
        rows = self._connection.execute(
            "SELECT id FROM account WHERE EXISTS"
            " (SELECT 1 FROM counted WHERE account_id = account.id) ORDER BY id"
        )
        return [int(account_id) for (account_id,) in rows]


def _charge(row: sqlite3.Row, series: Series) -> CountedCharge:
    hour, quantity, records, state, list_cost, billed_cost, included, before = row
    account_id, resource_id, applies_to, _ = series
    charge = ChargeRow(
        hour,
        account_id,
        resource_id,
        applies_to,
        int(quantity),
        records,
        STATES[state],
        list_cost,
        billed_cost,
    )
    return CountedCharge(charge, int(included), int(before))
