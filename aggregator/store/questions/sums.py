"""Charges and what grants paid of them, added up by day, resource and account. Read-only.

SQLite adds 64-bit numbers and fails beyond them, so the halves of each number are added apart. A
number beyond 64 bits is stored as text; those are handed out one by one.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aggregator.store.account_rows import read_plans
from aggregator.store.charges.active_periods import PERIOD_HOURS, STEPS
from gitmeter.money.granted import read_grants
from wire_format.instants import DAY_HOURS
from wire_format.lines import Account

_LOW_BITS: Final = 32


class Grouping(NamedTuple):
    """What sums are kept apart by. The less it is, the less SQLite has to sort.

    Attributes:
        by_account: the account.
        by_day: the day.
        by_resource: the resource.
        by_month: the month, where the day is not; its first day is told.
        by_week: the ISO week, where neither is; its Monday is told.
    """

    by_account: bool = False
    by_day: bool = False
    by_resource: bool = True
    by_month: bool = False
    by_week: bool = False


class UsageSum(NamedTuple):
    """Charges added up.

    Attributes:
        account_id: of the account; None where all are added up.
        day: since 1970; None where all are added up.
        resource_id: of the resource; 0 where all are added up.
        quantity, records: units, and the lines that they are of; units of one resource alone.
        charges, unrated: how many charges, and how many of them are not rated in full.
        list_nano, billed_nano: nano-dollars.
        last_hour: the last of their clock hours.
        user, resource: the names of account and resource; empty where all are added up.
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
    last_hour: int
    user: str
    resource: str


class CostSum(NamedTuple):
    """What charges of one account come to.

    Attributes:
        day, resource_id, quantity, list_nano, billed_nano, resource: as of `UsageSum`.
    """

    day: int | None
    resource_id: int
    quantity: int
    list_nano: int
    billed_nano: int
    resource: str


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
    """The sums of the halves of a column of integers."""
    return f"sum({column} >> {_LOW_BITS}), sum({column} & 0xffffffff)"


def _halves_of_any(column: str) -> str:
    """The same of the numbers within 64 bits of a column of any, and its others as text."""
    number = f"CASE typeof({column}) WHEN 'integer' THEN {column} ELSE 0 END"
    text = f"CASE typeof({column}) WHEN 'text' THEN {column} END"
    return f"{_halves(number)}, group_concat({text})"


def _whole(high: int, low: int, texts: str | None = None) -> int:
    """A sum from what `_halves` or `_halves_of_any` gives."""
    return (high << _LOW_BITS) + low + (sum(map(int, texts.split(","))) if texts else 0)


