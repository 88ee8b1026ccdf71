"""A ledger with nothing in it but what is watched, and a notifier that looks at it.

The ledger's rows are written straight, so that a property can go through hundreds of states; tests
of whole pulls use `tests.support.ledger.world`.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.sections import NotifyConfig
from aggregator.notices.notifier import Notifier
from aggregator.store.outbox.outbox import NOTICES_NAME, Outbox
from aggregator.store.outbox.queue import NoticeRow
from aggregator.store.store import LedgerStore, open_for_writing
from tests.support.files import write_secret
from tests.support.ledger.world import MortalConnection
from wire_format.money import NANO

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9/events"
SECRET = "a-secret-of-some-length"  # noqa: S105 - of a test
TOKEN = "n0t1fy"  # noqa: S105 - of a test

Incident = tuple[str, str, str]
"""Kind, repo and subject."""


class Desk:
    """A state directory with a ledger of a few rows.

    Attributes:
        now: what the clock says.
        folder: the state directory.
        url: of the receiver.
        threshold: as it is configured.
    """

    def __init__(self, folder: Path, url: str = NOWHERE, *, threshold: str = "5.00") -> None:
        self.now = NOW
        self.folder = folder
        self.url = url
        self.threshold = threshold
        self.files: dict[str, Path] = {}
        self._path = folder / "ledger.db"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def config(self) -> NotifyConfig:
        """The configuration as it is now."""
        return NotifyConfig(url=self.url, balance_below_usd=self.threshold, **self.files)

    def protect(self) -> None:
        """Configure a secret and a token."""
        for name, text in (("secret_file", SECRET), ("token_file", TOKEN)):
            path = write_secret(self.folder / name, f"{text}\n")
            self.files[name] = path

    def notifier(self) -> Notifier:
        """One of a process that was just started."""
        return Notifier(self.config, self.folder, lambda: self.now)

    def compare(self, notifier: Notifier | None = None) -> int:
        """Compare as after a pull."""
        with self.ledger() as ledger:
            return (notifier or self.notifier()).compare(ledger)

    def begin(self) -> None:
        """Let telling have begun with nothing to tell, and nothing of that in the outbox."""
        self.compare()
        with closing(Outbox(self.path)) as outbox:
            outbox._connection.execute("DELETE FROM notice")

    @property
    def path(self) -> Path:
        """The file of notices."""
        return self.folder / NOTICES_NAME

    def rows(self, *, undelivered: bool = False) -> list[NoticeRow]:
        """The outbox."""
        with closing(Outbox(self.path)) as outbox:
            return outbox.queue.rows(undelivered=undelivered)

    def told(self) -> list[dict[str, Any]]:
        """Every event that is in the outbox, delivered or not."""
        return [json.loads(row.body) for row in self.rows()]

    def later(self, **time: int) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    @contextmanager
    def ledger(self) -> Iterator[LedgerStore]:
        """The ledger."""
        with closing(open_for_writing(self._path)) as store:
            yield store

    def lose_ledger(self) -> None:
        """As before a rebuild."""
        for path in self.folder.glob("ledger.db*"):
            path.unlink()

    def balance(self, user: str, balance_nano: int, *, billed_nano: int = 0) -> None:
        """Let a user who has paid have this much left."""
        with self.ledger() as store, store.transaction():
            store._connection.execute(
                "INSERT INTO account (user, credit_nano, billed_cost_nano, first_active_hour,"
                " first_paid_us) VALUES (?1, ?2, ?3, 1, 1)"
                " ON CONFLICT (user) DO UPDATE SET credit_nano = ?2,"
                " billed_cost_nano = ?3",
                (user, balance_nano + billed_nano, billed_nano),
            )

    def usd(self, user: str, amount_usd: int) -> None:
        """Let a user have so many dollars left."""
        self.balance(user, amount_usd * NANO)

    def look_at(self, repo: str, *, checked: bool = True, role: str = "usage") -> int:
        """The row of a repo, made when it is not there; looked at, or only read in a rebuild."""
        with self.ledger() as store, store.transaction():
            store._connection.execute("INSERT OR IGNORE INTO node (name) VALUES (?)", (repo,))
            store._connection.execute(
                "INSERT OR IGNORE INTO repo (name, node_id, role, allow)"
                " SELECT name, id, ?, '' FROM node WHERE name = ?",
                (role, repo),
            )
            if checked:
                store._connection.execute("UPDATE repo SET checked_at = '' WHERE name = ?", (repo,))
            row = store._connection.execute(
                "SELECT id FROM repo WHERE name = ?", (repo,)
            ).fetchone()
            return int(row[0])

    def open(self, kind: str, repo: str, subject: str = "") -> None:
        """Open an incident."""
        repo_id = self.look_at(repo) if repo else None
        with self.ledger() as store, store.transaction():
            store._connection.execute(
                "INSERT OR IGNORE INTO incident (kind, repo_id, subject, opened_at, detail,"
                " seen_at) VALUES (?, ?, ?, '2026-01-01T00:00:00Z', 'why', '')",
                (kind, repo_id, subject),
            )

    def end(self, kind: str, repo: str, subject: str = "") -> None:
        """Close an incident."""
        with self.ledger() as store, store.transaction():
            store._connection.execute(
                "UPDATE incident SET closed_at = '' WHERE kind = ? AND subject = ? AND"
                " closed_at IS NULL AND repo_id IS (SELECT id FROM repo WHERE name = ?)",
                (kind, subject, repo),
            )


@contextmanager
def mortal_notices(statements: int | None) -> Iterator[list[MortalConnection]]:
    """Every connection to a file of notices dies before the statement after these.

    Yields:
        The connections as they are made.
    """
    made: list[MortalConnection] = []
    connect = sqlite3.connect

    def dying(path: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - as sqlite3 has them
        if not str(path).endswith(NOTICES_NAME):
            other: sqlite3.Connection = connect(path, **options)
            return other
        connection: MortalConnection = connect(path, factory=MortalConnection, **options)
        connection.statements_left = statements
        made.append(connection)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator.store.outbox.connection.sqlite3.connect", dying)
        yield made
