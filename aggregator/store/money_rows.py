"""Money lines as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from aggregator.store.account_rows import exact
from gitmeter.counting.lines import Claim
from gitmeter.counting.money_lines import Credit, Judged, movement
from wire_format.instants import from_us, to_us
from wire_format.lines import Money

HELD_MONEY: Final = "state IN ('contradicts', 'same_movement', 'no_payment')"
"""The lines of money that are held; in the words of their index, or SQLite does not use it."""

_DECODER = msgspec.json.Decoder(Money)


def _movement_text(record: Money) -> str | None:
    key = movement(record)
    return None if key is None else " ".join(key)


class MoneyRows:
    """Money lines as rows. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def change(
        self,
        node_id: int,
        changes: Iterable[tuple[Claim[Money], bool]],
        account_ids: Mapping[str, int],
    ) -> None:
        """Add lines that were admitted (True), and remove those that no longer are.

        `save_states` then writes which of the admitted lines count.
        """
        listed = list(changes)
        self._connection.executemany(
            "DELETE FROM money WHERE node_id = ? AND seq = ? AND ts_us = ? AND line = ?",
            (
                (node_id, entry.record.seq, to_us(entry.record.ts), entry.line)
                for entry, _ in listed
            ),
        )
        self._connection.executemany(
            "INSERT INTO money VALUES (?, ?, ?, ?, ?, 'not_succeeded', ?, ?, ?, ?)",
            (
                (
                    node_id,
                    entry.record.seq,
                    to_us(entry.record.ts),
                    account_ids[entry.record.user],
                    _movement_text(entry.record),
                    entry.line,
                    *entry.place,
                )
                for entry, counts in listed
                if counts
            ),
        )

    def users_sharing_movements(self, entries: Iterable[Claim[Money]]) -> set[str]:
        """The users of all lines that belong to a movement of one of `entries`."""
        wanted = {_movement_text(entry.record) for entry in entries} - {None}
        rows = self._connection.execute(
            "SELECT DISTINCT user FROM money JOIN account ON account.id = money.account_id"
            " WHERE movement IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(map(str, wanted))),),
        )
        return {str(row[0]) for row in rows}

    def counted_instead(self, node: str, seq: int, ts: datetime) -> tuple[int, datetime] | None:
        """Seq and time of the node's line that counts for the movement of this one, or None."""
        row = self._connection.execute(
            "SELECT other.seq, other.ts_us FROM money JOIN node ON node.id = money.node_id"
            " JOIN money AS other USING (node_id, movement)"
            " WHERE node.name = ? AND money.seq = ? AND money.ts_us = ?"
            " AND other.state = 'counted'",
            (node, seq, to_us(ts)),
        ).fetchone()
        return None if row is None else (int(row[0]), from_us(row[1]))

    def lines_to_judge(self, users: Iterable[str]) -> list[Money]:
        """All lines of `users`, and every line that belongs to a movement of one of those."""
        rows = self._connection.execute(
            "WITH own AS (SELECT money.* FROM money JOIN account ON account.id = money.account_id"
            " WHERE user IN (SELECT value FROM json_each(?)))"
            " SELECT line FROM own"
            " UNION SELECT money.line FROM money JOIN own ON money.movement = own.movement",
            (json.dumps(sorted(users)),),
        )
        return [_DECODER.decode(row[0]) for row in rows]

    def save_states(self, lines: Iterable[Judged]) -> None:
        """Write which lines count, and why others do not."""
        self._connection.executemany(
            "UPDATE money SET state = ?"
            " WHERE node_id = (SELECT id FROM node WHERE name = ?) AND seq = ? AND ts_us = ?",
            ((str(state), record.node, record.seq, to_us(record.ts)) for record, state, _ in lines),
        )

    def save_credit(self, account_id: int, credit: Credit) -> None:
        """Write the sums of a user's lines that count."""
        self._connection.execute(
            "UPDATE account SET credit_nano = ?, lifetime_paid_nano = ?, first_paid_us = ?"
            " WHERE id = ?",
            (
                exact(credit.credit_nano),
                exact(credit.lifetime_paid_nano),
                credit.first_paid_us,
                account_id,
            ),
        )
