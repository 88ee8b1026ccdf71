"""The rows behind answers about money: every line with its writer, its commit and its state."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aggregator.store.money.money_rows import TOLD_MONEY
from aggregator.store.money.stored_lines import decode_row
from cursors.position import HeadOutcome
from gitmeter.counting.ranges import Range
from wire_format.lines import Account, Money

READ_TO_ITS_HEAD: Final = frozenset(
    str(outcome)
    for outcome in (HeadOutcome.UNCHANGED, HeadOutcome.FAST_FORWARD, HeadOutcome.ACCEPTED)
)
"""What a head meant where the repo was then billed up to it."""

_LINES = """
SELECT node.name, line, state, covered_us, money.commit_id, at_us, path, line_no,
    coalesce(repo.name, (SELECT max(name) FROM repo WHERE repo.node_id = node.id))
FROM money JOIN node ON node.id = money.node_id
LEFT JOIN account ON account.id = money.account_id
LEFT JOIN writer_commit ON writer_commit.node_id = money.node_id
    AND writer_commit.commit_id = money.commit_id
LEFT JOIN repo ON repo.id = writer_commit.repo_id
"""
_OF_USER: Final = "AND money.account_id = (SELECT id FROM account WHERE user = ?)"

_TAKEN_BACK: Final = """
takes = 1 AND payment IS NOT NULL AND state = 'counted' AND (
    movement LIKE '% refund' AND NOT EXISTS (
        SELECT 1 FROM money AS back
        WHERE back.movement = money.movement || '_reversal' AND back.state = 'counted')
    OR movement LIKE '% dispute' AND NOT EXISTS (
        SELECT 1 FROM money AS back
        WHERE back.payment = money.payment AND back.state = 'counted'
            AND back.movement LIKE '% dispute_reversal'))
"""


class SomeLines(NamedTuple):
    """Lines of a node: from the lowest to the highest seq, and how many there are."""

    span: Range
    number: int


class MoneyLine(NamedTuple):
    """A line about money or an account, and what became of it.

    Attributes:
        node: who wrote it.
        record: the line.
        state: `counted`, or why it does not count.
        covered_us: when it was reconciled first, microseconds since 1970; None if it never was.
        commit, path, line_no: where it is.
        committed_us: when its commit was made; None for the books.
        repo: the repo of the commit.
    """

    node: str
    record: Money | Account
    state: str
    covered_us: int | None
    commit: str
    committed_us: int | None
    path: str
    line_no: int
    repo: str


class WriterTip(NamedTuple):
    """How far a repo of a till or desk was read.

    Attributes:
        node, role, repo: the writer, and the repo.
        tip: the last commit that was billed there.
        committed_us: when that was made.
        read_at: when the repo was looked at last, as text in UTC; None if that is not known.
        is_current: whether its head was then billed.
    """

    node: str
    role: str
    repo: str
    tip: str
    committed_us: int
    read_at: str | None
    is_current: bool


class PaymentRows:
    """The rows behind answers about money."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def lines(self, user: str | None, since_us: int, until_us: int) -> Iterator[MoneyLine]:
        """Lines dated from one instant on and before another, by time, writer and number."""
        # of one user they are found by the index, whatever others have
        of_user = "" if user is None else _OF_USER
        rows = self._connection.execute(
            f"{_LINES} WHERE money.ts_us >= ? AND money.ts_us < ? {of_user}"
            " ORDER BY money.ts_us, node.name, money.seq, line",
            (since_us, until_us, *(() if user is None else (user,))),
        )
        return map(_line, rows)

    def newest_first(self, account_id: int, since_us: int, until_us: int) -> Iterator[MoneyLine]:
        """As `lines`, of one account and in the reverse order; each is read when it is asked for.

        Of lines about accounts only those of plans.
        """
        rows = self._connection.execute(
            f"{_LINES} WHERE money.account_id = ? AND money.ts_us >= ? AND money.ts_us < ?"
            " AND (about IS NULL OR about = 'plan')"
            " ORDER BY money.ts_us DESC, node.name DESC, money.seq DESC, line DESC",
            (account_id, since_us, until_us),
        )
        return map(_line, rows)

    def all_newest_first(self, since_us: int, until_us: int) -> Iterator[MoneyLine]:
        """As `lines`, of everybody and in the reverse order; each is read when it is asked for."""
        rows = self._connection.execute(
            f"{_LINES} WHERE money.ts_us >= ? AND money.ts_us < ?"
            " ORDER BY money.ts_us DESC, node.name DESC, money.seq DESC, line DESC",
            (since_us, until_us),
        )
        return map(_line, rows)

    def uncovered(self) -> Iterator[MoneyLine]:
        """Every line of tills that no reconciliation covers, by writer and number."""
        rows = self._connection.execute(
            f"{_LINES} WHERE covered_us IS NULL AND node.id IN"  # noqa: S608 - a constant
            " (SELECT node_id FROM repo WHERE role = 'till')"
            " ORDER BY node.name, money.seq, line"
        )
        return map(_line, rows)

    def tips(self) -> list[WriterTip]:
        """How far each repo of tills and desks was read, by writer and repo."""
        rows = self._connection.execute(
            "SELECT node.name, repo.role, repo.name, cursor.tip, at_us, checked_at,"
            " outcome, behind FROM repo"
            " JOIN node ON node.id = repo.node_id JOIN cursor ON cursor.repo = repo.name"
            " JOIN writer_commit ON writer_commit.node_id = node.id"
            " AND writer_commit.commit_id = cursor.tip"
            " WHERE repo.role IN ('till', 'desk') ORDER BY node.name, repo.name"
        )
        return [
            WriterTip(
                *(node, role, repo, tip, at_us, read_at),
                is_current=outcome in READ_TO_ITS_HEAD and behind == 0,
            )
            for node, role, repo, tip, at_us, read_at, outcome, behind in rows
        ]

    def in_states(
        self, node_id: int, states: Iterable[str], but: Iterable[Range]
    ) -> SomeLines | None:
        """The lines of a node that are in some states but not among some seqs; None for none.

        Of states in which a line counts, repeats another one or never was money there are none.
        """
        which = f"{TOLD_MONEY} AND state IN (SELECT value FROM json_each(?))"  # noqa: S608 - a constant
        return self._some(which, node_id, but, json.dumps(sorted(states)))

    def taken_back(self, node_id: int, but: Iterable[Range]) -> SomeLines | None:
        """The refunds and disputes of a node that count and that nothing has given back since."""
        return self._some(_TAKEN_BACK, node_id, but)

    def _some(
        self, which: str, node_id: int, but: Iterable[Range], *values: str
    ) -> SomeLines | None:
        first, last, number = self._connection.execute(
            f"SELECT min(seq), max(seq), count(*) FROM money WHERE node_id = ? AND {which}"  # noqa: S608 - constants
            " AND NOT EXISTS (SELECT 1 FROM json_each(?)"
            " WHERE seq BETWEEN value ->> 0 AND value ->> 1)",
            (node_id, *values, json.dumps(list(but))),
        ).fetchone()
        return SomeLines(Range(first, last), number) if number else None


def _line(row: sqlite3.Row) -> MoneyLine:
    node, line, state, covered_us, commit, at_us, path, line_no, repo = row
    return MoneyLine(
        *(node, decode_row(line), state, covered_us),
        *(commit, at_us, path, line_no, repo),
    )
