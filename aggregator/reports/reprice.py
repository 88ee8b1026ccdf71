"""Compute what balances would be under a proposed rule book; nothing is written."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.rating import ChargeState, Rater
from aggregator.store.questions import reports
from aggregator.store.store import LedgerStore
from gitmeter.support.errors import GitmeterError
from wire_format.rule_book import RULE_PATHS, RuleBook, parse_rule_book, split_origin
from wire_format.rule_files.loading import RULE_FILE_BYTES_MAX, RuleBookError

_NAMES: Final = tuple(path.rpartition("/")[2] for path in RULE_PATHS)


class ProposalError(GitmeterError):
    """The proposed rule file cannot be used."""


def reprice(store: LedgerStore, file: Path, cost_max_nano: int) -> dict[str, Any]:
    """Rate every charge under the rule book in force with one of its files replaced.

    Args:
        store: the ledger.
        file: the replacement, named as the file of the rule book.
        cost_max_nano: the highest list cost of one charge, in nano-dollars.

    Returns:
        The names of the proposed rule book and of the one in force, totals, and the accounts with
        a billed cost that changes; amounts in nano-dollars. Which lines are held because they cost
        too much is not judged again.

    Raises:
        ProposalError: the file has another name or cannot be used.
    """
    if file.name not in _NAMES:
        raise ProposalError(
            f"{file.name} is not a rule file", hint=f"name it {' or '.join(_NAMES)}"
        )
    with store.view():
        in_force = rule_book_in_force(store).sha256
        rater = Rater(_proposed(store, file), cost_max_nano)
        differences: dict[str, int] = defaultdict(int)
        total = changed = 0
        states: Counter[str] = Counter()
        for page in store.charges.pages_from(0, None):
            for row, user, resource, first_paid_us in page:
                total += 1
                rating = rater.rate(row.quantity, resource, row.applies_to, row.hour, first_paid_us)
                states[rating.state] += 1
                if rating != (row.state, row.list_cost_nano, row.billed_cost_nano):
                    changed += 1
                    differences[user] += rating.billed_cost_nano - row.billed_cost_nano
        accounts = [
            _account(row, differences[row["user"]])
            for row in store.reports.accounts()
            if differences.get(row["user"])
        ]
    return {
        "rule_book": rater.rule_book.sha256,
        "rule_book_in_force": in_force,
        "charges": total,
        "charges_changed": changed,
        "unrated_charges": {
            str(state): states[state] for state in ChargeState if state is not ChargeState.RATED
        },
        "difference_nano": sum(differences.values()),
        "accounts": accounts,
    }


def _proposed(store: LedgerStore, file: Path) -> RuleBook:
    rules = store.repos.rule_files()
    contents: list[bytes | None] = [None] * len(_NAMES) if rules is None else [*rules.contents]
    contents[_NAMES.index(file.name)], _ = split_origin(_read(file))
    try:
        return parse_rule_book(*contents)
    except RuleBookError as error:
        raise ProposalError(str(error), hint="`books rules check` says the same") from None


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(RULE_FILE_BYTES_MAX + 1)


def _account(row: reports.Row, difference_nano: int) -> dict[str, Any]:
    billed_cost_nano = int(row["billed_cost_nano"])
    proposed_nano = billed_cost_nano + difference_nano
    return {
        "user": row["user"],
        "billed_cost_nano": billed_cost_nano,
        "proposed_billed_cost_nano": proposed_nano,
        "difference_nano": difference_nano,
        "proposed_balance_nano": int(row["credit_nano"]) - proposed_nano,
    }
