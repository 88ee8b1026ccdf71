"""The rows behind the second look at automatic payments: what was agreed to, and what was paid."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aggregator.store.money.stored_lines import decode_account, decode_money
from gitmeter.money.topups.attempts import is_automatic
from wire_format.lines import Account, Money

TERMS_MAX: Final = 200
"""Of one account. Whoever states more of them hides older ones, so that less is agreed to."""

_SAYS_AUTOMATIC: Final = b'"attempt":"auto:'


class TermsLine(NamedTuple):
    """A setting or a consent.

    Attributes:
        record: the line.
        committed_us: when its commit was made, microseconds since 1970; None of the books.
    """

    record: Account
    committed_us: int | None


class ChargedRows:
    """What an answer about uncovered automatic payments needs besides them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def terms(self, user: str, before_us: int) -> list[TermsLine]:
        """The newest settings and consents of an account that count, dated before an instant."""
        rows = self._connection.execute(
            "SELECT line, by_books, committed_us FROM money"
            " WHERE account_id = (SELECT id FROM account WHERE user = ?)"
            " AND about IN ('setting', 'consent') AND state = 'counted' AND ts_us < ?"
            " ORDER BY ts_us DESC, node_id DESC, seq DESC LIMIT ?",
            (user, before_us, TERMS_MAX),
        )
        return [
            TermsLine(decode_account(line), None if by_books else int(committed_us))
            for line, by_books, committed_us in rows
        ]

    def covered_of(self, user: str, since_us: int, until_us: int) -> Iterator[Money]:
        """The automatic payments of an account that a reconciliation covers, in a stretch."""
        return self._covered(
            "account_id = (SELECT id FROM account WHERE user = ?)", (user,), since_us, until_us
        )

    def covered(self, since_us: int, until_us: int) -> Iterator[Money]:
        """Those of everybody."""
        # the times are in the index of each till's lines, so no line outside them is read
        tills = "node_id IN (SELECT node_id FROM repo WHERE role = 'till')"
        return self._covered(tills, (), since_us, until_us)

    def _covered(
        self, which: str, values: Iterable[str], since_us: int, until_us: int
    ) -> Iterator[Money]:
        rows = self._connection.execute(
            f"SELECT line FROM money WHERE {which} AND ts_us >= ? AND ts_us < ?"  # noqa: S608 - constants
            " AND covered_us IS NOT NULL AND about IS NULL AND instr(line, ?)",
            (*values, since_us, until_us, _SAYS_AUTOMATIC),
        )
        for (line,) in rows:
            record = decode_money(line)
            if record.kind == "payment" and is_automatic(record.attempt):
                yield record
