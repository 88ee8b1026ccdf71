"""The rule book in force, read from the ledger."""

from aggregator.admission.batch import RuleFiles
from aggregator.store.store import LedgerStore
from wire_format.rule_book import RuleBook, parse_rule_book


def rule_book_in_force(
    store: LedgerStore, changed: tuple[str, RuleFiles] | None = None
) -> RuleBook:
    """The rule book in force; an empty one before the first.

    Args:
        store: the ledger.
        changed: a repo and the files that it is about to have; None for the ledger as it is.

    Raises:
        RuleBookError: the changed files come into force and cannot be used.
    """
    return _parsed(store.repos.rule_files(changed))


def waiting_rule_book(store: LedgerStore) -> RuleBook:
    """The rule book that comes into force once it no longer waits."""
    return _parsed(store.repos.waiting_rule_files())


def _parsed(files: RuleFiles | None) -> RuleBook:
    return parse_rule_book(*files.contents) if files is not None else parse_rule_book(None, None)
