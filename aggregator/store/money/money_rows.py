"""Lines about money and accounts as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from aggregator.store.account_rows import exact
from gitmeter.counting.effects import TAKES, Movement, movement, payment_of, rate_of
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.money.places import CLAIMS_NOTHING
from gitmeter.money.pool import Credit
from gitmeter.money.rivals import Contender, MoneyState
from gitmeter.money.tenure import tenure_text
from wire_format.instants import from_us, to_us
from wire_format.lines import Account, Money

TOLD_MONEY: Final = "state NOT IN ('counted', 'repeats', 'not_succeeded')"
"""The lines of money that a person may have to look at; in the words of their index, or SQLite does
not use it."""
HELD_MONEY: Final = f"{TOLD_MONEY} AND state <> 'undecided'"
"""Those among them that are held."""

_MONEY: Final = msgspec.json.Decoder(Money)
_ACCOUNT: Final = msgspec.json.Decoder(Account)
_OF_MOVEMENT: Final = "movement IN (SELECT value FROM json_each(?))"
_OF_USERS: Final = (
    "account_id IN (SELECT id FROM account WHERE user IN (SELECT value FROM json_each(?)))"
)
_ENTRY: Final = "money.id, line, by_books, covered_us IS NOT NULL, is_weak"


def decode_row(line: bytes) -> Money | Account:
    """The record of a line that was stored, and so is valid."""
    try:
        return _MONEY.decode(line)
    except msgspec.ValidationError:
        return _ACCOUNT.decode(line)


class NewRow(NamedTuple):
    """A line that is about to be stored."""

    record: Money | Account
    line: bytes
    place: Place


def insert_rows(
    connection: sqlite3.Connection,
    node_id: int,
    rows: Sequence[NewRow],
    account_ids: Mapping[str, int],
    *,
    by_books: bool,
) -> list[int]:
    """Store lines that do not claim anything yet; returns their rows, in the same order."""
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM money").fetchone()
    ids = list(range(last + 1, last + 1 + len(rows)))
    connection.executemany(
        "INSERT INTO money VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, 0, ?, 0, ?, ?, ?, ?, ?)",
        (
            (
                *(money_id, node_id, row.record.seq, to_us(row.record.ts)),
                account_ids.get(row.record.user),
                *_texts(row.record),
                *(by_books, row.record.kind in TAKES),
                *(str(MoneyState.NOT_SUCCEEDED), row.line),
                *row.place,
            )
            for money_id, row in zip(ids, rows, strict=True)
        ),
    )
    return ids


def text_of(key: Movement | None) -> str | None:
    """A movement as the column has it."""
    return None if key is None else " ".join(key)


def _texts(record: Money | Account) -> tuple[str | None, str | None]:
    """The movement of a line, and that of the payment that it is about."""
    if isinstance(record, Account):
        return None, None
    return text_of(movement(record)), text_of(payment_of(record))


class MoneyRows:
    """Lines about money and accounts as rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def change(
        self,
        node_id: int,
        changes: Iterable[tuple[Claim[Money | Account], bool]],
        account_ids: Mapping[str, int],
    ) -> dict[int, Money | Account]:
        """Add lines of the books that were admitted (True), and remove those that no longer are.

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
        added = [NewRow(*entry) for entry, counts in listed if counts]
        ids = insert_rows(self._connection, node_id, added, account_ids, by_books=True)
        return dict(zip(ids, (row.record for row in added), strict=True))

    def claim(self, reasons: Mapping[int, HeldReason | None]) -> None:
        """Write for lines of the books why each may not count, or None where it may."""
        self._connection.executemany(
            "UPDATE money SET claims = ?, state = ? WHERE id = ?",
            (
                (reason is None, str(reason or MoneyState.NOT_SUCCEEDED), money_id)
                for money_id, reason in reasons.items()
            ),
        )

    def of_books(self) -> dict[int, Money | Account]:
        """All lines of the books by their rows."""
        rows = self._connection.execute("SELECT id, line FROM money WHERE by_books = 1")
        return {int(money_id): decode_row(line) for money_id, line in rows}

    def records(self, ids: Collection[int]) -> list[Money | Account]:
        """The lines in some rows."""
        rows = self._connection.execute(
            "SELECT line FROM money WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(ids)),),
        )
        return [decode_row(line) for (line,) in rows]

    def users_tied_to(self, records: Iterable[Money | Account]) -> set[str]:
        """The users of all lines about a movement of one of these lines, or about their payment."""
        texts = {text for record in records for text in _texts(record)} - {None}
        rows = self._connection.execute(
            "SELECT DISTINCT user FROM money JOIN account ON account.id = money.account_id"
            " WHERE movement IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(map(str, texts))),),
        )
        return {str(row[0]) for row in rows}

    def users(self) -> set[str]:
        """Every user whom a line names."""
        rows = self._connection.execute(
            "SELECT DISTINCT user FROM money JOIN account ON account.id = money.account_id"
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
        """All lines that may count of users, and of the movements of some lines, with their ties.

        A line brings the others of its movement, those about its payment, and the payment that it
        is about with all of its lines. A refund of version 1 brings no payment: it is of its own
        user's or of none.
        """
        found: dict[int, Contender] = {}
        named = {text for record in records for text in _texts(record) if text is not None}
        fresh = self._add(found, _OF_USERS, users)
        fresh += self._add(found, _OF_MOVEMENT, named)
        paid = {text for r in fresh if r.kind == "payment" for text in _texts(r)[:1] if text}
        fresh += self._add(found, "payment IN (SELECT value FROM json_each(?))", named | paid)
        asked = named
        while fresh:
            wanted = {text for r in fresh for text in _texts(r) if text is not None} - asked
            asked |= wanted
            fresh = self._add(found, _OF_MOVEMENT, wanted)
        return found

    def _add(self, found: dict[int, Contender], which: str, values: Iterable[str]) -> list[Money]:
        """Add the lines that may count and are not there yet, by their rows; returns them."""
        listed = sorted(values)
        if not listed:
            return []
        rows = self._connection.execute(
            f"SELECT {_ENTRY} FROM money WHERE {which} AND claims = 1",  # noqa: S608 - constants
            (json.dumps(listed),),
        )
        added: list[Money] = []
        for money_id, line, *flags in rows:
            if money_id not in found:
                record = _MONEY.decode(line)
                found[money_id] = Contender(record, *map(bool, flags))
                added.append(record)
        return added

    def credit_per_unit(self, payment: Movement) -> Fraction:
        """The most credit for a unit of its currency that any line states which may be there."""
        rows = self._connection.execute(
            "SELECT line FROM money WHERE movement = ?"
            " AND state NOT IN (SELECT value FROM json_each(?))",
            (text_of(payment), json.dumps([str(reason) for reason in CLAIMS_NOTHING])),
        )
        return max((rate_of(_MONEY.decode(line)) for (line,) in rows), default=Fraction(0))

    def changed_states(self, states: Mapping[int, MoneyState]) -> list[int]:
        """The rows whose lines have another state than these."""
        rows = self._connection.execute(
            "SELECT id, state FROM money WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(states)),),
        )
        return [int(money_id) for money_id, state in rows if state != states[money_id]]

    def save_states(self, states: Mapping[int, MoneyState]) -> None:
        """Write which lines count, and why others do not, by row."""
        self._connection.executemany(
            "UPDATE money SET state = ? WHERE id = ?",
            ((str(state), money_id) for money_id, state in states.items()),
        )

    def save_credit(self, account_id: int, credit: Credit) -> None:
        """Write the sums of a user's lines that count."""
        self._connection.execute(
            "UPDATE account SET credit_nano = ?, lifetime_paid_nano = ?, first_paid_us = ?,"
            " tenure = ? WHERE id = ?",
            (
                exact(credit.credit_nano),
                exact(credit.lifetime_paid_nano),
                credit.first_paid_us,
                tenure_text(credit.tenure),
                account_id,
            ),
        )
