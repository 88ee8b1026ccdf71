"""Incidents as rows. Every function works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_ts


class OpenIncident(NamedTuple):
    """An incident that is not over: its row, its repo's name, what it is and what it is about."""

    id: int
    repo: str
    kind: str
    subject: str


def open_incidents(connection: sqlite3.Connection) -> list[OpenIncident]:
    """Those that are not over."""
    rows = connection.execute(
        "SELECT incident.id, repo.name, kind, subject FROM incident JOIN repo ON repo.id = repo_id"
        " WHERE closed_at IS NULL"
    )
    return [OpenIncident(*row) for row in rows]


def close_incident(connection: sqlite3.Connection, incident_id: int, at: datetime) -> None:
    """Close one incident."""
    connection.execute(
        "UPDATE incident SET closed_at = ? WHERE id = ?", (format_ts(at), incident_id)
    )


def open_incident(
    connection: sqlite3.Connection, repo_id: int, kind: str, subject: str, detail: str, at: datetime
) -> None:
    """Open an incident, or note that an open one was seen again."""
    connection.execute(
        "INSERT INTO incident (kind, repo_id, subject, detail, opened_at, seen_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (kind, repo_id, subject)"
        " WHERE closed_at IS NULL DO UPDATE SET seen_at = ?5, detail = excluded.detail",
        (kind, repo_id, subject, detail, format_ts(at)),
    )


def close_everywhere(connection: sqlite3.Connection, kind: str, at: datetime) -> None:
    """Close the open incidents of one kind for every repo."""
    connection.execute(
        "UPDATE incident SET closed_at = ? WHERE kind = ? AND closed_at IS NULL",
        (format_ts(at), kind),
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
