"""Import prices of language models into the rule book."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from books.rule_book.llm_models import find_model
from books.rule_book.llm_prices import Choice, price_entries
from books.rule_book.price_file import InlinePricesError, merge_prices
from books.rule_book.rules import (
    RuleCommit,
    RuleFileError,
    check_file,
    commit_rule_file,
    plan_rule_file,
)
from node_pusher.home.home import Home
from node_pusher.sending.commit import locked_repo
from wire_format.rule_book import PRICES_PATH


class ImportReport(NamedTuple):
    """What an import did, or would do.

    Attributes:
        models: for each model, as it was named, the package's name of it.
        done: what was committed; None if nothing changed. Its `commit` is empty after a dry run.
    """

    models: dict[str, str]
    done: RuleCommit | None


def import_prices(
    home: Home, names: Sequence[str], choice: Choice, now: datetime, *, dry_run: bool = False
) -> ImportReport:
    """Put the prices of models into `prices.toml` and commit it.

    Args:
        home: the books.
        names: models, as `PROVIDER:MODEL`.
        choice: which of their prices.
        now: the time of the commit.
        dry_run: commit nothing.

    Raises:
        LlmPriceError: a model is not known, or its prices cannot be stated.
        RuleFileError: the price file cannot be used or added to.
    """
    found = [find_model(name) for name in dict.fromkeys(names)]
    entries = price_entries(found, choice)
    models = {f"{model.provider}:{model.name}": model.found for model in found}
    with locked_repo(home) as repo:
        text = repo.read_file(PRICES_PATH) or b""
        check_file(PRICES_PATH, text)
        try:
            data = merge_prices(text.decode(), entries).encode()
        except InlinePricesError as error:
            raise RuleFileError(f"{PRICES_PATH} cannot be added to", [str(error)]) from error
        if dry_run:
            return ImportReport(models, plan_rule_file(repo, PRICES_PATH, data))
        return ImportReport(models, commit_rule_file(repo, home, PRICES_PATH, data, now))
