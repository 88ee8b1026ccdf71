"""When an account was active: in which stretches of 64 hours to look for its charges."""

import sqlite3
from typing import Final

from aggregator.store.account_rows import AccountRow
from gitmeter.money.granted import EVER_HOUR

PERIOD_HOURS: Final = 64
"""Hours of a period: looking into each of them finds the charges of one account."""

STEPS: Final = """
WITH RECURSIVE step (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM step WHERE number < 63)
"""
_HOURS_OF_PERIOD: Final = f"""{STEPS}
SELECT min(hour), max(hour) FROM step
CROSS JOIN charge ON charge.hour = ? * 64 + number AND charge.account_id = ?
"""  # noqa: S608 - constants
_FIRST_PERIOD: Final = "SELECT min(period) FROM active_period WHERE account_id = ?"
_LAST_PERIOD: Final = "SELECT max(period) FROM active_period WHERE account_id = ?"


class ActivePeriods:
    """The active periods of accounts. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def hours_of(self, account: AccountRow) -> tuple[int | None, int | None]:
        """The first and last hour in which an account has a charge; None without charges.

        Periods at either end that have no charge left are forgotten.
        """
        first = self._edge_period(account, _FIRST_PERIOD)
        last = None if first is None else self._edge_period(account, _LAST_PERIOD)
        return (None if first is None else first[0]), (None if last is None else last[1])

    def after(self, account_id: int, hour: int, periods: int) -> int:
        """The hour before which an account has some active periods, that of `hour` among them.

        Args:
            account_id: the account.
            hour: the first clock hour.
            periods: how many; `EVER_HOUR` if it has no more.
        """
        found = self._connection.execute(
            "SELECT period FROM active_period WHERE account_id = ? AND period > ?"
            " ORDER BY period LIMIT 1 OFFSET ?",
            (account_id, hour // PERIOD_HOURS, periods - 1),
        ).fetchone()
        return EVER_HOUR if found is None else int(found[0]) * PERIOD_HOURS

    def _edge_period(self, account: AccountRow, which: str) -> tuple[int, int] | None:
        """The first and last hour with a charge in an account's first or last period."""
        while True:
            (period,) = self._connection.execute(which, (account.id,)).fetchone()
            if period is None:
                return None
            hours = self._connection.execute(_HOURS_OF_PERIOD, (period, account.id))
            first, last = hours.fetchone()
            if first is not None:
                return first, last
            self._connection.execute(
                "DELETE FROM active_period WHERE account_id = ? AND period = ?",
                (account.id, period),
            )
