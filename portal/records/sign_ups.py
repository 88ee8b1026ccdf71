"""Accounts that people opened for themselves here, and whether they had the credit for it.

Derived from the lines of the desk, as all of `portal.db`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from front.memory_file import MemoryFile
from gitmeter.support.bulk import insert_rows
from wire_format.instants import to_us
from wire_format.lines import Account, Line, Money

SIGN_UP: Final = "customer:sign-up"
"""Who acts, in lines of accounts that people opened for themselves."""


class SignUps:
    """The accounts that were opened so.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def note(self, lines: Iterable[Line]) -> None:
        """Take note of lines of the desk."""
        opened: list[tuple[object, ...]] = []
        credited: list[str] = []
        for line in lines:
            if isinstance(line, Account | Money) and line.by == SIGN_UP:
                if line.kind == "open":
                    opened.append((line.user, to_us(line.ts), 0))
                elif line.kind == "grant":
                    credited.append(line.user)
        with self._file.writing() as connection:
            insert_rows(connection, "INSERT OR IGNORE INTO signed_up", opened)
            for user in credited:
                self.had_credit(user)

    def had_credit(self, user: str) -> None:
        """Note that an account waits for no credit any more."""
        with self._file.writing() as connection:
            connection.execute("UPDATE signed_up SET is_credited = 1 WHERE user = ?", (user,))

    def number_since(self, since: datetime) -> int:
        """How many were opened since an instant."""
        with self._file.reading() as connection:
            query = "SELECT count(*) FROM signed_up WHERE opened_us > ?"
            (number,) = connection.execute(query, (to_us(since),)).fetchone()
        return int(number)

    def without_credit(self, since: datetime) -> list[str]:
        """Those opened since an instant that had no credit yet."""
        query = "SELECT user FROM signed_up WHERE is_credited = 0 AND opened_us > ?"
        with self._file.reading() as connection:
            return [user for (user,) in connection.execute(query, (to_us(since),))]
