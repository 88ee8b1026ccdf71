"""The rule book that the ledger is rated by."""

from aggregator.store.store import LedgerStore
from wire_format.rule_book import RuleBook, parse_rule_book


def rule_book_in_force(store: LedgerStore) -> RuleBook:
    """The rule book of the last applied books commit that had a usable one; else the empty one."""
    files = store.repos.rule_files()
    if files is None:
        return parse_rule_book(None, None)
    return parse_rule_book(files.prices_toml, files.discounts_toml)
