"""The limits that all records of a ledger were judged under, noted in the ledger itself.

They change what is billed, so a ledger made under others is made again.
"""

from typing import Final

from aggregator.config.settings import Config
from aggregator.store.store import LedgerStore

_JUDGED_UNDER: Final = "judged_under"


def is_judged_alike(store: LedgerStore, config: Config) -> bool:
    """Whether all records were judged under today's limits, nodes, roles and permissions."""
    judged = store.repos.judged_by()
    return store.fact(_JUDGED_UNDER) == _limits(config) and all(
        judged.get(repo.name, repo.identity.judged_by) == repo.identity.judged_by
        for repo in config.repo
    )


def note_limits(store: LedgerStore, config: Config) -> None:
    """Write into a new ledger which limits its records are judged under."""
    with store.transaction():
        store.set_fact(_JUDGED_UNDER, _limits(config))


def _limits(config: Config) -> str:
    return f"skew_s={config.skew_s} charge_cost_max_usd={config.charge_cost_max_usd}"
