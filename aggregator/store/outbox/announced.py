"""What was announced to the receiver, as rows: accounts, incidents, attempts and the threshold."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from aggregator.store.questions.notices import AnnouncedIncident
from wire_format.instants import format_ts

_BEGAN_AT: Final = "began_at"
_THRESHOLD: Final = "balance_below_nano"
_ATTEMPTS_BEGAN_AT: Final = "attempts_began_at"


class ToldAttempt(NamedTuple):
    """What was announced of an automatic attempt.

    Attributes:
        attempt: its name.
        level: how far it had come.
        began_s: when it began, seconds since 1970.
    """

    attempt: str
    level: str
    began_s: int


class AnnouncedRows:
    """What was announced to the receiver: accounts, incidents, attempts and the threshold.

    Every method that writes works inside the caller's transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def has_begun(self) -> bool:
        """Whether a comparison was ever made."""
        return self._read_meta(_BEGAN_AT) is not None

    def note_begun(self, now: datetime) -> None:
        """Record the time of the first comparison."""
        self._upsert_meta(_BEGAN_AT, format_ts(now))

    def threshold_nano(self) -> int | None:
        """The threshold of the last comparison, in nano-dollars; None before the first."""
        value = self._read_meta(_THRESHOLD)
        return None if value is None else int(value)

    def save_threshold_nano(self, threshold_nano: int) -> None:
        """Write the threshold that balances are compared with."""
        self._upsert_meta(_THRESHOLD, str(threshold_nano))

    def _read_meta(self, key: str) -> str | None:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _upsert_meta(self, key: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def accounts(self) -> dict[str, str]:
        """The level that was announced for each account, by user."""
        return {
            str(row[0]): str(row[1])
            for row in self._connection.execute("SELECT * FROM told_account")
        }

    def save_accounts(self, changes: Mapping[str, str | None]) -> None:
        """Write the levels that changed, by user; None removes an account."""
        self._connection.executemany(
            "DELETE FROM told_account WHERE user = ?",
            [(user,) for user, level in changes.items() if level is None],
        )
        self._connection.executemany(
            "INSERT INTO told_account VALUES (?, ?)"
            " ON CONFLICT (user) DO UPDATE SET level = excluded.level",
            [(user, level) for user, level in changes.items() if level is not None],
        )

    def incidents(self) -> dict[AnnouncedIncident, int | None]:
        """The incidents that were announced, and for each since when the ledger does not have it.

        The time is in seconds since 1970; None where the ledger has the incident.
        """
        rows = self._connection.execute(
            "SELECT kind, repo, subject, unknown_since_s FROM told_incident"
        )
        return {
            AnnouncedIncident(kind, repo, subject): since_s for kind, repo, subject, since_s in rows
        }

    def save_incidents(
        self,
        saved: Mapping[AnnouncedIncident, int | None],
        forgotten: Iterable[AnnouncedIncident],
    ) -> None:
        """Write announced incidents, with since when the ledger lacks each, and remove others."""
        self._connection.executemany(
            "DELETE FROM told_incident WHERE kind = ? AND repo = ? AND subject = ?", list(forgotten)
        )
        self._connection.executemany(
            "INSERT INTO told_incident VALUES (?, ?, ?, ?) ON CONFLICT (kind, repo, subject)"
            " DO UPDATE SET unknown_since_s = excluded.unknown_since_s",
            [(*incident, since_s) for incident, since_s in saved.items()],
        )

    def have_attempts_begun(self) -> bool:
        """Whether attempts were ever compared."""
        return self._read_meta(_ATTEMPTS_BEGAN_AT) is not None

    def note_attempts_begun(self, now: datetime) -> None:
        """Record the time of the first comparison of attempts."""
        self._upsert_meta(_ATTEMPTS_BEGAN_AT, format_ts(now))

    def attempts(self) -> dict[str, str]:
        """The level that was announced of each automatic attempt, by its name."""
        return dict(self._connection.execute("SELECT attempt, level FROM told_attempt"))

    def save_attempts(self, told: Iterable[ToldAttempt], forgotten_s: int) -> None:
        """Write what is announced of attempts, and forget those that began before a time."""
        self._connection.execute("DELETE FROM told_attempt WHERE began_s < ?", (forgotten_s,))
        self._connection.executemany(
            "INSERT INTO told_attempt VALUES (?, ?, ?)"
            " ON CONFLICT (attempt) DO UPDATE SET level = excluded.level",
            told,
        )
