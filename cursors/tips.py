"""The accepted tips of each repo: what a ledger is made from."""

import sqlite3
from typing import NamedTuple

from cursors.rows import read_cursors, read_kept_tips


class Tips(NamedTuple):
    """What was billed of one repo: everything that these commits reach.

    Attributes:
        cursor: the last commit that was applied.
        kept: tips of histories that the cursor does not build on.
    """

    cursor: str
    kept: frozenset[str] = frozenset()


def read_tips(connection: sqlite3.Connection) -> dict[str, Tips]:
    """What a database has as billed, by the repo's name."""
    kept = read_kept_tips(connection)
    cursors = read_cursors(connection)
    return {name: Tips(tip, kept.get(name, frozenset())) for name, tip in cursors.items()}
