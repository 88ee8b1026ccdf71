"""The figures of the ledger at one moment, for monitoring.

The cost of reading them grows with nodes, repos, accounts, gaps, open incidents, held and rejected
lines and charges that are not rated, never with rated charges, segments or records.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.rating.rating import ChargeState
from aggregator.store.charges.drawn_rows import DrawnRows
from aggregator.store.connection import read_meta, read_transaction
from aggregator.store.errors import BrokenLedgerError, NoDatabaseError, SchemaVersionError
from aggregator.store.money.money_rows import HELD_MONEY
from aggregator.store.questions.reports import ReportRows, Row
from aggregator.store.questions.unrated import CHARGES_BY_STATE, UnratedRows
from aggregator.store.repo_rows import RepoRows
from aggregator.store.schema import SCHEMA_VERSION
from wire_format.fields import EPOCH_SIZE

BUSY_TIMEOUT_S: Final = 2
"""Far below a scraper's own time limit; in WAL mode no writer makes a reader wait at all."""

_REPOS: Final = """
SELECT node.name, repo.name, role, behind, committed_at_s FROM repo
JOIN node ON node.id = repo.node_id ORDER BY node.name, repo.name
"""
_NODES: Final = "SELECT id, name, records, duplicates FROM node ORDER BY name"
_HELD: Final = "SELECT node_id, count(*) FROM held GROUP BY node_id"
_HELD_MONEY: Final = f"SELECT node_id, count(*) FROM money WHERE {HELD_MONEY} GROUP BY node_id"  # noqa: S608 - a constant
_REJECTED: Final = "SELECT node_id, count(*) FROM reject GROUP BY node_id"
_GAPS: Final = """
SELECT node_id, count(*), sum(missing) FROM (
    SELECT node_id, first_seq - max(
        coalesce(lag(last_seq) OVER (PARTITION BY node_id ORDER BY first_seq), 0),
        (first_seq - 1) / :epoch_size * :epoch_size
    ) - 1 AS missing FROM seen_range
) WHERE missing > 0 GROUP BY node_id
"""
"""As in `RangeSet.gaps`: a gap reaches back to the range before it, or to its epoch's start."""

_INCIDENTS: Final = "SELECT kind, count(*) FROM incident WHERE closed_at IS NULL GROUP BY kind"
_ACCOUNTS: Final = """
SELECT count(*), sum(typeof(credit_nano) = 'integer' AND typeof(billed_cost_nano) = 'integer'
    AND plans IS NULL AND grants IS NULL AND credit_nano < billed_cost_nano) FROM account
WHERE first_active_hour IS NOT NULL OR EXISTS (SELECT 1 FROM money WHERE account_id = account.id)
"""
_HUGE_ACCOUNTS: Final = """
SELECT credit_nano, billed_cost_nano FROM account
WHERE (typeof(credit_nano) <> 'integer' OR typeof(billed_cost_nano) <> 'integer')
    AND plans IS NULL AND grants IS NULL
"""
"""Sums beyond 64 bits are decimal text, which SQLite would compare as text."""

STATEMENTS: Final = (
    *(_REPOS, _NODES, _HELD, _HELD_MONEY, _REJECTED, _GAPS),
    *(_INCIDENTS, CHARGES_BY_STATE, _ACCOUNTS, _HUGE_ACCOUNTS),
)


class RepoProgress(NamedTuple):
    """How far a repo was read.

    Attributes:
        node, repo, role: which repo.
        behind: commits fetched and not applied.
        committed_at_s: time of the newest applied commit with records, seconds since 1970; None
            where there is none.
    """

    node: str
    repo: str
    role: str
    behind: int
    committed_at_s: int | None


class NodeCounts(NamedTuple):
    """A node's lines by what became of them; gaps, and the seqs missing in them."""

    node: str
    records: int
    duplicates: int
    held: int
    rejected: int
    gaps: int
    missing_seqs: int


class WithGrants(NamedTuple):
    """An account with grants or plans: its row, and what was drawn of each grant, by name."""

    row: Row
    drawn: Mapping[str, int]


