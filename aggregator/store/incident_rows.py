"""Incidents as rows. Every method works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_ts

About = tuple[int | None, str]
"""What an incident is about: a repo's row (None for the forge as a whole), and the subject."""


class IncidentRow(NamedTuple):
    """An open incident.

    Attributes:
        id: its row.
        repo: the repo's name; empty for the forge as a whole.
        kind, subject: what it is, and what it is about.
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
        """All open incidents."""
        rows = self._connection.execute(
            "SELECT incident.id, coalesce(repo.name, ''), kind, subject FROM incident"
            " LEFT JOIN repo ON repo.id = repo_id WHERE closed_at IS NULL"
        )
        return [IncidentRow(*row) for row in rows]

    def open_of_repo(self, repo_id: int, kinds: Iterable[str]) -> list[IncidentRow]:
        """A repo's open incidents of some kinds."""
        rows = self._connection.execute(
            "SELECT incident.id, repo.name, kind, subject FROM incident"
            " JOIN repo ON repo.id = repo_id WHERE repo_id = ? AND closed_at IS NULL"
            " AND kind IN (SELECT value FROM json_each(?))",
            (repo_id, json.dumps(sorted(kinds))),
        )
        return [IncidentRow(*row) for row in rows]

    def subjects_by_repo(self, kind: str) -> frozenset[tuple[str, str]]:
        """Repo name and subject of each open incident of a kind that is about a repo."""
        rows = self._connection.execute(
            "SELECT repo.name, subject FROM incident JOIN repo ON repo.id = repo_id"
            " WHERE closed_at IS NULL AND kind = ?",
            (kind,),
        )
        return frozenset((str(name), str(subject)) for name, subject in rows)

    def open_of_kind(self, kind: str) -> list[IncidentRow]:
        """The open incidents of one kind."""
        rows = self._connection.execute(
            "SELECT incident.id, coalesce(repo.name, ''), kind, subject FROM incident"
            " LEFT JOIN repo ON repo.id = repo_id WHERE closed_at IS NULL AND kind = ?",
            (kind,),
        )
        return [IncidentRow(*row) for row in rows]

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
        """Open an incident, or record that an open one was seen again.

        Args:
            repo_id: the repo's row; None for the forge as a whole.
            kind: the kind of incident.
            subject: what it is about.
            detail: a sentence for a person; replaces that of an open one.
            at: the time (UTC).
        """
        self._connection.execute(
            "INSERT INTO incident (kind, repo_id, subject, detail, opened_at, seen_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT"
            " (kind, coalesce(repo_id, 0), subject) WHERE closed_at IS NULL"
            " DO UPDATE SET seen_at = ?5, detail = excluded.detail",
            (kind, repo_id, subject, detail, format_ts(at)),
        )

    def open_about_seqs(self, repo_id: int, kind: str) -> tuple[str, int] | None:
        """Subject of a repo's open incident of a kind, and how many seqs it is about; or None."""
        row = self._connection.execute(
            "SELECT subject, number FROM incident"
            " WHERE repo_id = ? AND kind = ? AND closed_at IS NULL",
            (repo_id, kind),
        ).fetchone()
        return None if row is None else (str(row[0]), int(row[1]))

    def widen(
        self, repo_id: int, kind: str, subject: str, detail: str, number: int, at: datetime
    ) -> None:
        """Make a repo's one open incident of a kind about more seqs; open it where there is none.

        Args:
            repo_id: the repo's row.
            kind: the kind of incident.
            subject: what it is about from now on.
            detail: a sentence for a person.
            number: how many seqs it is about.
            at: the time (UTC).
        """
        changed = self._connection.execute(
            "UPDATE incident SET subject = ?, detail = ?, number = ?, seen_at = ?"
            " WHERE repo_id = ? AND kind = ? AND closed_at IS NULL",
            (subject, detail, number, format_ts(at), repo_id, kind),
        )
        if changed.rowcount == 0:
            self._connection.execute(
                "INSERT INTO incident (kind, repo_id, subject, detail, number, opened_at, seen_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                (kind, repo_id, subject, detail, number, format_ts(at)),
            )

    def file_all(
        self,
        kind: str,
        found: Mapping[About, str],
        at: datetime,
        *,
        kept: AbstractSet[int] = frozenset(),
    ) -> None:
        """Make these the open incidents of one kind: open new ones, close all others.

        Args:
            kind: the kind of all of them.
            found: for what each is about, a sentence for a person.
            at: the time (UTC).
            kept: the rows of open ones of which nothing new is known: they stay as they are.
        """
        rows = self._connection.execute(
            "SELECT id, repo_id, subject FROM incident WHERE kind = ? AND closed_at IS NULL",
            (kind,),
        )
        for incident_id, repo_id, subject in rows.fetchall():
            if (repo_id, subject) not in found and incident_id not in kept:
                self.close(incident_id, at)
        for (repo_id, subject), detail in found.items():
            self.open(repo_id, kind, subject, detail, at)

    def close_everywhere(self, kind: str, at: datetime) -> None:
        """Close all open incidents of one kind."""
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE kind = ? AND closed_at IS NULL",
            (format_ts(at), kind),
        )

    def close_except(self, kinds: Iterable[str], repos: Iterable[str], at: datetime) -> None:
        """Close the open incidents of some kinds for all repos except these, by name."""
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE closed_at IS NULL"
            " AND kind IN (SELECT value FROM json_each(?)) AND repo_id NOT IN"
            " (SELECT id FROM repo WHERE name IN (SELECT value FROM json_each(?)))",
            (format_ts(at), json.dumps(sorted(kinds)), json.dumps(sorted(repos))),
        )

    def close_of_node(self, node_id: int, kind: str, at: datetime, *, but: str) -> None:
        """Close the open incidents of one kind in all repos of a node.

        Args:
            node_id: the node's row.
            kind: the kind to close.
            at: the time (UTC).
            but: the subject of the one that stays open.
        """
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE closed_at IS NULL AND kind = ?"
            " AND subject <> ? AND repo_id IN (SELECT id FROM repo WHERE node_id = ?)",
            (format_ts(at), kind, but, node_id),
        )

    def close_of_repo(
        self,
        repo_id: int,
        kinds: Iterable[str],
        at: datetime,
        *,
        but: tuple[str | None, str] = (None, ""),
    ) -> None:
        """Close a repo's open incidents of some kinds, except one.

        Args:
            repo_id: the repo's row.
            kinds: the kinds to close.
            at: the time (UTC).
            but: kind and subject of the incident that stays open.
        """
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE repo_id = ? AND closed_at IS NULL"
            " AND kind IN (SELECT value FROM json_each(?)) AND NOT (kind IS ? AND subject = ?)",
            (format_ts(at), repo_id, json.dumps(sorted(kinds)), *but),
        )
