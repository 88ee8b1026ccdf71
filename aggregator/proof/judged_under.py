"""The limits that all records of a ledger were judged under, noted in the ledger itself.

They change what is billed, so a ledger made under others is made again.
"""

import sqlite3
from typing import Final

from aggregator.config.settings import Config
from aggregator.store import repo_rows
from aggregator.store.connection import read_meta, upsert_meta, write_transaction

_JUDGED_UNDER: Final = "judged_under"


def is_judged_alike(connection: sqlite3.Connection, config: Config) -> bool:
    """Whether all records were judged under today's limits, nodes, roles and permissions."""
    judged = repo_rows.judged_by(connection)
    return read_meta(connection, _JUDGED_UNDER) == _limits(config) and all(
        judged.get(repo.name, repo.identity.judged_by) == repo.identity.judged_by
        for repo in config.repo
    )


def note_limits(connection: sqlite3.Connection, config: Config) -> None:
    """Write into a new ledger which limits its records are judged under."""
    with write_transaction(connection):
        upsert_meta(connection, _JUDGED_UNDER, _limits(config))


def _limits(config: Config) -> str:
    return f"skew_s={config.skew_s} charge_cost_max_usd={config.charge_cost_max_usd}"
