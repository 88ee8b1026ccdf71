"""Add one price to the operator's own."""

from datetime import datetime

from books.rule_book.change import Proposal, Propose
from books.rule_book.llm_renewal import coming_hour
from books.rule_book.price_file import InlinePricesError, PriceEntry, merge_prices
from books.rule_book.rules import RuleBookFiles, RuleFileError, check_file
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.fields import AppliesTo
from wire_format.instants import format_ts
from wire_format.rule_book import PRICES_PATH, parse_rule_book


def propose_price(
    resource: str,
    usd: str,
    per: int,
    from_: datetime | None,
    applies_to: AppliesTo | None,
    *,
    now: datetime,
) -> Propose:
    """Propose a price of `prices.toml`, from the coming hour on if no other is given.

    Args:
        resource: as in `wire_format.rule_book.Price`.
        usd: as there.
        per: as there.
        from_: its first hour.
        applies_to: as there.
        now: the time.

    Raises:
        RuleFileError: it is no price, or the file cannot be added to.
    """
    start = format_ts(coming_hour(now) if from_ is None else from_)
    entry = PriceEntry(resource, usd, per, start, applies_to, remark="")
    check_file(PRICES_PATH, entry.table.encode(), name="the price")
    if [price.usd for price in parse_rule_book(entry.table.encode(), None).prices] != [usd]:
        raise RuleFileError("the price cannot be used", ["it is more than one price"])

    def propose(_: LedgerRepo, files: RuleBookFiles) -> Proposal:
        text = files.prices_toml or b""
        check_file(PRICES_PATH, text)
        try:
            return Proposal({PRICES_PATH: merge_prices(text.decode(), [entry]).encode()})
        except InlinePricesError as error:
            raise RuleFileError(f"{PRICES_PATH} cannot be added to", [str(error)]) from error

    return propose
