"""Lines about money and accounts as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from aggregator.store.account_rows import exact
from aggregator.store.money.stored_lines import (
    NewRow,
    about_of,
    decode_money,
    decode_row,
    first_state,
    insert_rows,
    line_text,
    text_of,
    ties_of,
)
from gitmeter.counting.effects import Movement, movement, rate_of
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.money.places import CLAIMS_NOTHING
from gitmeter.money.pool import Credit
from gitmeter.money.rivals import Contender
from gitmeter.money.tenure import tenure_text
from wire_format.instants import from_us, to_us
from wire_format.lines import Account, Money

TOLD_MONEY: Final = "state NOT IN ('counted', 'repeats', 'not_succeeded')"
"""The lines of money that a person may have to look at; in the words of their index, or SQLite does
not use it."""
HELD_MONEY: Final = f"{TOLD_MONEY} AND state <> 'undecided'"
"""Those among them that are held."""

_OF_MOVEMENT: Final = "movement IN (SELECT value FROM json_each(?))"
_ABOUT: Final = "payment IN (SELECT value FROM json_each(?))"
_BONUS_ON: Final = f"{_ABOUT} AND movement LIKE '% grant'"
_USERS: Final = "SELECT DISTINCT user FROM money JOIN account ON account.id = money.account_id"
_OF_USERS: Final = (
    "account_id IN (SELECT id FROM account WHERE user IN (SELECT value FROM json_each(?)))"
)
_HAVE_TIES: Final = frozenset({"payment", "grant"})
"""Kinds that other lines may be about."""
_ENTRY: Final = "money.id, line, by_books, covered_us IS NOT NULL, is_weak"


def _ties_of_all(records: Iterable[Money | Account]) -> set[str]:
    """What lines about money are tied by."""
    money = (record for record in records if isinstance(record, Money))
    return {text for record in money for text in ties_of(record) if text is not None}


def _about_all(entries: Iterable[Contender]) -> set[str]:
    """By what lines are tied that are about some of these."""
    found: set[str | None] = set()
    for record, is_books, *_ in entries:
        if record.kind in _HAVE_TIES:
            found.add(text_of(movement(record)))
        if is_books and record.kind == "payment":
            found.add(line_text(record.node, record.seq))
    return {text for text in found if text is not None}


class MoneyRows:
    """Lines about money and accounts as rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def change(
        self,
        node_id: int,
        changes: Iterable[tuple[Claim[Money | Account], bool]],
        account_ids: Mapping[str, int],
        committed_us: Callable[[Place], int],
    ) -> dict[int, Money | Account]:
        """Add lines of the books that were admitted (True), and remove those that no longer are.

        Args:
            node_id: the row of the node that wrote them.
            changes: the lines.
            account_ids: the rows of their users' accounts.
            committed_us: when the commit of a place was made, microseconds since 1970.

        Returns:
            those that were added by their rows; `claim` says which of them may count.
        """
        listed = list(changes)
        self._connection.executemany(
            "DELETE FROM money WHERE node_id = ? AND seq = ? AND ts_us = ? AND line = ?",
            (
                (node_id, entry.record.seq, to_us(entry.record.ts), entry.line)
                for entry, _ in listed
            ),
        )
        added = [NewRow(*entry, committed_us(entry.place)) for entry, counts in listed if counts]
        ids = insert_rows(self._connection, node_id, added, account_ids, by_books=True)
        return dict(zip(ids, (row.record for row in added), strict=True))

    def claim(
        self,
        lines: Mapping[int, Money | Account],
        fault_of: Callable[[Money | Account], HeldReason | None],
    ) -> None:
        """Write for lines of the books why each may not count, or that it may (None)."""
        found = ((money_id, about_of(r), fault_of(r)) for money_id, r in lines.items())
        self._connection.executemany(
            "UPDATE money SET claims = ?, state = ? WHERE id = ?",
            (
                (reason is None, str(reason or first_state(about)), money_id)
                for money_id, about, reason in found
            ),
        )

    def of_books(self) -> dict[int, Money | Account]:
        """All lines of the books by their rows."""
        rows = self._connection.execute("SELECT id, line FROM money WHERE by_books = 1")
        return {int(money_id): decode_row(line) for money_id, line in rows}

    def records(self, ids: Collection[int]) -> list[Money | Account]:
        """The lines in some rows."""
        if not ids:
            return []
        rows = self._connection.execute(
            "SELECT line FROM money WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(ids)),),
        )
        return [decode_row(line) for (line,) in rows]

    def users_tied_to(self, records: Iterable[Money | Account]) -> set[str]:
        """The users of all lines about a movement of one of these lines, or about their payment.

        Of what is about a payment, grants alone: what they are worth follows from it.
        """
        texts: set[str | None] = set()
        for record in records:
            if isinstance(record, Money):
                # a bonus changes nothing of its payment
                texts.update(ties_of(record)[:1] if record.kind == "grant" else ties_of(record))
                if record.refers_to is not None:
                    texts.update(self._movements_at(record.node, record.refers_to))
        rows = self._connection.execute(
            f"{_USERS} WHERE {_OF_MOVEMENT} UNION {_USERS} WHERE {_BONUS_ON}",
            (json.dumps(sorted(map(str, texts - {None}))),) * 2,
        )
        return {str(row[0]) for row in rows}

    def _movements_at(self, node: str, seq: int) -> list[str | None]:
        """The movements of the lines under a number."""
        rows = self._connection.execute(
            "SELECT movement FROM money JOIN node ON node.id = node_id AND name = ? WHERE seq = ?",
            (node, seq),
        )
        return [text for (text,) in rows]

    def is_claimed(self, movement: Movement) -> bool:
        """Whether a line that may count is about a movement."""
        query = "SELECT EXISTS (SELECT 1 FROM money WHERE movement = ? AND claims = 1)"
        return bool(self._connection.execute(query, (text_of(movement),)).fetchone()[0])

    def since(self, ts_us: int) -> list[Money | Account]:
        """The lines that are dated from an instant on, whatever became of them."""
        rows = self._connection.execute("SELECT line FROM money WHERE ts_us >= ?", (ts_us,))
        return [decode_row(line) for (line,) in rows]

    def users(self) -> set[str]:
        """Every user whom a line names."""
        rows = self._connection.execute(_USERS)
        return {str(row[0]) for row in rows}

    def users_between(self, since_us: int, until_us: int) -> set[str]:
        """Every user whom a line names that is dated from one instant on and before another."""
        rows = self._connection.execute(
            f"{_USERS} WHERE ts_us >= ? AND ts_us < ?", (since_us, until_us)
        )
        return {str(row[0]) for row in rows}

    def counted_instead(
        self, node: str, seq: int, ts: datetime
    ) -> tuple[str, int, datetime] | None:
        """Node, seq and time of the line that counts for the movement of this one, or None."""
        row = self._connection.execute(
            "SELECT counted.name, other.seq, other.ts_us FROM money"
            " JOIN node ON node.id = money.node_id"
            " JOIN money AS other USING (movement)"
            " JOIN node AS counted ON counted.id = other.node_id"
            " WHERE node.name = ? AND money.seq = ? AND money.ts_us = ?"
            " AND other.state = 'counted'",
            (node, seq, to_us(ts)),
        ).fetchone()
        return None if row is None else (str(row[0]), int(row[1]), from_us(row[2]))

    def entries(
        self, users: Iterable[str], records: Iterable[Money | Account]
    ) -> dict[int, Contender]:
        """All lines about money that may count of users, and of the movements of some lines.

        With them come all that they are tied to: a line brings the others of its movement, and the
        payment or grant that it is about with all of its lines; a payment and a grant all lines
        that are about them. A refund of version 1 brings no payment: it is of its own user's or of
        none; but a payment brings it.
        """
        found: dict[int, Contender] = {}
        named = _ties_of_all(records)
        fresh = self._add(found, _OF_USERS, users) + self._add(found, _OF_MOVEMENT, named)
        asked, about, asked_about = named, named | _about_all(fresh), set[str]()
        while fresh or about:
            more = self._add(found, _ABOUT, about)
            asked_about |= about
            wanted = _ties_of_all(entry.record for entry in (*fresh, *more)) - asked
            asked = asked | wanted
            fresh = self._add(found, _OF_MOVEMENT, wanted)
            about = _about_all((*fresh, *more)) - asked_about
        return found

    def _add(
        self, found: dict[int, Contender], which: str, values: Iterable[str]
    ) -> list[Contender]:
        """Add the lines that may count and are not there yet, by their rows; returns them."""
        listed = sorted(values)
        if not listed:
            return []
        rows = self._connection.execute(
            f"SELECT {_ENTRY} FROM money WHERE {which} AND claims = 1 AND about IS NULL",  # noqa: S608 - constants
            (json.dumps(listed),),
        )
        added: list[Contender] = []
        for money_id, line, *flags in rows:
            if money_id not in found:
                found[money_id] = Contender(decode_money(line), *map(bool, flags))
                added.append(found[money_id])
        return added

    def credit_per_unit(self, payment: Movement) -> Fraction:
        """The most credit for a unit of its currency that any line states which may be there."""
        rows = self._connection.execute(
            "SELECT line FROM money WHERE movement = ?"
            " AND state NOT IN (SELECT value FROM json_each(?))",
            (text_of(payment), json.dumps([str(reason) for reason in CLAIMS_NOTHING])),
        )
        return max((rate_of(decode_money(line)) for (line,) in rows), default=Fraction(0))

    def committed_us(self, ids: Collection[int]) -> dict[int, int]:
        """When the commits were made by which the lines in some rows are judged."""
        rows = self._connection.execute(
            "SELECT id, committed_us FROM money WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return {int(money_id): int(at_us) for money_id, at_us in rows}

    def changed_states(self, states: Mapping[int, StrEnum]) -> list[int]:
        """The rows whose lines have another state than these."""
        rows = self._connection.execute(
            "SELECT id, state FROM money WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(states)),),
        )
        return [int(money_id) for money_id, state in rows if state != states[money_id]]

    def save_states(self, states: Mapping[int, StrEnum]) -> None:
        """Write which lines count, and why others do not, by row."""
        self._connection.executemany(
            "UPDATE money SET state = ? WHERE id = ?",
            ((str(state), money_id) for money_id, state in states.items()),
        )

    def save_credits(self, credit_of: Mapping[int, Credit]) -> None:
        """Write the sums of users' lines that count, by the rows of their accounts."""
        self._connection.executemany(
            "UPDATE account SET credit_nano = ?, lifetime_paid_nano = ?, first_paid_us = ?,"
            " tenure = ? WHERE id = ?",
            (
                (
                    exact(credit.credit_nano),
                    exact(credit.lifetime_paid_nano),
                    credit.first_paid_us,
                    tenure_text(credit.tenure),
                    account_id,
                )
                for account_id, credit in credit_of.items()
            ),
        )
