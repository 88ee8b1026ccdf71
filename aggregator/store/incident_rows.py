"""Incidents as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_ts

About = tuple[int | None, str]
"""What an incident is about: a repo's row (None is the forge as a whole), and its subject there."""


class IncidentRow(NamedTuple):
    """An incident that is not over: its row, what it is and what it is about.

    Attributes:
        repo: the repo's name; empty where it is about the forge as a whole.
    """

    id: int
    repo: str
    kind: str
    subject: str


class IncidentRows:
    """Incidents as rows. Every method works inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all_open(self) -> list[IncidentRow]:
        """Those that are not over."""
        rows = self._connection.execute(
            "SELECT incident.id, coalesce(repo.name, ''), kind, subject FROM incident"
            " LEFT JOIN repo ON repo.id = repo_id WHERE closed_at IS NULL"
        )
        return [IncidentRow(*row) for row in rows]

    def subjects_by_repo(self, kind: str) -> frozenset[tuple[str, str]]:
        """The open incidents of a kind that are about repos: the repo's name and the subject."""
        rows = self._connection.execute(
            "SELECT repo.name, subject FROM incident JOIN repo ON repo.id = repo_id"
            " WHERE closed_at IS NULL AND kind = ?",
            (kind,),
        )
        return frozenset((str(name), str(subject)) for name, subject in rows)

    def close(self, incident_id: int, at: datetime) -> None:
        """Close one incident."""
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE id = ?", (format_ts(at), incident_id)
        )

    def open(
        self,
        repo_id: int | None,
        kind: str,
        subject: str,
        detail: str,
        at: datetime,
    ) -> None:
        """Open an incident, or note that an open one was seen again.

        A `repo_id` of None is the forge as a whole.
        """
        self._connection.execute(
            "INSERT INTO incident (kind, repo_id, subject, detail, opened_at, seen_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT"
            " (kind, coalesce(repo_id, 0), subject) WHERE closed_at IS NULL"
            " DO UPDATE SET seen_at = ?5, detail = excluded.detail",
            (kind, repo_id, subject, detail, format_ts(at)),
        )

    def file_all(
        self,
        kind: str,
        found: Mapping[About, str],
        at: datetime,
    ) -> None:
        """Let the open incidents of one kind be these: open what is new, close what is gone.

        Args:
            kind: of all of them.
            found: what each is about, to a sentence about it.
            at: the time.
        """
        rows = self._connection.execute(
            "SELECT id, repo_id, subject FROM incident WHERE kind = ? AND closed_at IS NULL",
            (kind,),
        )
        for incident_id, repo_id, subject in rows.fetchall():
            if (repo_id, subject) not in found:
                self.close(incident_id, at)
        for (repo_id, subject), detail in found.items():
            self.open(repo_id, kind, subject, detail, at)

    def close_everywhere(self, kind: str, at: datetime) -> None:
        """Close the open incidents of one kind for every repo."""
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE kind = ? AND closed_at IS NULL",
            (format_ts(at), kind),
        )

    def close_but(self, kinds: Iterable[str], repos: Iterable[str], at: datetime) -> None:
        """Close the open incidents of some kinds that are about repos other than these."""
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE closed_at IS NULL"
            " AND kind IN (SELECT value FROM json_each(?)) AND repo_id NOT IN"
            " (SELECT id FROM repo WHERE name IN (SELECT value FROM json_each(?)))",
            (format_ts(at), json.dumps(sorted(kinds)), json.dumps(sorted(repos))),
        )

    def close_of_repo(
        self,
        repo_id: int,
        kinds: Iterable[str],
        at: datetime,
        *,
        but: tuple[str | None, str] = (None, ""),
    ) -> None:
        """Close a repo's open incidents of some kinds, but the one of this kind and subject."""
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE repo_id = ? AND closed_at IS NULL"
            " AND kind IN (SELECT value FROM json_each(?)) AND NOT (kind IS ? AND subject = ?)",
            (format_ts(at), repo_id, json.dumps(sorted(kinds)), *but),
        )
