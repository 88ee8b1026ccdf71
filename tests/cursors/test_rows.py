"""A cursor moves by compare and swap, and only in the transaction of its records."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cursors.rows import SCHEMA, CursorMovedError, CursorRows
from gitmeter.support.errors import ExitCode

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as opened:
        opened.executescript(SCHEMA)
        yield opened


def test_there_is_no_cursor_before_the_first_move(connection: sqlite3.Connection) -> None:
    assert CursorRows(connection).of_repo("node-1") is None
    assert CursorRows(connection).all() == {}


def test_a_cursor_moves_from_where_it_is(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    CursorRows(connection).move("node-1", None, A)
    CursorRows(connection).move("node-1", A, B)
    CursorRows(connection).move("books", None, C)
    connection.execute("COMMIT")
    assert CursorRows(connection).all() == {"books": C, "node-1": B}


@pytest.mark.parametrize("expected", [None, B])
def test_a_cursor_that_another_moved_stays(
    connection: sqlite3.Connection, expected: str | None
) -> None:
    """The error says that trying again may help, and the transaction changes nothing."""
    connection.execute("BEGIN IMMEDIATE")
    CursorRows(connection).move("node-1", None, A)
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(CursorMovedError, match="node-1") as raised:
        CursorRows(connection).move("node-1", expected, C)
    connection.execute("ROLLBACK")
    assert raised.value.exit_code is ExitCode.TRY_LATER
    assert raised.value.hint
    assert CursorRows(connection).of_repo("node-1") == A


def test_a_cursor_that_is_not_there_is_not_moved_on(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(CursorMovedError):
        CursorRows(connection).move("node-1", A, B)


def test_without_a_transaction_nothing_moves(connection: sqlite3.Connection) -> None:
    """Otherwise it would be durable before the records are."""
    with pytest.raises(RuntimeError, match="transaction"):
        CursorRows(connection).move("node-1", None, A)
    assert CursorRows(connection).all() == {}


def test_a_transaction_undone_takes_the_cursor_back(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    CursorRows(connection).move("node-1", None, A)
    connection.execute("ROLLBACK")
    assert CursorRows(connection).of_repo("node-1") is None


def test_only_a_whole_hash_is_a_cursor(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.IntegrityError):
        CursorRows(connection).move("node-1", None, "abc")


def test_kept_tips_add_up_and_are_each_repos_own(connection: sqlite3.Connection) -> None:
    """Noting one again changes nothing: a repo may be rewritten back and forth."""
    assert CursorRows(connection).kept() == {}
    CursorRows(connection).keep("node-1", [A])
    CursorRows(connection).keep("node-1", [A, B])
    CursorRows(connection).keep("node-2", [C])
    CursorRows(connection).keep("node-3", [])
    assert CursorRows(connection).kept() == {"node-1": {A, B}, "node-2": {C}}


def test_only_a_whole_hash_is_kept(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        CursorRows(connection).keep("node-1", ["abc"])
