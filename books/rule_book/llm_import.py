"""Import prices of language models into the rule book."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from books.rule_book.change import Proposal, RuleCommit, change_rules
from books.rule_book.llm_models import find_model
from books.rule_book.llm_prices import Choice, price_entries
from books.rule_book.llm_renewal import coming_hour, renewed, separate, with_former_lengths
from books.rule_book.price_file import InlinePricesError, PriceEntry, merge_prices
from books.rule_book.rule_changes import Act
from books.rule_book.rules import RuleFileError, parse_rules
from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.rule_book import RuleBook, RuleBookFiles
from wire_format.rule_files.prices_file import IMPORTED_PATH, PRICES_PATH

IMPORTED_HEADER: Final = """\
# Prices that `books prices import-llm` wrote. A price of the same resource in prices.toml takes
# precedence from its first hour on.
"""


class ImportReport(NamedTuple):
    """What an import did, or would do.

    Attributes:
        models: for each model, as it was named, the package's name of it.
        done: the change; None if nothing changed. Its `commit` is empty after a dry run.
        unused: resources with a price of the operator's own in the coming hour, which takes
            precedence over the imported one.
    """

    models: dict[str, str]
    done: RuleCommit | None
    unused: list[str]


def import_prices(
    home: Home,
    names: Sequence[str],
    choice: Choice,
    act: Act,
    now: datetime,
    *,
    dry_run: bool = False,
) -> ImportReport:
    """Put the prices of models into `imported.toml` and commit it.

    What hours that have begun cost stays as it is, unless the choice states from when on.

    Args:
        home: the books.
        names: models, as `PROVIDER:MODEL`.
        choice: which of their prices.
        act: who imports them, and why.
        now: the time of the commit.
        dry_run: commit nothing.

    Raises:
        LlmPriceError: a model is not known, or its prices cannot be stated.
        RuleFileError: a price file cannot be used or added to.
        NotMeantError: the stated hour has begun and used another price, and no reason is given.
    """
    found = [find_model(name) for name in dict.fromkeys(names)]
    entries = price_entries(found, choice)
    models = {f"{model.provider}:{model.name}": model.found for model in found}
    unused: list[str] = []

    def propose(_: LedgerRepo, files: RuleBookFiles) -> Proposal:
        book = parse_rules(files)
        own = separate((files.prices_toml or b"").decode(), book.prices, book.imported)
        text = (files.imported_toml or IMPORTED_HEADER.encode()).decode()
        kept = _merged(text, own.moved)
        book = parse_rules(RuleBookFiles(own.text.encode(), files.discounts_toml, kept.encode()))
        asked = entries if choice.base_price else with_former_lengths(entries, book.imported)
        unused.extend(_unused({entry.resource for entry in asked}, book, now))
        is_dated = choice.from_ is not None or choice.at is not None
        added = asked if is_dated else renewed(asked, book.prices, book.imported, now)
        wanted = {PRICES_PATH: own.text.encode()} if own.moved else {}
        if added or own.moved:
            wanted[IMPORTED_PATH] = _merged(kept, added).encode()
        return Proposal(wanted)

    done = change_rules(home, propose, act, now, dry_run=dry_run)
    return ImportReport(models, done, unused)


def _merged(text: str, entries: Sequence[PriceEntry]) -> str:
    try:
        return merge_prices(text, entries)
    except InlinePricesError as error:
        raise RuleFileError(f"{IMPORTED_PATH} cannot be added to", [str(error)]) from error


def _unused(resources: set[str], book: RuleBook, now: datetime) -> list[str]:
    coming = coming_hour(now)
    own = {price.resource for price in book.prices if price.from_ <= coming}
    return sorted(resources & own)
