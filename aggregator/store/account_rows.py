"""Accounts as rows: credit, cost and tier of every user."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from aggregator.store.money.stored_lines import decode_account
from gitmeter.money.granted import Granted, grants_text, read_grants
from gitmeter.money.tenure import Tenure, read_tenure
from wire_format.lines import Account

INT64_MAX: Final = 2**63 - 1
_ENCODER: Final = msgspec.json.Encoder()

_ACCOUNTS: Final = (
    "SELECT id, user, coalesce(tenure, first_paid_us), plans, grants, list_cost_nano,"
    " billed_cost_nano, first_active_hour, last_active_hour, unrated, drawn_nano FROM account"
)


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
        plans: its plan lines that count, in the order in which they were judged.
        grants: its grants with terms that count; credits of plans are not among them.
        list_cost_nano, billed_cost_nano: sums over all charges, in nano-dollars.
        drawn_nano: what grants with terms paid of them, in nano-dollars.
        first_active_hour, last_active_hour: the first and last clock hour since 1970 that has a
            charge; None without charges.
        unrated: how many charges are not rated in full.
    """

    id: int
    user: str
    tenure: Tenure
    plans: tuple[Account, ...]
    grants: tuple[Granted, ...]
    list_cost_nano: int
    billed_cost_nano: int
    first_active_hour: int | None
    last_active_hour: int | None
    unrated: int
    drawn_nano: int = 0

    @property
    def has_terms(self) -> bool:
        """Whether it has grants with terms, or plans of its own."""
        return bool(self.plans or self.grants)

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


def plans_text(lines: Sequence[Account]) -> str | None:
    """Plan lines as JSON; None for none."""
    return json.dumps([line.decode() for line in map(_ENCODER.encode, lines)]) if lines else None


def read_plans(stored: str | None) -> tuple[Account, ...]:
    """The plan lines that `plans_text` wrote."""
    return () if stored is None else tuple(map(decode_account, json.loads(stored)))


class AccountRows:
    """Accounts: credit, cost and tier of every user.

    Every method works inside the caller's transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_users(self, users: Iterable[str]) -> dict[str, AccountRow]:
        """The accounts of `users`, by user; missing ones are opened."""
        names = set(users)
        found = self._of_users(names)
        if missing := names - found.keys():
            self._connection.execute(
                "INSERT INTO account (user) SELECT value FROM json_each(?)",
                (json.dumps(sorted(missing)),),
            )
            found |= self._of_users(missing)
        return found

    def _of_users(self, users: Iterable[str]) -> dict[str, AccountRow]:
        return {row.user: row for row in self._found("user", json.dumps(sorted(users)))}

    def by_id(self, ids: Iterable[int]) -> dict[int, AccountRow]:
        """The accounts with these ids, by id; read-only."""
        return {account.id: account for account in self._found("id", json.dumps(sorted(ids)))}

    def _found(self, column: str, wanted: str) -> Iterator[AccountRow]:
        rows = self._connection.execute(
            f"{_ACCOUNTS} WHERE {column} IN (SELECT value FROM json_each(?))",  # noqa: S608
            (wanted,),
        )
        return (
            AccountRow(
                *(row[0], row[1], read_tenure(row[2]), read_plans(row[3]), read_grants(row[4])),
                *(int(row[5]), int(row[6]), row[7], row[8], row[9], int(row[10])),
            )
            for row in rows
        )

    def with_terms(self, active_from: int = 0) -> list[int]:
        """The accounts with grants with terms, or plans of their own, and usage from an hour on."""
        rows = self._connection.execute(
            "SELECT id FROM account WHERE last_active_hour >= ?"
            " AND (plans IS NOT NULL OR grants IS NOT NULL) ORDER BY id",
            (active_from,),
        )
        return [int(account_id) for (account_id,) in rows]

    def save(self, changed: Iterable[AccountRow]) -> None:
        """Write the costs, the active hours and the counts of accounts."""
        self._connection.executemany(
            "UPDATE account SET list_cost_nano = ?, billed_cost_nano = ?, first_active_hour = ?,"
            " last_active_hour = ?, unrated = ?, drawn_nano = ? WHERE id = ?",
            (
                (
                    exact(account.list_cost_nano),
                    exact(account.billed_cost_nano),
                    account.first_active_hour,
                    account.last_active_hour,
                    account.unrated,
                    exact(account.drawn_nano),
                    account.id,
                )
                for account in changed
            ),
        )

    def save_terms(self, changed: Iterable[AccountRow]) -> None:
        """Write the plan lines and the grants with terms of accounts."""
        self._connection.executemany(
            "UPDATE account SET plans = ?, grants = ? WHERE id = ?",
            (
                (plans_text(account.plans), grants_text(account.grants), account.id)
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
