"""The file `notices.db`: what was told, and the outbox of what is still to be told.

Every function that writes works inside the caller's transaction. It is synced at every commit: a
notice that was sent and then lost would be told again under another id.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.notices.crossings import ToldIncident
from aggregator.notices.events import NewNotice
from aggregator.notices.retries import ReceiverState, Retry, WaitingNotice
from aggregator.store.connection import statements, write_transaction
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_ts

NOTICES_NAME: Final = "notices.db"
SCHEMA_VERSION: Final = 1
_BUSY_TIMEOUT_S: Final = 30
_PRAGMAS: Final = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
_BEGAN_AT: Final = "began_at"
_THRESHOLD: Final = "balance_below_nano"


class NoticesError(GitmeterError):
    """The file of notices cannot be used.

    Attributes:
        is_damaged: whether no aggregator can.
    """

    is_damaged = False


class NoticeRow(NamedTuple):
    """A notice as it is shown."""

    delivery: str
    event: str
    subject: str
    made_at: str
    body: bytes
    attempts: int
    tried_at: str | None
    next_at_s: int
    error: str | None
    delivered_at: str | None
    given_up_at: str | None


def open_notices(path: Path) -> sqlite3.Connection:
    """Open the file, making it when it is not there.

    Raises:
        NoticesError: it is damaged, of another version, or cannot be opened or written.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if _version(connection) == 0:
            _create(connection)
        found = _version(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise broken(path, error) from error
    if found != SCHEMA_VERSION:
        connection.close()
        raise NoticesError(
            f"{path} has schema version {found}, this aggregator needs {SCHEMA_VERSION}",
            hint="use the aggregator that wrote it; or move it away, and what is so now counts as"
            " told",
        )
    return connection


def broken(path: Path, error: sqlite3.Error) -> NoticesError:
    """What an error of SQLite means for the file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    found = NoticesError(
        f"{path} cannot be used: {error}",
        hint="look at the disk under it; the daemon sets a damaged file aside and begins anew",
    )
    found.is_damaged = code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
    return found


def _create(connection: sqlite3.Connection) -> None:
    script = files("aggregator.store").joinpath("notices.sql").read_text()
    with write_transaction(connection):
        if _version(connection) == 0:  # another process may have been faster
            for statement in statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def has_begun(connection: sqlite3.Connection) -> bool:
    """Whether anything was compared yet."""
    return _read_meta(connection, _BEGAN_AT) is not None


def note_begun(connection: sqlite3.Connection, now: datetime) -> None:
    """Write down that telling begins."""
    _upsert_meta(connection, _BEGAN_AT, format_ts(now))


def read_threshold_nano(connection: sqlite3.Connection) -> int | None:
    """The threshold that balances were compared with last; None when none was compared yet."""
    value = _read_meta(connection, _THRESHOLD)
    return None if value is None else int(value)


def save_threshold_nano(connection: sqlite3.Connection, threshold_nano: int) -> None:
    """Remember the threshold that balances are compared with."""
    _upsert_meta(connection, _THRESHOLD, str(threshold_nano))


def _read_meta(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _upsert_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def told_accounts(connection: sqlite3.Connection) -> dict[str, str]:
    """The level that was told of each account, by user."""
    return {str(row[0]): str(row[1]) for row in connection.execute("SELECT * FROM told_account")}


def save_accounts(connection: sqlite3.Connection, changes: Mapping[str, str | None]) -> None:
    """Write the levels that changed, by user; None forgets an account."""
    connection.executemany(
        "DELETE FROM told_account WHERE user = ?",
        [(user,) for user, level in changes.items() if level is None],
    )
    connection.executemany(
        "INSERT INTO told_account VALUES (?, ?)"
        " ON CONFLICT (user) DO UPDATE SET level = excluded.level",
        [(user, level) for user, level in changes.items() if level is not None],
    )


def told_incidents(connection: sqlite3.Connection) -> dict[ToldIncident, int | None]:
    """The incidents that were told, to since when the ledger knows nothing of them."""
    rows = connection.execute("SELECT kind, repo, subject, unknown_since_s FROM told_incident")
    return {ToldIncident(kind, repo, subject): since_s for kind, repo, subject, since_s in rows}


def save_incidents(
    connection: sqlite3.Connection,
    saved: Mapping[ToldIncident, int | None],
    forgotten: Iterable[ToldIncident],
) -> None:
    """Write incidents that were told, with since when they are unknown, and forget others."""
    connection.executemany(
        "DELETE FROM told_incident WHERE kind = ? AND repo = ? AND subject = ?", list(forgotten)
    )
    connection.executemany(
        "INSERT INTO told_incident VALUES (?, ?, ?, ?) ON CONFLICT (kind, repo, subject)"
        " DO UPDATE SET unknown_since_s = excluded.unknown_since_s",
        [(*told, since_s) for told, since_s in saved.items()],
    )


def add_notices(
    connection: sqlite3.Connection, notices: Iterable[NewNotice], now: datetime
) -> None:
    """Put notices into the outbox, in this order."""
    at, at_s = format_ts(now), int(now.timestamp())
    connection.executemany(
        "INSERT INTO notice (delivery, event, subject, body, made_at, made_at_s)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(*notice, at, at_s) for notice in notices],
    )


def prune(connection: sqlite3.Connection, before_s: int) -> None:
    """Remove notices from before then that nothing is to be done about any more."""
    connection.execute(
        "DELETE FROM notice WHERE made_at_s < ?"
        " AND (delivered_at IS NOT NULL OR given_up_at IS NOT NULL)",
        (before_s,),
    )


def next_due(connection: sqlite3.Connection, now_s: int) -> WaitingNotice | None:
    """The oldest notice that may be tried now and has no earlier one of its subject before it."""
    row = connection.execute(
        "SELECT id, delivery, event, body, attempts, refused_since_s FROM first_in_line"
        " WHERE next_at_s <= ? ORDER BY id LIMIT 1",
        (now_s,),
    ).fetchone()
    return None if row is None else WaitingNotice(*row)


def next_due_at_s(connection: sqlite3.Connection) -> int | None:
    """When a notice may be tried next, the receiver's own wait aside; None when none waits."""
    row = connection.execute("SELECT min(next_at_s) FROM first_in_line").fetchone()
    return None if row[0] is None else int(row[0])


def count_waiting(connection: sqlite3.Connection) -> int:
    """How many notices are to be delivered."""
    row = connection.execute(
        "SELECT count(*) FROM notice WHERE delivered_at IS NULL AND given_up_at IS NULL"
    ).fetchone()
    return int(row[0])


def note_delivered(connection: sqlite3.Connection, notice_id: int, now: datetime) -> None:
    """Write down that the receiver took a notice."""
    connection.execute(
        "UPDATE notice SET attempts = attempts + 1, tried_at = ?2, delivered_at = ?2, error = NULL"
        " WHERE id = ?1",
        (notice_id, format_ts(now)),
    )
    save_receiver(connection, ReceiverState(0, 0, None))


def note_failed(
    connection: sqlite3.Connection,
    notice_id: int,
    error: str,
    now: datetime,
    retry: Retry | None = None,
) -> None:
    """Write down that the receiver did not take a notice; with when to try it again, if alone."""
    next_at_s, since_s = (0, None) if retry is None else (retry.next_at_s, retry.refused_since_s)
    connection.execute(
        "UPDATE notice SET attempts = attempts + 1, tried_at = ?, error = ?, next_at_s = ?,"
        " refused_since_s = coalesce(?, refused_since_s) WHERE id = ?",
        (format_ts(now), error, next_at_s, since_s, notice_id),
    )


def note_given_up(connection: sqlite3.Connection, notice_id: int, now: datetime) -> None:
    """Write down that a notice is not tried any more."""
    connection.execute(
        "UPDATE notice SET given_up_at = ? WHERE id = ?", (format_ts(now), notice_id)
    )


def read_receiver(connection: sqlite3.Connection) -> ReceiverState:
    """How the receiver is."""
    row = connection.execute("SELECT errors, wait_until_s, error FROM receiver").fetchone()
    return ReceiverState(*row)


def save_receiver(connection: sqlite3.Connection, state: ReceiverState) -> None:
    """Write down how the receiver is."""
    connection.execute("UPDATE receiver SET errors = ?, wait_until_s = ?, error = ?", state)


def make_due(connection: sqlite3.Connection) -> int:
    """Let every notice that was not delivered be tried again now; returns how many."""
    changed = connection.execute(
        "UPDATE notice SET next_at_s = 0, given_up_at = NULL, refused_since_s = NULL"
        " WHERE delivered_at IS NULL"
    )
    save_receiver(connection, ReceiverState(0, 0, None))
    return changed.rowcount


def notice_rows(connection: sqlite3.Connection, *, undelivered: bool) -> list[NoticeRow]:
    """Notices, the oldest first: all, or those that were not delivered."""
    rows = connection.execute(
        "SELECT delivery, event, subject, made_at, body, attempts, tried_at, next_at_s, error,"
        " delivered_at, given_up_at FROM notice WHERE delivered_at IS NULL OR NOT ? ORDER BY id",
        (undelivered,),
    )
    return [NoticeRow(*row) for row in rows]
