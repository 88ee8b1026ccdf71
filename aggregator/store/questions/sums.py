"""Charges and what grants paid of them, added up by day, resource and account. Read-only.

SQLite adds 64-bit numbers and fails beyond them, so the halves of each number are added apart. A
number beyond 64 bits is stored as text; those are handed out one by one.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from aggregator.store.account_rows import read_plans
from aggregator.store.charges.active_periods import PERIOD_HOURS, STEPS
from gitmeter.money.granted import read_grants
from wire_format.instants import DAY_HOURS
from wire_format.lines import Account

_LOW_BITS: Final = 32


class Grouping(NamedTuple):
    """What sums are kept apart by, besides the resource.

    Attributes:
        by_account: the account.
        by_day: the day.
    """

    by_account: bool = False
    by_day: bool = False


class UsageSum(NamedTuple):
    """Charges added up.

    Attributes:
        account_id: of the account; None where all are added up.
        day: since 1970; None where all are added up.
        resource_id: of the resource.
        quantity, records: units, and the lines that they are of.
        charges, unrated: how many charges, and how many of them are not rated in full.
        list_nano, billed_nano: nano-dollars.
    """

    account_id: int | None
    day: int | None
    resource_id: int
    quantity: int
    records: int
    charges: int
    unrated: int
    list_nano: int
    billed_nano: int


class DrawnSum(NamedTuple):
    """What a grant paid, added up.

    Attributes:
        account_id: of the account, which is always kept apart.
        day, resource_id: as of `UsageSum`.
        granted: the name of the grant.
        nano: nano-dollars.
    """

    account_id: int
    day: int | None
    resource_id: int
    granted: str
    nano: int


class IncludedSum(NamedTuple):
    """Units that plans include, added up.

    Attributes:
        account_id, day, resource_id: as of `UsageSum`.
        included: the units.
    """

    account_id: int | None
    day: int | None
    resource_id: int
    included: int


def _halves(column: str) -> str:
    """The sums of the halves of a column, and its numbers that are text."""
    number = f"CASE typeof({column}) WHEN 'integer' THEN {column} END"
    text = f"CASE typeof({column}) WHEN 'text' THEN {column} END"
    return (
        f"coalesce(sum({number} >> {_LOW_BITS}), 0), coalesce(sum({number} & 0xffffffff), 0),"
        f" group_concat({text})"
    )


def _whole(high: int, low: int, texts: str | None) -> int:
    """A sum from what `_halves` gives."""
    return (high << _LOW_BITS) + low + (sum(map(int, texts.split(","))) if texts else 0)


_BY: Final = "GROUP BY the_account, the_day, resource_id"
_OF_ACCOUNT: Final = f"""{STEPS}
SELECT {{}} FROM active_period CROSS JOIN step CROSS JOIN charge
    ON charge.account_id = active_period.account_id
    AND charge.hour = period * {PERIOD_HOURS} + number
WHERE active_period.account_id = ?3 AND charge.hour BETWEEN ?1 AND ?2
    AND period BETWEEN ?1 / {PERIOD_HOURS} AND ?2 / {PERIOD_HOURS} {_BY}
"""  # noqa: S608 - constants


class SumRows:
    """Charges and what grants paid of them, added up.

    Every method takes the clock hours from which on and before which is added up, since 1970, what
    is kept apart, and the row of the one account in question; None for all.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def resources(self) -> dict[int, str]:
        """The names of all resources, by row."""
        return dict(self._connection.execute("SELECT id, name FROM resource"))

    def users(self) -> dict[int, str]:
        """The users of all accounts, by row."""
        return dict(self._connection.execute("SELECT id, user FROM account"))

    def paid_grants(self) -> set[tuple[int, str]]:
        """The grants that somebody paid for, each as the row of its account and its name."""
        rows = self._connection.execute("SELECT id, grants FROM account WHERE grants IS NOT NULL")
        return {
            (account_id, grant.name)
            for account_id, stored in rows
            for grant in read_grants(stored)
            if grant.category == "paid"
        }

    def plan_lines(self) -> Iterator[tuple[int, str, tuple[Account, ...]]]:
        """The plan lines that count, by account, each with its row and user."""
        query = "SELECT id, user, plans FROM account WHERE plans IS NOT NULL"
        return ((row[0], row[1], read_plans(row[2])) for row in self._connection.execute(query))

    def usage(
        self, first_hour: int, end_hour: int, grouping: Grouping, account_id: int | None = None
    ) -> Iterator[UsageSum]:
        """Charges added up."""
        sums = (
            f"{_halves('quantity')}, sum(records), count(*), sum(state <> 0),"
            f" {_halves('list_cost_nano')}, {_halves('billed_cost_nano')}"
        )
        columns = f"{_groups('charge', grouping)}, {sums}"
        if account_id is None:
            rows = self._rows("charge", columns, first_hour, end_hour)
        else:  # the table is ordered by hour, so those of one account are looked for by its periods
            asked = (first_hour, end_hour - 1, account_id)
            rows = self._connection.execute(_OF_ACCOUNT.format(columns), asked)
        for row in rows:
            costs = _whole(*row[9:12]), _whole(*row[12:15])
            yield UsageSum._make((*row[:3], _whole(*row[3:6]), *row[6:9], *costs))

    def included(
        self, first_hour: int, end_hour: int, grouping: Grouping, account_id: int | None = None
    ) -> Iterator[IncludedSum]:
        """Units that plans include, added up."""
        columns = f"{_groups('counted', grouping)}, {_halves('included')}"
        for row in self._rows("counted", columns, first_hour, end_hour, account_id):
            yield IncludedSum._make((*row[:3], _whole(*row[3:6])))

    def drawn(
        self, first_hour: int, end_hour: int, grouping: Grouping, account_id: int | None = None
    ) -> Iterator[DrawnSum]:
        """What each grant of each account paid, added up, by account."""
        columns = f"{_groups('drawn', grouping)}, account_id, granted, {_halves('nano')}"
        by = "GROUP BY account_id, granted, the_day, resource_id ORDER BY account_id"
        for row in self._rows("drawn", columns, first_hour, end_hour, account_id, by):
            yield DrawnSum(row[3], row[1], row[2], row[4], _whole(*row[5:8]))

    def _rows(
        self,
        table: str,
        columns: str,
        first_hour: int,
        end_hour: int,
        account_id: int | None = None,
        by: str = _BY,
    ) -> sqlite3.Cursor:
        of_one = "" if account_id is None else "AND account_id = ?3"
        return self._connection.execute(
            f"SELECT {columns} FROM {table} WHERE hour BETWEEN ?1 AND ?2 {of_one} {by}",  # noqa: S608
            (first_hour, end_hour - 1, *(() if account_id is None else (account_id,))),
        )


def _groups(table: str, grouping: Grouping) -> str:
    account = f"{table}.account_id" if grouping.by_account else "NULL"
    day = f"hour / {DAY_HOURS}" if grouping.by_day else "NULL"
    return f"{account} AS the_account, {day} AS the_day, resource_id"
