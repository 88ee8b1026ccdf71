"""The rows behind automatic payments: who may be due, by what lines, and what was read of those."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from aggregator.store.money.stored_lines import decode_money, decode_row
from aggregator.store.questions.payments import READ_TO_ITS_HEAD
from cursors.position import HeadOutcome
from wire_format.lines import Account, Money

# somewhat more than the threshold, which SQLite reads as a float: exact sums are judged later
_MAYBE_BELOW: Final = """
typeof(credit_nano) = 'text' OR typeof(billed_cost_nano) = 'text' OR typeof(drawn_nano) = 'text'
OR credit_nano - billed_cost_nano + drawn_nano < (line ->> 'below_usd') * 1000001000.0 + 1
"""
_CONSENTED: Final = "about = 'consent' AND state = 'counted'"
_NEAR: Final = f"""
SELECT DISTINCT user FROM money INDEXED BY money_consents
CROSS JOIN account ON account.id = account_id
WHERE {_CONSENTED} AND ({_MAYBE_BELOW}) ORDER BY user
"""  # noqa: S608 - constants
_LISTED: Final = f"""
SELECT user FROM account WHERE id IN (
    SELECT account_id FROM money INDEXED BY money_consents WHERE {_CONSENTED}
    UNION SELECT account_id FROM money WHERE about = 'setting' AND state = 'counted'
        AND line ->> 'auto_topup_usd' IS NOT NULL
) ORDER BY user
"""  # noqa: S608 - constants
_TAKEN: Final = "takes = 1 AND state IN (SELECT value FROM json_each(?1))"


_HAS_NO_MORE: Final = READ_TO_ITS_HEAD | {str(HeadOutcome.EMPTY)}


class TopupLine(NamedTuple):
    """A line about money that has a part in automatic payments of an account.

    Attributes:
        record: the line.
        state: `counted`, or why it does not count.
        claims: whether it stands within its writer.
        committed_us: when the commit was made by which it is judged, microseconds since 1970.
        is_of_books: whether the operator's books have it.
    """

    record: Money
    state: str
    claims: bool
    committed_us: int
    is_of_books: bool


class FeeLine(NamedTuple):
    """A plan line that counts, and when its commit was made, microseconds since 1970."""

    record: Account
    committed_us: int


class RepoRead(NamedTuple):
    """How far a repo was read.

    Attributes:
        is_to_its_head: whether all that it had was billed then; a new one has nothing.
        read_at: when it was looked at last, as text in UTC; None if it never was.
    """

    is_to_its_head: bool
    read_at: str | None


class TopupRows:
    """The rows behind automatic payments."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def near(self) -> list[str]:
        """The users who consented and may have less than that, but for grants; sorted.

        The cost grows with the consents alone: of all others nothing is read.
        """
        return [str(user) for (user,) in self._connection.execute(_NEAR)]

    def listed(self) -> list[str]:
        """The users who ever consented to automatic payments or settled any, sorted."""
        return [str(user) for (user,) in self._connection.execute(_LISTED)]

    def lines(self, account_id: int) -> list[TopupLine]:
        """All lines about money that name an account, in no order."""
        rows = self._connection.execute(
            "SELECT line, state, claims, committed_us, by_books FROM money"
            " WHERE account_id = ? AND about IS NULL",
            (account_id,),
        )
        return [
            TopupLine(decode_money(line), state, bool(claims), committed_us, bool(by_books))
            for line, state, claims, committed_us, by_books in rows
        ]

    def taking(self, payments: Iterable[str], states: Iterable[str]) -> list[Money]:
        """The lines in some states that take money of payments back, or give it back again.

        Args:
            payments: what ties lines to the payments, as the column has it.
            states: those of the lines.
        """
        rows = self._connection.execute(
            f"SELECT line FROM money WHERE {_TAKEN}"  # noqa: S608 - a constant
            " AND payment IN (SELECT value FROM json_each(?2))",
            (json.dumps(sorted(states)), json.dumps(sorted(payments))),
        )
        return [decode_money(line) for (line,) in rows]

    def fees(self, account_id: int) -> list[FeeLine]:
        """The plan lines of an account that count, in no order."""
        rows = self._connection.execute(
            "SELECT line, committed_us FROM money WHERE account_id = ? AND about = 'plan'"
            " AND state = 'counted'",
            (account_id,),
        )
        found = ((decode_row(line), committed_us) for line, committed_us in rows)
        return [FeeLine(r, committed_us) for r, committed_us in found if isinstance(r, Account)]

    def attempts_since(self, committed_us: int) -> list[Money]:
        """The lines that say how attempts began or ended and were committed since an instant."""
        rows = self._connection.execute(
            "SELECT line FROM money INDEXED BY money_attempts"
            " WHERE about IS NULL AND movement IS NULL AND committed_us >= ? AND claims = 1",
            (committed_us,),
        )
        return [decode_money(line) for (line,) in rows]

    def highest_seqs(self) -> dict[str, int]:
        """By the node of each till the highest number that was read of it, by node."""
        rows = self._connection.execute(
            "SELECT node.name, max(last_seq) FROM seen_range JOIN node ON node.id = node_id"
            " WHERE node_id IN (SELECT node_id FROM repo WHERE role = 'till')"
            " GROUP BY node.name ORDER BY node.name"
        )
        return {str(node): int(seq) for node, seq in rows}

    def repos_read(self) -> dict[str, RepoRead]:
        """How far each repo of the books, tills and desks was read, by name."""
        rows = self._connection.execute(
            "SELECT name, outcome, behind, checked_at FROM repo"
            " WHERE role IN ('books', 'till', 'desk')"
        )
        return {
            str(name): RepoRead(outcome in _HAS_NO_MORE and behind == 0, checked_at)
            for name, outcome, behind, checked_at in rows
        }
