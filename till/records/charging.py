"""What charging has come to: the last post, what stopped it, and which epochs were settled."""

from datetime import datetime
from typing import NamedTuple

from front.memory_file import MemoryFile
from wire_format.instants import from_us, to_us


class ChargingStop(NamedTuple):
    """Why nothing is charged until a person starts it again.

    Attributes:
        why: in words.
        at: since when.
    """

    why: str
    at: datetime


class ChargingState:
    """The notes of a till that charges about its work.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def note_post(self, now: datetime) -> None:
        """Note that an aggregator said which accounts are due."""
        with self._file.writing() as connection:
            connection.execute("UPDATE charging SET posted_us = ?", (to_us(now),))

    def posted_at(self) -> datetime | None:
        """When that was last; None if it never was."""
        with self._file.reading() as connection:
            (found,) = connection.execute("SELECT posted_us FROM charging").fetchone()
        return None if found is None else from_us(found)

    def stop(self, why: str, now: datetime) -> None:
        """Let nothing be charged until a person starts it again."""
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE charging SET stopped = ?, stopped_us = ? WHERE stopped IS NULL",
                (why, to_us(now)),
            )

    def stopped(self) -> ChargingStop | None:
        """Why nothing is charged; None while it is."""
        with self._file.reading() as connection:
            why, at_us = connection.execute("SELECT stopped, stopped_us FROM charging").fetchone()
        return None if why is None else ChargingStop(why, from_us(at_us))

    def start_again(self, who: str, why: str, now: datetime) -> ChargingStop | None:
        """Let cards be charged again; what had stopped it, None if nothing had."""
        with self._file.writing() as connection:
            before = self.stopped()
            if before is not None:
                connection.execute(
                    "INSERT INTO charging_started VALUES (?, ?, ?, ?)",
                    (to_us(now), who, why, before.why),
                )
                connection.execute("UPDATE charging SET stopped = NULL, stopped_us = NULL")
        return before

    def note_settled(self, provider: str, epoch: int, now: datetime) -> None:
        """Note that everything of an account was settled in an epoch of this home."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO settled_epochs VALUES (?, ?, ?)",
                (provider, epoch, to_us(now)),
            )

    def settled_at(self, provider: str, epoch: int) -> datetime | None:
        """When everything of an account was settled in an epoch; None if it was not yet."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT settled_us FROM settled_epochs WHERE provider = ? AND epoch = ?",
                (provider, epoch),
            ).fetchone()
        return None if found is None else from_us(found[0])
