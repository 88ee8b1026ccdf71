"""Desks as rows: what they gave by templates, and which of their grants ask what was paid.

Every method works inside the caller's transaction.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from aggregator.store.account_rows import exact
from aggregator.store.money.stored_lines import decode_money, text_of
from gitmeter.counting.effects import Movement
from gitmeter.counting.held import HeldReason
from gitmeter.money.desks.budgets import BudgetUse
from wire_format.lines import Money

_PAID_FIRST: Final = frozenset(
    {HeldReason.NOT_PAID, HeldReason.OVER_BUDGET, HeldReason.SAME_MOVEMENT}
)
"""The states of grants that do not stand, and that what was paid has a part in."""
_ASKING: Final = """
SELECT node_id, line, committed_us, state FROM money WHERE by_books = 0 AND movement LIKE '% grant'
AND (claims = 1 OR state IN (SELECT value FROM json_each(?))) AND
"""


class AskingGrant(NamedTuple):
    """A grant of a desk that its place allows.

    Attributes:
        node_id: the row of the desk.
        record: the line.
        committed_us: the time of the commit by which it is judged, microseconds since 1970.
        was_paid: whether enough was paid for it when it was judged.
    """

    node_id: int
    record: Money
    committed_us: int
    was_paid: bool


class DeskRows:
    """Desks as rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def names(self) -> set[str]:
        """The names of all desks."""
        rows = self._connection.execute(
            "SELECT DISTINCT node.name FROM repo JOIN node ON node.id = node_id WHERE role = 'desk'"
        )
        return {str(name) for (name,) in rows}

    def asking(
        self, users: Iterable[str], payments: Iterable[Movement | None]
    ) -> list[AskingGrant]:
        """The grants of desks to some users, and those that are a bonus on some payments."""
        states = json.dumps(sorted(_PAID_FIRST))
        texts = json.dumps(sorted(filter(None, map(text_of, payments))))
        rows = self._connection.execute(
            f"{_ASKING} account_id IN"  # noqa: S608 - constants
            " (SELECT id FROM account WHERE user IN (SELECT value FROM json_each(?)))"
            f" UNION {_ASKING} payment IN (SELECT value FROM json_each(?))",
            (states, json.dumps(sorted(users)), states, texts),
        )
        return [
            AskingGrant(node_id, decode_money(line), at_us, state != HeldReason.NOT_PAID)
            for node_id, line, at_us, state in rows
        ]

    def save_budgets(self, node_id: int, uses: Iterable[BudgetUse]) -> None:
        """Write what a desk has given by templates, in place of what was there."""
        self._connection.execute("DELETE FROM budget WHERE node_id = ?", (node_id,))
        self._connection.executemany(
            "INSERT INTO budget VALUES (?, ?, ?, ?, ?)",
            (
                (node_id, use.kind, use.template, exact(use.given_nano), exact(use.limit_nano))
                for use in uses
            ),
        )

    def budgets(self, node_id: int) -> list[BudgetUse]:
        """What a desk has given by templates."""
        rows = self._connection.execute(
            "SELECT kind, template, given_nano, limit_nano FROM budget WHERE node_id = ?"
            " ORDER BY kind, template",
            (node_id,),
        )
        return [
            BudgetUse(kind, template, int(given_nano), int(limit_nano))
            for kind, template, given_nano, limit_nano in rows
        ]
