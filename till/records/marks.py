"""What is to be asked about again, what went wrong, and how far a till has come."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from front.memory_file import MemoryFile
from wire_format.instants import from_us, to_us

TRIES_MAX: Final = 10
FAILING_MAX: Final = timedelta(hours=1)
"""What fails more often or for longer is an incident; until then the provider sends it again."""


class Failing(NamedTuple):
    """An object that could not be asked about or recorded, until it can.

    Attributes:
        provider: the account.
        object: the provider's name of it.
        first_at: when it failed first.
        last_at: when it failed last.
        times: how often.
        error: why, the last time.
    """

    provider: str
    object: str
    first_at: datetime
    last_at: datetime
    times: int
    error: str

    @property
    def is_incident(self) -> bool:
        """Whether the provider is not asked to send it again any more."""
        return self.times >= TRIES_MAX or self.last_at - self.first_at >= FAILING_MAX


class TillFault(NamedTuple):
    """Something about a movement that a person has to look at.

    Attributes:
        provider: the account.
        ref: the movement or the payment.
        what: what is wrong with it.
        seen_at: when that was first seen.
    """

    provider: str
    ref: str
    what: str
    seen_at: datetime


class AccountTimes(NamedTuple):
    """How far an account has come.

    Attributes:
        event_at: when an event came last; None if none ever did.
        swept_at: when the last complete sweep began; None before the first one.
    """

    event_at: datetime | None
    swept_at: datetime | None


class Marks:
    """The notes of a till about its work.

    Args:
        file: where they are.
    """

    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def watch(self, provider: str, name: str, now: datetime) -> None:
        """Ask about an object again in each sweep."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO watched VALUES (?, ?, ?)", (provider, name, to_us(now))
            )

    def unwatch(self, provider: str, name: str) -> None:
        """Ask about it no more."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM watched WHERE provider = ? AND object = ?", (provider, name)
            )

    def watched(self, provider: str) -> list[str]:
        """What is asked about again, and what failed, each once."""
        query = (
            "SELECT object FROM watched WHERE provider = ?1"
            " UNION SELECT object FROM failing WHERE provider = ?1 ORDER BY 1"
        )
        with self._file.reading() as connection:
            return [name for (name,) in connection.execute(query, (provider,))]

    def failed(self, provider: str, name: str, error: str, now: datetime) -> Failing:
        """Note that an object could not be asked about or recorded."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO failing VALUES (?1, ?2, ?3, ?3, 1, ?4)"
                " ON CONFLICT (provider, object) DO UPDATE"
                " SET last_us = max(last_us, ?3), times = times + 1, error = ?4",
                (provider, name, to_us(now), error),
            )
            row = connection.execute(
                "SELECT * FROM failing WHERE provider = ? AND object = ?", (provider, name)
            ).fetchone()
        return _failing(row)

    def succeeded(self, provider: str, name: str) -> None:
        """Forget the failures of an object."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM failing WHERE provider = ? AND object = ?", (provider, name)
            )

    def failing(self) -> list[Failing]:
        """What fails, the oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT * FROM failing ORDER BY first_us, provider, object")
            return [_failing(row) for row in rows]

    def settle(
        self, provider: str, refs: Iterable[str], faults: Iterable[tuple[str, str]], now: datetime
    ) -> None:
        """Note what is wrong with some movements now, and forget what is not so any more.

        Args:
            provider: the account.
            refs: the movements that were looked at.
            faults: the movement, and what is wrong with it.
            now: the time.
        """
        wrong = dict.fromkeys(faults)
        with self._file.writing() as connection:
            for ref in refs:
                said = connection.execute(
                    "SELECT what FROM faults WHERE provider = ? AND ref = ?", (provider, ref)
                ).fetchall()
                connection.executemany(
                    "DELETE FROM faults WHERE provider = ? AND ref = ? AND what = ?",
                    [(provider, ref, what) for (what,) in said if (ref, what) not in wrong],
                )
            connection.executemany(
                "INSERT OR IGNORE INTO faults VALUES (?, ?, ?, ?, 0)",
                [(provider, *fault, to_us(now)) for fault in wrong],
            )

    def acknowledge(self, provider: str, ref: str) -> bool:
        """Note that a person has looked at a movement; whether something was wrong with it."""
        with self._file.writing() as connection:
            found = connection.execute(
                "UPDATE faults SET is_acknowledged = 1 WHERE provider = ? AND ref = ?",
                (provider, ref),
            )
            return found.rowcount > 0

    def faults(self) -> list[TillFault]:
        """What a person has to look at and has not yet, the oldest first."""
        query = (
            "SELECT provider, ref, what, seen_us FROM faults WHERE is_acknowledged = 0"
            " ORDER BY seen_us, provider, ref, what"
        )
        with self._file.reading() as connection:
            return [
                TillFault(provider, ref, what, from_us(seen_us))
                for provider, ref, what, seen_us in connection.execute(query)
            ]

    def claim_tag(self, provider: str, nonce: str, payment: str) -> bool:
        """Note that a signed promise is on a payment; whether it is on no other one."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", (provider, nonce, payment)
            )
            (known,) = connection.execute(
                "SELECT payment FROM tags WHERE provider = ? AND nonce = ?", (provider, nonce)
            ).fetchone()
        return bool(known == payment)

    def note_event(self, provider: str, now: datetime) -> None:
        """Note that an event of an account came."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO accounts (provider, event_us) VALUES (?1, ?2)"
                " ON CONFLICT (provider) DO UPDATE SET event_us = ?2",
                (provider, to_us(now)),
            )

    def note_sweep(self, provider: str, began_at: datetime) -> None:
        """Note that a sweep that began then has read to the end."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO accounts (provider, swept_us) VALUES (?1, ?2)"
                " ON CONFLICT (provider) DO UPDATE SET swept_us = ?2",
                (provider, to_us(began_at)),
            )

    def times(self, provider: str) -> AccountTimes:
        """How far an account has come."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT event_us, swept_us FROM accounts WHERE provider = ?", (provider,)
            ).fetchone()
        event_us, swept_us = row or (None, None)
        return AccountTimes(
            None if event_us is None else from_us(event_us),
            None if swept_us is None else from_us(swept_us),
        )


def _failing(row: tuple[str, str, int, int, int, str]) -> Failing:
    provider, name, first_us, last_us, times, error = row
    return Failing(provider, name, from_us(first_us), from_us(last_us), times, error)
