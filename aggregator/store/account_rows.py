"""Accounts as rows: credit, cost and tier of every user."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gitmeter.money.tenure import Tenure, read_tenure

INT64_MAX: Final = 2**63 - 1


def exact(number: int) -> int | str:
    """A number for a column of type ANY: as decimal text where it does not fit into 64 bits."""
    return number if -INT64_MAX <= number <= INT64_MAX else str(number)


@dataclass(slots=True)
class AccountRow:
    """The account of one user.

    Attributes:
        id: its row.
        user: the user's name.
        tenure: from which payment tenure counts, by hour.
        list_cost_nano, billed_cost_nano: sums over all charges, in nano-dollars.
        first_active_hour, last_active_hour: the first and last clock hour since 1970 that has a
            charge; None without charges.
        unrated: how many charges are not rated in full.
    """

    id: int
    user: str
    tenure: Tenure
    list_cost_nano: int
    billed_cost_nano: int
    first_active_hour: int | None
    last_active_hour: int | None
    unrated: int

    def add_cost(self, list_cost_nano: int, billed_cost_nano: int, unrated: int) -> None:
        """Add the change of charges to the sums."""
        self.list_cost_nano += list_cost_nano
        self.billed_cost_nano += billed_cost_nano
        self.unrated += unrated

    def add_hour(self, hour: int) -> None:
        """Extend the active hours to an hour that has a charge."""
        if self.first_active_hour is None or hour < self.first_active_hour:
            self.first_active_hour = hour
        if self.last_active_hour is None or hour > self.last_active_hour:
            self.last_active_hour = hour


class AccountRows:
    """Accounts: credit, cost and tier of every user.

    Every method works inside the caller's transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_users(self, users: Iterable[str]) -> dict[str, AccountRow]:
        """The accounts of `users`, by user; missing ones are opened."""
        names = json.dumps(sorted(users))
        self._connection.execute(
            "INSERT INTO account (user) SELECT value FROM json_each(?) WHERE true"
            " ON CONFLICT (user) DO NOTHING",
            (names,),
        )
        rows = self._connection.execute(
            "SELECT id, user, coalesce(tenure, first_paid_us), list_cost_nano, billed_cost_nano,"
            " first_active_hour, last_active_hour, unrated FROM account"
            " WHERE user IN (SELECT value FROM json_each(?))",
            (names,),
        )
        return {
            row[1]: AccountRow(
                *(row[0], row[1], read_tenure(row[2]), int(row[3]), int(row[4])),
                *(row[5], row[6], row[7]),
            )
            for row in rows
        }

    def by_id(self, ids: Iterable[int]) -> dict[int, AccountRow]:
        """The accounts with these ids, by id."""
        users = self._connection.execute(
            "SELECT user FROM account WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(ids)),),
        )
        found = self.of_users([str(user) for (user,) in users])
        return {account.id: account for account in found.values()}

    def save(self, changed: Iterable[AccountRow]) -> None:
        """Write the costs, the active hours and the counts of accounts."""
        self._connection.executemany(
            "UPDATE account SET list_cost_nano = ?, billed_cost_nano = ?, first_active_hour = ?,"
            " last_active_hour = ?, unrated = ? WHERE id = ?",
            (
                (
                    exact(account.list_cost_nano),
                    exact(account.billed_cost_nano),
                    account.first_active_hour,
                    account.last_active_hour,
                    account.unrated,
                    account.id,
                )
                for account in changed
            ),
        )

    def save_tiers(self, tiers: Iterable[tuple[int, str]]) -> None:
        """Set the displayed tier of accounts, given as pairs of account id and tier."""
        self._connection.executemany("UPDATE account SET discount_tier = ?2 WHERE id = ?1", tiers)

    def first_payments(self) -> list[tuple[int, int | None, str]]:
        """Id, first payment (microseconds since 1970) and tier of accounts that may have a tier.

        The payment is None where an account still has a tier although its payments no longer count.
        """
        rows = self._connection.execute(
            "SELECT id, first_paid_us, discount_tier FROM account"
            " WHERE first_paid_us IS NOT NULL OR discount_tier <> 'none'"
        )
        return [(int(account_id), paid_us, str(tier)) for account_id, paid_us, tier in rows]
