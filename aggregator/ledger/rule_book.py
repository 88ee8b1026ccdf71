"""The rule book in force, read from the ledger."""

from aggregator.store.store import LedgerStore
from wire_format.rule_book import RuleBook, parse_rule_book


def rule_book_in_force(store: LedgerStore) -> RuleBook:
    """The rule book in force; an empty one before the first."""
    files = store.repos.rule_files()
    if files is None:
        return parse_rule_book(None, None)
    return parse_rule_book(*files.contents)
