"""Take back the newest change of the rule book."""

from typing import Final

from books.rule_book.change import Proposal
from books.rule_book.history import rule_versions
from books.rule_book.rules import read_rules
from gitmeter.support.errors import GitmeterError
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.rule_book import DEFAULT_DISCOUNTS, DISCOUNTS_PATH, RULE_PATHS, RuleBookFiles

_ABSENT: Final = {DISCOUNTS_PATH: DEFAULT_DISCOUNTS.encode()}
"""What means the same as an absent file; for the others an empty one does."""


class NothingToUndoError(GitmeterError):
    """The rule book has no earlier version here."""


def propose_undo(repo: LedgerRepo, files: RuleBookFiles) -> Proposal:
    """Propose the rule book from before its newest change; undone twice, it is as it was.

    Raises:
        NothingToUndoError: the newest change is the first.
    """
    newest = next(rule_versions(repo), None)
    before = RuleBookFiles(None, None)
    if newest is not None and newest.parent is not None:
        before = read_rules(repo, newest.parent)
    if not any(data is not None for data in before):
        raise NothingToUndoError(
            "the rule book has only its first version here", hint="nothing was changed"
        )
    wanted = {
        path: _ABSENT.get(path, b"") if data is None else data
        for path, data in zip(RULE_PATHS, before, strict=True)
        if data is not None or files.at(path) is not None
    }
    return Proposal(wanted)
