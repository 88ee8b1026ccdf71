# ruff: noqa: INP001 - Python looks for a module of this very name
"""The aggregator moves the cursor in its own transaction before the charges, on a slow disk."""

import time

from cursors.rows import CursorRows

_move = CursorRows.move
_SLOW_S = 0.3


def _move_and_commit(self: CursorRows, repo: str, expected: str | None, tip: str) -> None:
    _move(self, repo, expected, tip)
    self._connection.execute("COMMIT")
    time.sleep(_SLOW_S)
    self._connection.execute("BEGIN IMMEDIATE")


setattr(CursorRows, "move", _move_and_commit)  # noqa: B010 - replaced on purpose
