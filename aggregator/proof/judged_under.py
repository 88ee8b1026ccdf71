"""The limits that all records of a ledger were judged under, stored in the ledger itself.

They affect what is billed, so a ledger made under other limits is rebuilt.
"""

from aggregator.config.settings import Config
from aggregator.ledger.limits import JUDGED_UNDER, limits_of
from aggregator.store.store import TESTS_COUNT, LedgerStore


def is_judged_under(store: LedgerStore, config: Config) -> bool:
    """Whether all records were judged under the configured limits, nodes, roles and `allow`."""
    judged = store.repos.judged_by()
    return store.fact(JUDGED_UNDER) == limits_of(config).text and all(
        judged.get(repo.name, repo.identity.judged_by) == repo.identity.judged_by
        for repo in config.repo
    )


def note_limits(store: LedgerStore, config: Config) -> None:
    """Store in a new ledger the limits that its records are judged under."""
    with store.transaction():
        store.set_fact(JUDGED_UNDER, limits_of(config).text)
        if config.test:
            store.set_fact(TESTS_COUNT, "yes")
        store.repos.configure_books(config.books)