class Facts(NamedTuple):
    """One consistent view of the ledger.

    Attributes:
        repos, nodes: all that were ever read, sorted by name.
        open_incidents: the number of open incidents, by kind; kinds without one are absent.
        unrated: the number of charges that are not rated in full, by their state.
        accounts, accounts_below_zero: users with usage or money lines, and those who owe; without
            those in `with_grants`.
        pulled_at: when the last pull ended, as text in UTC; None before the first.
        database_bytes: size of the database file and of its log.
        with_grants: accounts with grants or plans that owe but for what their grants have left.
        plans_toml: `rules/plans.toml` in force; None without it, and where nobody needs it.
    """

    repos: tuple[RepoProgress, ...]
    nodes: tuple[NodeCounts, ...]
    open_incidents: Mapping[str, int]
    unrated: Mapping[ChargeState, int]
    accounts: int
    accounts_below_zero: int
    pulled_at: str | None
    database_bytes: int
    with_grants: tuple[WithGrants, ...] = ()
    plans_toml: bytes | None = None


class MetricRows:
    """The figures of the ledger at one moment, for monitoring."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def gaps(self) -> dict[int, tuple[int, int]]:
        """How many gaps each node has and how many seqs are missing in them, by the node's id."""
        found = self._connection.execute(_GAPS, {"epoch_size": EPOCH_SIZE})
        return {node_id: (count, missing) for node_id, count, missing in found}

    def read(self, path: Path, pulled_at_key: str) -> Facts:
        """Read all figures, inside the caller's read transaction.

        Args:
            path: the database, for the size of its files.
            pulled_at_key: key of the fact with the time of the last pull.
        """
        ask = self._connection.execute
        accounts, below_zero = ask(_ACCOUNTS).fetchone()
        huge = ask(_HUGE_ACCOUNTS)
        below_zero = (below_zero or 0) + sum(int(credit) < int(cost) for credit, cost in huge)
        rows = ReportRows(self._connection).with_terms(0)
        drawn = DrawnRows(self._connection).totals_of([row["id"] for row in rows])
        rules = RepoRows(self._connection).rule_files() if rows else None
        return Facts(
            repos=tuple(RepoProgress(*row) for row in ask(_REPOS)),
            nodes=tuple(self._nodes()),
            open_incidents=dict(ask(_INCIDENTS).fetchall()),
            unrated=UnratedRows(self._connection).charges_by_state(),
            accounts=accounts,
            accounts_below_zero=below_zero,
            pulled_at=read_meta(self._connection, pulled_at_key),
            database_bytes=_size_bytes(path),
            with_grants=tuple(WithGrants(row, drawn.get(row["id"], {})) for row in rows),
            plans_toml=None if rules is None else rules.plans_toml,
        )

    def _nodes(self) -> Iterator[NodeCounts]:
        held = Counter[int](dict(self._connection.execute(_HELD).fetchall()))
        held.update(dict(self._connection.execute(_HELD_MONEY).fetchall()))
        rejected: dict[int, int] = dict(self._connection.execute(_REJECTED).fetchall())
        missing = self.gaps()
        for node_id, name, records, duplicates in self._connection.execute(_NODES):
            counts = (records, duplicates, held[node_id], rejected.get(node_id, 0))
            yield NodeCounts(name, *counts, *missing.get(node_id, (0, 0)))


def read_facts(path: Path, pulled_at_key: str) -> Facts:
    """Read all figures over a connection of its own, in one read transaction.

    Args:
        path: the database.
        pulled_at_key: key of the fact with the time of the last pull.

    Raises:
        NoDatabaseError: the ledger does not exist yet.
        SchemaVersionError: it has another schema version.
        BrokenLedgerError: SQLite cannot read it now.
    """
    try:
        with _reading(path) as connection, read_transaction(connection):
            return MetricRows(connection).read(path, pulled_at_key)
    except sqlite3.Error as error:
        raise BrokenLedgerError(str(error)) from error


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise NoDatabaseError(f"there is no ledger at {path} yet")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    with closing(connection):
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found != SCHEMA_VERSION:
            raise SchemaVersionError(f"{path} has schema version {found}, not {SCHEMA_VERSION}")
        yield connection


def _size_bytes(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
