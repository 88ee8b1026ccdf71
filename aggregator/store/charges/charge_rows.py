"""Resources and charges as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from aggregator.admission.batch import ChargeKey
from aggregator.rating.rating import STATES, ChargeState
from aggregator.store.account_rows import INT64_MAX, AccountRow, exact
from aggregator.store.charges.active_periods import PERIOD_HOURS, STEPS
from aggregator.store.charges.finding import stored
from gitmeter.money.tenure import Tenure, first_paid_at, read_tenure
from gitmeter.support.bulk import insert_rows, insert_values
from wire_format.fields import APPLIES_TO, AppliesTo

_STATE_NUMBER: Final = {state: number for number, state in enumerate(STATES)}
CATEGORY_NUMBERS: Final[dict[AppliesTo, int]] = {
    name: number for number, name in enumerate(APPLIES_TO)
}
"""The number of each discount category in the database."""

CHARGE_COLUMNS: Final = 9
"""Numbers of a charge in the database: its key, quantity, records, state and costs."""

_SAVE: Final = "INSERT OR REPLACE INTO charge"
_PAGE: Final = 10_000

_OF_ACCOUNT: Final = f"""{STEPS}
SELECT charge.*, ? AS user, resource.name FROM active_period CROSS JOIN step
CROSS JOIN charge ON charge.account_id = active_period.account_id
    AND charge.hour = period * 64 + number
