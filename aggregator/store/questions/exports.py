"""Charges one by one, with all that is kept about them. Read-only."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from aggregator.store.charges.active_periods import PERIOD_HOURS, STEPS
from aggregator.store.charges.charge_rows import CATEGORY_NUMBERS, RatedCharge, charge_of
from gitmeter.money.granted import Hours
from gitmeter.money.tenure import first_paid_at, read_tenure
from wire_format.fields import AppliesTo

_COLUMNS: Final = """charge.*, account.user, resource.name,
    coalesce(account.tenure, account.first_paid_us), counted.included, counted.before,
    CASE WHEN account.drawn_nano <> 0 THEN (SELECT sum(nano) FROM drawn
        WHERE account_id = charge.account_id AND hour = charge.hour
        AND resource_id = charge.resource_id AND applies_to = charge.applies_to) END"""
_NAMES: Final = """JOIN account ON account.id = charge.account_id
JOIN resource ON resource.id = charge.resource_id
LEFT JOIN counted ON counted.account_id = charge.account_id
    AND counted.resource_id = charge.resource_id AND counted.applies_to = charge.applies_to
    AND counted.hour = charge.hour"""
_ORDER: Final = "ORDER BY charge.hour, account.user, resource.name, charge.applies_to"
_OF_ALL: Final = f"""SELECT {_COLUMNS} FROM charge {_NAMES}
WHERE charge.hour >= ?1 AND charge.hour < ?2 {_ORDER}
"""  # noqa: S608 - constants
_OF_ACCOUNT: Final = f"""{STEPS}
SELECT {_COLUMNS} FROM active_period CROSS JOIN step CROSS JOIN charge
    ON charge.account_id = active_period.account_id
    AND charge.hour = period * {PERIOD_HOURS} + number
{_NAMES}
WHERE active_period.account_id = ?3 AND charge.hour >= ?1 AND charge.hour < ?2
    AND period BETWEEN ?1 / {PERIOD_HOURS} AND ?2 / {PERIOD_HOURS} {_ORDER}
"""  # noqa: S608 - constants

_PERIODS: Final = """SELECT period FROM active_period
WHERE account_id = ? AND period BETWEEN ? AND ? ORDER BY period DESC"""
_LAST_OF_ACCOUNT: Final = f"""{STEPS}
SELECT {_COLUMNS} FROM json_each(?3) CROSS JOIN step CROSS JOIN charge
    ON charge.account_id = ?4 AND charge.hour = value * {PERIOD_HOURS} + number
{_NAMES}
WHERE charge.hour >= ?1 AND charge.hour < ?2
    AND (charge.hour, resource.name, charge.applies_to) < (?5, ?6, ?7)
ORDER BY charge.hour DESC, resource.name DESC, charge.applies_to DESC LIMIT ?8
"""  # noqa: S608 - constants


class ChargePlace(NamedTuple):
    """Where a charge is among those of its account, which are in the order of these.

    Attributes:
        hour: its clock hour, since 1970.
        resource, applies_to: what was used.
    """

    hour: int
    resource: str
    applies_to: AppliesTo


class Counted(NamedTuple):
    """Where a charge lies in the window of its price.

    Attributes:
        included: units of it that its account's plan includes.
        before: units of the window that were counted before it.
    """

    included: int
    before: int


class WholeCharge(NamedTuple):
    """A charge with what belongs to it.

    Attributes:
        rated: the charge, and what its rating depends on.
        counted: where it lies in its window; None where units are not counted beyond their hour.
        drawn_nano: what grants paid of it, in nano-dollars.
    """

    rated: RatedCharge
    counted: Counted | None
    drawn_nano: int


class ExportRows:
    """Charges one by one, by hour, user, resource and category."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def charges(
        self, first_hour: int, end_hour: int, account_id: int | None = None
    ) -> Iterator[WholeCharge]:
        """The charges from one clock hour on and before another, of one account or of all.

        SQLite sorts within one hour only, so that the memory for it does not grow with the period.
        """
        if account_id is None:
            rows = self._connection.execute(_OF_ALL, (first_hour, end_hour))
        else:
            rows = self._connection.execute(_OF_ACCOUNT, (first_hour, end_hour, account_id))
        yield from map(_whole, rows)

    def last_of(
        self,
        account_id: int,
        hours: Hours,
        limit: int,
        before: ChargePlace | None = None,
    ) -> list[WholeCharge]:
        """The last charges of an account in some hours, the newest first.

        What is read does not grow with what the account has used before.

        Args:
            account_id: the account.
            hours: from the first clock hour on and before the second.
            limit: most charges.
            before: only charges before this one; None for the newest ones.
        """
        end = hours.end if before is None else min(hours.end, before.hour + 1)
        place = (end, "", 0)
        if before is not None:
            place = before.hour, before.resource, CATEGORY_NUMBERS[before.applies_to]
        span = hours.first // PERIOD_HOURS, (end - 1) // PERIOD_HOURS
        periods = [row[0] for row in self._connection.execute(_PERIODS, (account_id, *span))]
        found: list[WholeCharge] = []
        at, more = 0, 1
        while at < len(periods) and len(found) < limit:
            some = json.dumps(periods[at : at + more])
            rows = self._connection.execute(
                _LAST_OF_ACCOUNT,
                (hours.first, end, some, account_id, *place, limit - len(found)),
            )
            found += map(_whole, rows)
            at, more = at + more, 2 * more  # few hours where there is much, and few queries else
        return found


def _whole(row: sqlite3.Row) -> WholeCharge:
    charge = charge_of(row)
    tenure = read_tenure(row[11])
    rated = RatedCharge(charge, row[9], row[10], first_paid_at(tenure, charge.hour))
    counted = None if row[12] is None else Counted(int(row[12]), int(row[13]))
    return WholeCharge(rated, counted, row[14] or 0)
