"""Incidents as rows. Every function works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_ts

About = tuple[int | None, str]
"""What an incident is about: a repo's row (None is the forge as a whole), and its subject there."""


class OpenIncident(NamedTuple):
    """An incident that is not over: its row, what it is and what it is about.

    Attributes:
        repo: the repo's name; empty where it is about the forge as a whole.
    """

    id: int
    repo: str
    kind: str
    subject: str


def open_incidents(connection: sqlite3.Connection) -> list[OpenIncident]:
    """Those that are not over."""
    rows = connection.execute(
        "SELECT incident.id, coalesce(repo.name, ''), kind, subject FROM incident"
        " LEFT JOIN repo ON repo.id = repo_id WHERE closed_at IS NULL"
    )
    return [OpenIncident(*row) for row in rows]


def subjects_by_repo(connection: sqlite3.Connection, kind: str) -> frozenset[tuple[str, str]]:
    """The open incidents of a kind that are about repos: the repo's name and the subject."""
    rows = connection.execute(
        "SELECT repo.name, subject FROM incident JOIN repo ON repo.id = repo_id"
        " WHERE closed_at IS NULL AND kind = ?",
        (kind,),
    )
    return frozenset((str(name), str(subject)) for name, subject in rows)


def close_incident(connection: sqlite3.Connection, incident_id: int, at: datetime) -> None:
    """Close one incident."""
    connection.execute(
        "UPDATE incident SET closed_at = ? WHERE id = ?", (format_ts(at), incident_id)
    )


def open_incident(
    connection: sqlite3.Connection,
    repo_id: int | None,
    kind: str,
    subject: str,
    detail: str,
    at: datetime,
) -> None:
    """Open an incident, or note that an open one was seen again; None is the forge as a whole."""
    connection.execute(
        "INSERT INTO incident (kind, repo_id, subject, detail, opened_at, seen_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT"
        " (kind, coalesce(repo_id, 0), subject) WHERE closed_at IS NULL"
        " DO UPDATE SET seen_at = ?5, detail = excluded.detail",
        (kind, repo_id, subject, detail, format_ts(at)),
    )


def file_all(
    connection: sqlite3.Connection,
    kind: str,
    found: Mapping[About, str],
    at: datetime,
) -> None:
    """Let the open incidents of one kind be these: open what is new, close what is gone.

    Args:
        connection: the database.
        kind: of all of them.
        found: what each is about, to a sentence about it.
        at: the time.
    """
    rows = connection.execute(
        "SELECT id, repo_id, subject FROM incident WHERE kind = ? AND closed_at IS NULL", (kind,)
    )
    for incident_id, repo_id, subject in rows.fetchall():
        if (repo_id, subject) not in found:
            close_incident(connection, incident_id, at)
    for (repo_id, subject), detail in found.items():
        open_incident(connection, repo_id, kind, subject, detail, at)


def close_everywhere(connection: sqlite3.Connection, kind: str, at: datetime) -> None:
    """Close the open incidents of one kind for every repo."""
    connection.execute(
        "UPDATE incident SET closed_at = ? WHERE kind = ? AND closed_at IS NULL",
        (format_ts(at), kind),
    )


def close_but(
    connection: sqlite3.Connection, kinds: Iterable[str], repos: Iterable[str], at: datetime
) -> None:
    """Close the open incidents of some kinds that are about repos other than these."""
    connection.execute(
        "UPDATE incident SET closed_at = ? WHERE closed_at IS NULL"
        " AND kind IN (SELECT value FROM json_each(?)) AND repo_id NOT IN"
        " (SELECT id FROM repo WHERE name IN (SELECT value FROM json_each(?)))",
        (format_ts(at), json.dumps(sorted(kinds)), json.dumps(sorted(repos))),
    )


def close_incidents(
    connection: sqlite3.Connection,
    repo_id: int,
    kinds: Iterable[str],
    at: datetime,
    *,
    but: tuple[str | None, str] = (None, ""),
) -> None:
    """Close the open incidents of some kinds for a repo, but the one of this kind and subject."""
    connection.execute(
        "UPDATE incident SET closed_at = ? WHERE repo_id = ? AND closed_at IS NULL"
        " AND kind IN (SELECT value FROM json_each(?)) AND NOT (kind IS ? AND subject = ?)",
        (format_ts(at), repo_id, json.dumps(sorted(kinds)), *but),
    )
