"""A plainly new line of a till is stored and judged without reading all lines of money."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aggregator.ledger.ledger import Ledger
from aggregator.store.money import money_rows
from aggregator.store.store import LedgerStore
from tests.gitmeter.money.desk_telling import THANKS, desk_story, give, settle
from tests.support.ledger.told_case import committing
from tests.support.ledger.world import World
from tests.support.money_story import Story

_TZS = {"provider": "clickpesa-tz", "currency": "TZS", "credited_usd": "1"}
_NO_PLAN = {"BEGIN", "COMMIT", "ROLLBACK", "PRAGMA"}
_ALL_ROWS = re.compile(
    r"SCAN (money|own|other|back|money_copy|writer_commit)\b(?!.* INDEX money_told\b)"
    r"|SEARCH .* INDEX money_by_key \(node_id=\?\)"
)
"""A step that reads every line of money or of a writer, under the names that queries give them; but
the index `money_told` has only what a person may have to look at."""
_HIGHEST = "SELECT max(seq) FROM money WHERE node_id = ?"
"""Reads the end of its index alone, which its plan does not say."""


class RecordingConnection(sqlite3.Connection):
    """A connection that keeps the statements that it takes, each with values that it had.

    Attributes:
        taken: them.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - as sqlite3 has them
        super().__init__(*arguments, **more)
        self.taken: dict[str, Any] = {}

    def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
        """As ever."""
        self.taken.setdefault(sql, values)
        return super().execute(sql, values)

    def executemany(self, sql: str, rows: Any, /) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
        """As ever."""
        listed = list(rows)
        if listed:
            self.taken.setdefault(sql, listed[0])
        return super().executemany(sql, listed)

    def plans(self) -> dict[str, list[str]]:
        """The steps of each statement so far."""
        explain = super().execute
        return {
            sql: [row[3] for row in explain(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in self.taken.items()
            if sql.split()[0] not in _NO_PLAN
        }


def a_payment(story: Story) -> None:
    """Of somebody with lines, in dollars."""
    story.pay("till-1", "pi_9", "1", 9)


def a_payment_in_shillings(story: Story) -> None:
    """Its credit is what refunds of it count at."""
    story.pay("till-1", "CP9", "2600", 9, **_TZS)


def a_refund(story: Story) -> None:
    """Of an earlier payment, in shillings."""
    story.about("refund", "till-1", "CR1", "CP1", "26", 9, provider="clickpesa-tz", currency="TZS")


def plans_of_pull(world: World, adds: Callable[[Story], None]) -> dict[str, list[str]]:
    """The plans of what a pull does that adds one line of a till to a ledger.

    Of its user a desk has a grant, which asks what was paid.
    """
    story = desk_story()
    give(story, "desk-1", "alice", 2, THANKS)
    settle(story, "desk-1", "setting", 2, cap_usd="5.00")
    for number in range(3):
        story.pay("till-1", f"pi_{number}", "1", 2)
        story.pay("till-2", f"pi_{number}", "1", 2)
        story.pay("till-1", f"CP{number}", "2600", 2, **_TZS)
    before = len(story.commits)
    adds(story)
    commits: Iterator[str] = committing(world, story.case())
    for _ in range(before):
        next(commits)
    world.pull()
    next(commits)
    with closing(
        sqlite3.connect(
            world.config.database_path, isolation_level=None, factory=RecordingConnection
        )
    ) as connection:
        connection.row_factory = sqlite3.Row
        ledger = Ledger(LedgerStore(connection), world.config)
        connection.taken.clear()
        assert world.pull_into(ledger)["till-1"].admitted == 1
        return connection.plans()


def reading_all(plans: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The statements with a step that reads every line, each with that step."""
    return [
        (sql, step)
        for sql, steps in plans.items()
        for step in steps
        if sql != _HIGHEST and _ALL_ROWS.search(step)
    ]


@pytest.mark.parametrize(
    "adds", [a_payment, a_payment_in_shillings, a_refund], ids=lambda adds: adds.__name__
)
def test_no_statement_reads_all_lines(adds: Callable[[Story], None], tmp_path: Path) -> None:
    plans = plans_of_pull(World(tmp_path), adds)
    assert any("FROM money" in sql for sql in plans)
    assert any("by_books = 0 AND movement LIKE '% grant'" in sql for sql in plans)
    assert reading_all(plans) == []


def test_were_an_index_not_used_it_would_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign before a column keeps SQLite from its index."""
    monkeypatch.setattr(money_rows, "_OF_MOVEMENT", f"+{money_rows._OF_MOVEMENT}")
    found = reading_all(plans_of_pull(World(tmp_path), a_payment))
    assert found
    assert all(step.startswith("SCAN money") for _, step in found)
