"""Cursors as rows. Every method that writes works inside the caller's transaction.

The cursor of a repo is the hash of its last commit whose records are in the same database. It moves
in the transaction that writes those records, so wherever a process dies, either both are there or
neither is.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError

SCHEMA: Final = """\
CREATE TABLE cursor (
    repo TEXT PRIMARY KEY,           -- name of the repo in the configuration
    tip TEXT NOT NULL                -- the last commit whose records are in this database
        CHECK (length(tip) = 40)
) STRICT, WITHOUT ROWID;
CREATE TABLE kept_tip (              -- former cursors, each replaced by an accepted rewrite
    repo TEXT NOT NULL,
    tip TEXT NOT NULL CHECK (length(tip) = 40),
    PRIMARY KEY (repo, tip)          -- their records stay in this database
) STRICT, WITHOUT ROWID;
"""


class CursorMovedError(GitmeterError):
    """Another writer moved the cursor since it was read; nothing was written."""

    retry = True


class CursorRows:
    """Cursors and kept tips. Every method that writes works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_repo(self, repo: str) -> str | None:
        """The commit up to which a repo was read, or None before the first."""
        row = self._connection.execute("SELECT tip FROM cursor WHERE repo = ?", (repo,)).fetchone()
        return None if row is None else str(row[0])

    def all(self) -> dict[str, str]:
        """The cursor of every repo that has one, by the repo's name."""
        return dict(self._connection.execute("SELECT repo, tip FROM cursor ORDER BY repo"))

    def move(self, repo: str, expected: str | None, tip: str) -> None:
        """Move a cursor from `expected` to `tip`.

        Raises:
            CursorMovedError: the cursor is not at `expected`.
            RuntimeError: no transaction is open.
        """
        if not self._connection.in_transaction:
            raise RuntimeError("a cursor moves only in the transaction that writes its records")
        if self.of_repo(repo) != expected:
            raise CursorMovedError(
                f"{repo}: the cursor is no longer at {expected or 'the beginning'}",
                hint="another aggregator works on this state; run only one",
            )
        self._connection.execute(
            "INSERT INTO cursor (repo, tip) VALUES (?, ?)"
            " ON CONFLICT (repo) DO UPDATE SET tip = excluded.tip",
            (repo, tip),
        )

    def keep(self, repo: str, tips: Iterable[str]) -> None:
        """Add kept tips: their records stay although the cursor does not build on them."""
        self._connection.executemany(
            "INSERT INTO kept_tip VALUES (?, ?) ON CONFLICT DO NOTHING",
            ((repo, tip) for tip in tips),
        )

    def kept_of(self, repo: str) -> frozenset[str]:
        """The kept tips of one repo."""
        rows = self._connection.execute("SELECT tip FROM kept_tip WHERE repo = ?", (repo,))
        return frozenset(str(tip) for (tip,) in rows)

    def kept(self) -> dict[str, frozenset[str]]:
        """The kept tips of every repo that has any, by the repo's name."""
        found: dict[str, set[str]] = {}
        for repo, tip in self._connection.execute("SELECT repo, tip FROM kept_tip"):
            found.setdefault(str(repo), set()).add(str(tip))
        return {repo: frozenset(tips) for repo, tips in found.items()}

    def tips(self) -> dict[str, Tips]:
        """The accepted tips of every repo that has a cursor, by the repo's name."""
        kept = self.kept()
        return {name: Tips(tip, kept.get(name, frozenset())) for name, tip in self.all().items()}
