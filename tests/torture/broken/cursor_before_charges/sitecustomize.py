# ruff: noqa: INP001 - Python looks for a module of this very name
"""The aggregator moves the cursor in its own transaction before the charges, on a slow disk."""

import sqlite3
import time

from cursors import rows

_move_cursor = rows.move_cursor
_SLOW_S = 0.3


def _move_and_commit(
    connection: sqlite3.Connection, repo: str, expected: str | None, tip: str
) -> None:
    _move_cursor(connection, repo, expected, tip)
    connection.execute("COMMIT")
    time.sleep(_SLOW_S)
    connection.execute("BEGIN IMMEDIATE")


rows.move_cursor = _move_and_commit
