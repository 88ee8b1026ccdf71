"""What a rebuilt ledger takes over from the one that it replaces, because git does not have it.

Incidents, the result of the last check of each repo, since when this ledger has usage of accounts
by nodes, and when the last pull ended. None of it moves money, and none of it is compared by
`verify`.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from aggregator.store.connection import connect, write_transaction
from aggregator.store.schema import SCHEMA_VERSION


def carry_over(old: Path, new: Path, shown_by_records: Iterable[str], facts: Iterable[str]) -> bool:
    """Copy incidents, checks and facts from an old ledger into a new one; both are closed.

    Args:
        old: the ledger that was; need not exist or be usable.
        new: the rebuilt one.
        shown_by_records: the kinds of incidents that the rebuilt ledger has found again; of these
            only the time when they were opened is taken over, and those that are closed.
        facts: the keys of the facts to copy.

    Returns:
        Whether it could be read; nothing is copied otherwise.
    """
    if not old.exists():
        return False
    with suppress(sqlite3.Error), closing(connect(new, "rw")) as connection:
        connection.execute("ATTACH ? AS old", (str(old),))
        if connection.execute("PRAGMA old.user_version").fetchone()[0] != SCHEMA_VERSION:
            return False
        kinds, keys = json.dumps(sorted(shown_by_records)), json.dumps(sorted(facts))
        with write_transaction(connection):
            _copy(connection, kinds, keys)
        return True
    return False


def _copy(connection: sqlite3.Connection, kinds: str, keys: str) -> None:
    connection.execute(
        "CREATE TEMP TABLE ids AS SELECT theirs.id AS theirs, ours.id AS ours"
        " FROM old.repo AS theirs JOIN main.repo AS ours ON ours.name = theirs.name"
    )
    connection.execute(
        "UPDATE main.incident SET opened_at = was.opened_at FROM old.incident AS was"
        " LEFT JOIN ids ON ids.theirs = was.repo_id WHERE was.closed_at IS NULL"
        " AND was.kind = incident.kind AND was.subject = incident.subject"
        # NULL is a repo here: that of incidents about the usage of any node
        " AND ids.ours IS incident.repo_id AND (was.repo_id IS NULL OR ids.ours IS NOT NULL)"
    )
    connection.execute(
        "INSERT INTO main.incident (kind, repo_id, subject, detail, opened_at, seen_at, closed_at)"
        " SELECT kind, ids.ours, subject, detail, opened_at, seen_at, closed_at"
        " FROM old.incident AS was LEFT JOIN ids ON ids.theirs = repo_id"
        " WHERE (repo_id IS NULL OR ids.ours IS NOT NULL) AND (closed_at IS NOT NULL"
        " OR kind NOT IN (SELECT value FROM json_each(?))) ORDER BY was.id",
        (kinds,),
    )
    connection.execute(
        "UPDATE main.repo SET head = was.head, outcome = was.outcome, behind = was.behind,"
        " checked_at = was.checked_at FROM old.repo AS was WHERE was.name = repo.name"
    )
    connection.execute(
        "UPDATE main.account_node SET noted_s = was.noted_s FROM old.account_node AS was"
        " JOIN old.account AS their_account ON their_account.id = was.account_id"
        " JOIN old.node AS their_node ON their_node.id = was.node_id"
        " JOIN main.account AS account ON account.user = their_account.user"
        " JOIN main.node AS node ON node.name = their_node.name"
        " WHERE account_node.account_id = account.id AND account_node.node_id = node.id"
    )
    connection.execute(
        "INSERT INTO main.meta SELECT key, value FROM old.meta"
        " WHERE key IN (SELECT value FROM json_each(?)) ON CONFLICT DO NOTHING",
        (keys,),
    )