_DAY: Final = f"hour / {DAY_HOURS}"
_FIRST_OF_MONTH: Final = "strftime('%s', hour * 3600, 'unixepoch', 'start of month') / 86400"
# 1970 began on a Thursday
_MONDAY: Final = f"(hour / {DAY_HOURS} + 3) / 7 * 7 - 3"
_OF_ALL: Final = "SELECT {} FROM charge WHERE hour BETWEEN ?1 AND ?2 {}"
_OF_ACCOUNT: Final = f"""{STEPS}
SELECT {{}} FROM active_period CROSS JOIN step CROSS JOIN charge
    ON charge.account_id = active_period.account_id
    AND charge.hour = period * {PERIOD_HOURS} + number
WHERE active_period.account_id = ?3 AND charge.hour BETWEEN ?1 AND ?2
    AND period BETWEEN ?1 / {PERIOD_HOURS} AND ?2 / {PERIOD_HOURS} {{}}
"""  # noqa: S608 - constants
_BY_NAME: Final = """
SELECT *, coalesce((SELECT user FROM account WHERE id = the_account), '') AS user,
    coalesce((SELECT name FROM resource WHERE id = the_resource), '') AS name
FROM ({}) ORDER BY the_day, user, name
"""


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

    def users_of(self, account_ids: Iterable[int]) -> dict[int, str]:
        """The users of some accounts, by row."""
        rows = self._connection.execute(
            "SELECT id, user FROM account WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(account_ids)),),
        )
        return dict(rows)

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
        """Charges added up, by day, user and resource: each row is read when it is asked for."""
        keys, by = _groups("charge", grouping)
        # without the resource nobody asks for units, and they are the dearest to add up
        units = _halves_of_any("quantity") if grouping.by_resource else "0, 0, NULL"
        costs = f"{_halves('list_cost_nano')}, {_halves('billed_cost_nano')}"
        columns = f"{keys}, {units}, sum(records), count(*), sum(state <> 0), {costs}, max(hour)"
        # the table is ordered by hour, so those of one account are looked for by its periods
        query = _OF_ALL if account_id is None else _OF_ACCOUNT
        for row in self._connection.execute(
            _BY_NAME.format(query.format(columns, by)),
            (first_hour, end_hour - 1, *(() if account_id is None else (account_id,))),
        ):
            sums = _whole(*row[9:11]), _whole(*row[11:13])
            yield UsageSum._make((*row[:3], _whole(*row[3:6]), *row[6:9], *sums, *row[13:]))

    def costs(
        self, first_hour: int, end_hour: int, grouping: Grouping, account_id: int
    ) -> list[CostSum]:
        """Charges of one account added up like `usage`, in less time as no more is told of them.

        Numbers are added as a whole; where a number or a sum is beyond 64 bits, by halves.
        """
        keys, by = _groups("charge", grouping)
        units = "sum(quantity), max(typeof(quantity))" if grouping.by_resource else "0, 'integer'"
        columns = f"{keys}, {units}, sum(list_cost_nano), sum(billed_cost_nano)"
        query = _BY_NAME.format(_OF_ACCOUNT.format(columns, by))
        hours = first_hour, end_hour
        try:
            rows = self._connection.execute(query, (hours[0], hours[1] - 1, account_id)).fetchall()
        except sqlite3.OperationalError:  # of a sum; any other error is that of `usage` too
            rows = None
        if rows is None or any(row[4] != "integer" for row in rows):
            return [
                CostSum(*found[1:4], found.list_nano, found.billed_nano, found.resource)
                for found in self.usage(*hours, grouping, account_id)
            ]
        return [CostSum._make((*row[1:4], *row[5:7], row[8])) for row in rows]

    def included(
        self, first_hour: int, end_hour: int, grouping: Grouping, account_id: int | None = None
    ) -> Iterator[IncludedSum]:
        """Units that plans include, added up."""
        keys, by = _groups("counted", grouping)
        columns = f"{keys}, {_halves_of_any('included')}"
        hours = first_hour, end_hour
        # hardly any charge has such units, but each that is counted on has a row
        for row in self._rows(columns, "counted", hours, f"AND included <> 0 {by}", account_id):
            yield IncludedSum._make((*row[:3], _whole(*row[3:6])))

    def drawn(
        self, first_hour: int, end_hour: int, grouping: Grouping, account_id: int | None = None
    ) -> Iterator[DrawnSum]:
        """What each grant of each account paid, added up, by account."""
        keys, by = _groups("drawn", grouping._replace(by_account=True))
        columns = f"{keys}, granted, {_halves('nano')}"
        hours = first_hour, end_hour
        rest = f"{by}, granted ORDER BY the_account"
        for row in self._rows(columns, "drawn", hours, rest, account_id):
            yield DrawnSum._make((*row[:4], _whole(*row[4:6])))

    def _rows(
        self,
        columns: str,
        table: str,
        hours: tuple[int, int],
        rest: str,
        account_id: int | None = None,
    ) -> sqlite3.Cursor:
        of_one = "" if account_id is None else "AND account_id = ?3"
        return self._connection.execute(
            f"SELECT {columns} FROM {table} WHERE hour BETWEEN ?1 AND ?2 {of_one} {rest}",  # noqa: S608
            (hours[0], hours[1] - 1, *(() if account_id is None else (account_id,))),
        )


def _groups(table: str, grouping: Grouping) -> tuple[str, str]:
    """The columns by which sums are kept apart, and the clause that does it."""
    has_day = grouping.by_day or grouping.by_month or grouping.by_week
    first_day = _FIRST_OF_MONTH if grouping.by_month else _MONDAY
    columns = {
        "the_account": (f"{table}.account_id", "NULL", grouping.by_account),
        "the_day": (_DAY if grouping.by_day else first_day, "NULL", has_day),
        "the_resource": ("resource_id", "0", grouping.by_resource),
    }
    keys = (
        f"{kept if is_kept else not_kept} AS {name}"
        for name, (kept, not_kept, is_kept) in columns.items()
    )
    # by nothing at all it is one group, and none where there is no row
    by = [name for name, (*_, is_kept) in columns.items() if is_kept] or ["NULL"]
    return ", ".join(keys), f"GROUP BY {', '.join(by)}"
