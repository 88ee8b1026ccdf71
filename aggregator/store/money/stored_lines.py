"""How a line about money or an account is stored, and what ties it to others.

A line is tied to others by its movement, and by that of the payment (of a refund, of a bonus) or of
the grant (of a void) that it is about; a refund of version 1 by the line that it refers to. Keys
are tied by their hash.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from gitmeter.counting.effects import (
    TAKES,
    Movement,
    bonus_payment_of,
    ended_grant_of,
    movement,
    payment_of,
)
from gitmeter.counting.lines import Place
from gitmeter.money.rivals import MoneyState
from wire_format.instants import to_us
from wire_format.lines import Account, Money

_MONEY: Final = msgspec.json.Decoder(Money)
_ACCOUNT: Final = msgspec.json.Decoder(Account)
_JUDGED_TOGETHER: Final = frozenset({"plan", "key"})
"""Kinds of lines about accounts of which others may keep one from counting."""


def decode_row(line: bytes) -> Money | Account:
    """The record of a line that was stored, and so is valid."""
    try:
        return decode_money(line)
    except msgspec.ValidationError:
        return decode_account(line)


def decode_money(line: bytes) -> Money:
    """A stored line that is known to be about money."""
    return _MONEY.decode(line)


def decode_account(line: bytes | str) -> Account:
    """A stored line that is known to be about an account."""
    return _ACCOUNT.decode(line)


class NewRow(NamedTuple):
    """A line that is about to be stored.

    Attributes:
        record, line, place: as in a claim.
        committed_us: when its commit was made, microseconds since 1970; of a till or desk that is
            settled with its worth.
    """

    record: Money | Account
    line: bytes
    place: Place
    committed_us: int = 0


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
        "INSERT INTO money VALUES"
        " (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, 0, ?, 0, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(money_id, node_id, row.record.seq, to_us(row.record.ts)),
                *(account_ids.get(row.record.user), about_of(row.record)),
                *ties_of(row.record),
                *(by_books, row.record.kind in TAKES),
                *(str(MoneyState.NOT_SUCCEEDED), row.line),
                *(*row.place, row.committed_us),
            )
            for money_id, row in zip(ids, rows, strict=True)
        ),
    )
    return ids


def text_of(key: Movement | None) -> str | None:
    """A movement as the column has it."""
    return None if key is None else " ".join(key)


def about_of(record: Money | Account) -> str | None:
    """Of a line about an account its kind; None of a line about money."""
    return record.kind if isinstance(record, Account) else None


def first_state(about: str | None) -> MoneyState:
    """What a line is that may count, until it is judged with those that it is tied to."""
    is_judged = about is None or about in _JUDGED_TOGETHER
    return MoneyState.NOT_SUCCEEDED if is_judged else MoneyState.COUNTED


def key_text(sha256: str) -> str:
    """A key as the column of movements has it."""
    return f"key:{sha256}"


def line_text(node: str, seq: int) -> str:
    """A line that a refund of version 1 refers to, as the column of payments has it."""
    return f"{node}:{seq}"


def ties_of(record: Money | Account) -> tuple[str | None, str | None]:
    """The movement of a line, and what it is about: that of a payment or grant, or a line."""
    if isinstance(record, Account):
        is_key = record.kind == "key" and record.sha256 is not None
        return key_text(record.sha256 or "") if is_key else None, None
    own = text_of(movement(record))
    if record.kind == "payment":
        return own, None
    if record.refers_to is not None:
        return own, line_text(record.node, record.refers_to)
    of = payment_of(record) or bonus_payment_of(record) or ended_grant_of(record)
    return own, text_of(of)
