"""Incidents as rows. Every function works inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from wire_format.instants import format_ts


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
