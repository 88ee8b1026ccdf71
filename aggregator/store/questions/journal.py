"""The rows behind a journal of double entries, streamed."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from aggregator.store.money.stored_lines import decode_money
from gitmeter.money.granted import Hours, read_grants
from wire_format.lines import Money

_COUNTED: Final = "SELECT line FROM money WHERE about IS NULL AND state = 'counted'"


class JournalRows:
    """The rows behind a journal. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def counted_money(self, before_us: int) -> Iterator[Money]:
        """The lines of money that count and are dated before an instant, in no order."""
        rows = self._connection.execute(f"{_COUNTED} AND ts_us < ?", (before_us,))
        return (decode_money(line) for (line,) in rows)

    def counted_takes(self) -> Iterator[Money]:
        """The refunds and disputes that count, in no order."""
        rows = self._connection.execute(f"{_COUNTED} AND takes = 1")
        return (decode_money(line) for (line,) in rows)

    def paid_grants(self) -> Iterator[tuple[int, frozenset[str]]]:
        """The names of the grants that somebody paid for, by the rows of their accounts, ascending.

        Accounts with grants of another kind alone are among them.
        """
        rows = self._connection.execute(
            "SELECT id, grants FROM account WHERE grants IS NOT NULL ORDER BY id"
        )
        for account_id, stored in rows:
            grants = read_grants(stored)
            yield account_id, frozenset(each.name for each in grants if each.category == "paid")

    def charged_hours(self) -> Hours | None:
        """From the first hour with a charge to the one after the last; None without charges."""
        first, last = self._connection.execute(
            "SELECT (SELECT min(hour) FROM charge), (SELECT max(hour) FROM charge)"
        ).fetchone()
        return None if first is None else Hours(first, last + 1)