JOIN resource ON resource.id = charge.resource_id
WHERE active_period.account_id = ? AND period BETWEEN ? AND ? AND charge.hour BETWEEN ? AND ?
ORDER BY charge.hour, resource.name, charge.applies_to
"""  # noqa: S608 - constants


class ChargeRow(NamedTuple):
    """One charge as stored: clock hour since 1970, costs in nano-dollars."""

    hour: int
    account_id: int
    resource_id: int
    applies_to: AppliesTo
    quantity: int
    records: int
    state: ChargeState
    list_cost_nano: int
    billed_cost_nano: int


class StoredCharge(NamedTuple):
    """What a charge has besides its key, the state as its number in the database."""

    quantity: int
    records: int
    state: int
    list_cost_nano: int
    billed_cost_nano: int


class RatedCharge(NamedTuple):
    """A charge with what rating it needs: names, and when its user first paid."""

    row: ChargeRow
    user: str
    resource: str
    first_paid_us: int | None


def charge_of(row: sqlite3.Row) -> ChargeRow:
    """A charge from a row that begins with the columns of its table."""
    return ChargeRow(
        row[0],
        row[1],
        row[2],
        APPLIES_TO[row[3]],
        int(row[4]),
        row[5],
        STATES[row[6]],
        row[7],
        row[8],
    )


def _rated(row: sqlite3.Row, tenure: Tenure) -> RatedCharge:
    charge = charge_of(row)
    return RatedCharge(charge, row[9], row[10], first_paid_at(tenure, charge.hour))


class ChargeRows:
    """Resources and charges as rows. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def resource_ids(self, names: Iterable[str]) -> dict[str, int]:
        """The ids of resources, by name; missing ones are added."""
        wanted = json.dumps(sorted(names))
        self._connection.execute(
            "INSERT INTO resource (name) SELECT value FROM json_each(?) WHERE true"
            " ON CONFLICT (name) DO NOTHING",
            (wanted,),
        )
        rows = self._connection.execute(
            "SELECT name, id FROM resource WHERE name IN (SELECT value FROM json_each(?))",
            (wanted,),
        )
        return {str(name): int(row_id) for name, row_id in rows}

    def resource_names(self) -> set[str]:
        """All resources that were ever used."""
        return {str(name) for (name,) in self._connection.execute("SELECT name FROM resource")}

    def empty_hours(self, hours: Iterable[int]) -> set[int]:
        """Those of `hours` that have no charge yet, so that no look-up is needed there."""
        return {
            hour
            for hour in hours
            if self._connection.execute(
                "SELECT 1 FROM charge WHERE hour = ? LIMIT 1", (hour,)
            ).fetchone()
            is None
        }

    def find(self, keys: Iterable[tuple[int, int, int, AppliesTo, int]]) -> dict[int, StoredCharge]:
        """The charges with these keys that exist.

        Args:
            keys: hour, account, resource and category of each, and a number to find it by.
        """
        numbers = ((*key[:3], CATEGORY_NUMBERS[key[3]], key[4]) for key in keys)
        return {
            place: StoredCharge(int(quantity), *rest)
            for place, quantity, *rest in stored(self._connection, numbers)
        }

    def save(self, rows: Iterable[ChargeRow]) -> None:
        """Insert or replace charges, in the order of the table's key, which is the fastest."""
        category, number = CATEGORY_NUMBERS, _STATE_NUMBER
        ordered = [
            (*row[:3], category[row[3]], exact(row[4]), row[5], number[row[6]], row[7], row[8])
            for row in sorted(rows)
        ]
        insert_rows(self._connection, _SAVE, ordered)
        self.save_periods({(row[1], row[0] // PERIOD_HOURS) for row in ordered})

    def save_numbers(self, numbers: Sequence[int]) -> None:
        """Insert or replace charges that are the table's own numbers, in the order of its key.

        `save_periods` is to follow.

        Args:
            numbers: those of all charges, one charge after the other.
        """
        insert_values(self._connection, _SAVE, CHARGE_COLUMNS, numbers)

    def save_periods(self, periods: Iterable[tuple[int, int]]) -> None:
        """Note accounts and the periods in which they have charges, in any order."""
        insert_rows(self._connection, "INSERT OR IGNORE INTO active_period", sorted(periods))

    def delete(self, rows: Iterable[ChargeRow]) -> None:
        """Delete charges that have no record left."""
        self._connection.executemany(
            "DELETE FROM charge"
            " WHERE hour = ? AND account_id = ? AND resource_id = ? AND applies_to = ?",
            (
                (row.hour, row.account_id, row.resource_id, CATEGORY_NUMBERS[row.applies_to])
                for row in rows
            ),
        )

    def of_account(
        self,
        account: AccountRow,
        since_hour: int | None = None,
        until_hour: int | None = None,
    ) -> Iterator[RatedCharge]:
        """The charges of one account, by hour: from `since_hour` on, and before `until_hour`.

        The table is ordered by hour. Looking into each hour of the account's periods needs no
        second index, which would make every write slower.
        """
        if account.first_active_hour is None or account.last_active_hour is None:
            return iter(())
        first = max(account.first_active_hour, since_hour or 0)
        last = account.last_active_hour
        if until_hour is not None:
            last = min(last, until_hour - 1)
        if last < first:
            return iter(())
        rows = self._connection.execute(
            _OF_ACCOUNT,
            (
                *(account.user, account.id),
                *(first // PERIOD_HOURS, last // PERIOD_HOURS, first, last),
            ),
        )
        return (_rated(row, account.tenure) for row in rows)

    def pages_from(
        self, from_hour: int, resources: Iterable[str] | None
    ) -> Iterator[Sequence[RatedCharge]]:
        """All charges from an hour on, in pages; a page may be written back before the next.

        Args:
            from_hour: the first clock hour.
            resources: names of the resources wanted; None for all.
        """
        wanted = None if resources is None else json.dumps(sorted(resources))
        after = (from_hour, -1, -1, -1)
        while True:
            page = [
                _rated(row, read_tenure(row[-1]))
                for row in self._connection.execute(
                    "SELECT charge.*, account.user, resource.name,"
                    " coalesce(account.tenure, account.first_paid_us) FROM charge"
                    " JOIN account ON account.id = charge.account_id"
                    " JOIN resource ON resource.id = charge.resource_id"
                    " WHERE (charge.hour, charge.account_id, charge.resource_id, charge.applies_to)"
                    " > (?, ?, ?, ?)"
                    " AND (? IS NULL OR resource.name IN (SELECT value FROM json_each(?)))"
                    " ORDER BY charge.hour, charge.account_id, charge.resource_id,"
                    " charge.applies_to"
                    " LIMIT ?",
                    (*after, wanted, wanted, _PAGE),
                )
            ]
            if not page:
                return
            row = page[-1].row
            after = (row.hour, row.account_id, row.resource_id, CATEGORY_NUMBERS[row.applies_to])
            yield page

    def count_unrated(
        self, changes: Mapping[tuple[ChargeState, int, AppliesTo], int]
    ) -> set[ChargeState]:
        """Change the numbers of charges that are not rated in full.

        Args:
            changes: by state, id of the resource and category, how many more there are.

        Returns:
            The states in which a resource and category appeared or vanished.
        """
        turned = set()
        for (state, resource_id, applies_to), more in changes.items():
            if not more:
                continue
            key = (_STATE_NUMBER[state], resource_id, CATEGORY_NUMBERS[applies_to])
            found = self._connection.execute(
                "DELETE FROM unrated WHERE state = ? AND resource_id = ? AND applies_to = ?"
                " RETURNING charges",
                key,
            ).fetchone()
            before = 0 if found is None else int(found[0])
            if before + more:
                self._connection.execute(
                    "INSERT INTO unrated VALUES (?, ?, ?, ?)", (*key, before + more)
                )
            if not before or not before + more:
                turned.add(state)
        return turned

    def larger_than(
        self, from_hour: int, units: Mapping[str, int]
    ) -> Iterator[tuple[ChargeKey, int]]:
        """Key and quantity of the charges from an hour on with more units than their resource's.

        Args:
            from_hour: the first clock hour.
            units: the units of each resource that is wanted.
        """
        # text, which is a quantity beyond 64 bits, is above every number in SQLite
        limits = {name: min(limit, INT64_MAX) for name, limit in units.items()}
        rows = self._connection.execute(
            "WITH wanted AS MATERIALIZED (SELECT resource.id, name, value AS units"
            " FROM json_each(?) JOIN resource ON resource.name = key)"
            # one pass over the charges, not one for each resource
            " SELECT charge.hour, account.user, wanted.name, charge.applies_to, charge.quantity"
            " FROM charge CROSS JOIN wanted ON wanted.id = charge.resource_id"
            " AND charge.quantity > wanted.units"
            " JOIN account ON account.id = charge.account_id WHERE charge.hour >= ?",
            (json.dumps(limits), from_hour),
        )
        return (
            ((hour, user, resource, APPLIES_TO[number]), int(quantity))
            for hour, user, resource, number, quantity in rows
        )
