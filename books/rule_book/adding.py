"""Add one price to the operator's own."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from books.rule_book.change import Proposal, Propose
from books.rule_book.llm_renewal import coming_hour
from books.rule_book.price_file import InlinePricesError, PriceEntry, TierEntry, merge_prices
from books.rule_book.rules import RuleFileError, check_file
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.fields import AppliesTo
from wire_format.instants import format_ts
from wire_format.rule_book import RuleBookFiles
from wire_format.rule_files.prices_file import PRICES_PATH, Window

_TIER: Final = re.compile(r"(?P<up_to>[0-9]{1,19}|rest)=(?P<usd>[^+]*)(\+(?P<flat>[^+]*))?")
_UNUSABLE: Final = "the price cannot be used"


class AskedPrice(NamedTuple):
    """A price as somebody states it on the command line.

    Attributes:
        resource, per, applies_to, window, user: as in `wire_format.rule_files.prices_file.Price`.
        usd: dollars for `per` units or for a package; None for a price with tiers.
        per: None for 1, or for a package.
        from_: its first hour; None for the coming one.
        until: the first hour in which it no longer holds; None for no end.
        tiers: each as `UP_TO=USD` or `UP_TO=USD+FLAT_USD`; the last one has `rest` for UP_TO.
        volume: whether all units have the rate of one tier.
        package: how many units are sold together; None where they are sold one by one.
    """

    resource: str
    usd: str | None
    per: int | None = None
    from_: datetime | None = None
    applies_to: AppliesTo | None = None
    tiers: Sequence[str] = ()
    volume: bool = False
    package: int | None = None
    window: Window = "hour"
    user: str | None = None
    until: datetime | None = None


def propose_price(asked: AskedPrice, *, now: datetime) -> Propose:
    """Propose a price of `prices.toml`.

    Args:
        asked: the price.
        now: the time.

    Raises:
        RuleFileError: it is no price, or the file cannot be added to.
    """
    if faults := _faults(asked):
        raise RuleFileError(_UNUSABLE, faults)
    entry = _entry(asked, now)
    check_file(PRICES_PATH, entry.table.encode(), name="the price")

    def propose(_: LedgerRepo, files: RuleBookFiles) -> Proposal:
        text = files.prices_toml or b""
        check_file(PRICES_PATH, text)
        try:
            return Proposal({PRICES_PATH: merge_prices(text.decode(), [entry]).encode()})
        except InlinePricesError as error:
            raise RuleFileError(f"{PRICES_PATH} cannot be added to", [str(error)]) from error

    return propose


def _faults(asked: AskedPrice) -> list[str]:
    """What the form of a rule file has no words for, since it is about the command line."""
    faults = [
        f"--tier {text}: must be like 1000=0.50, 1000=0.50+2.00 or rest=0.50"
        for text in asked.tiers
        if _TIER.fullmatch(text) is None
    ]
    if (asked.usd is None) == (not asked.tiers):
        faults.append("state either USD or its tiers with --tier")
    if asked.package is not None and asked.tiers:
        faults.append("--package: a price with tiers has none")
    if asked.volume and not asked.tiers:
        faults.append("--volume: belongs to a price with --tier")
    if asked.package is not None and asked.per is not None:
        faults.append("--per: a price with --package has none; USD is for the package")
    if asked.until is not None and asked.user is None:
        faults.append("--until: belongs to a price with --user")
    return faults


def _entry(asked: AskedPrice, now: datetime) -> PriceEntry:
    per = 1 if asked.per is None and asked.package is None else asked.per
    return PriceEntry(
        resource=asked.resource,
        usd=asked.usd,
        per=per,
        from_=format_ts(coming_hour(now) if asked.from_ is None else asked.from_),
        applies_to=asked.applies_to,
        remark="",
        tiers=tuple(map(_tier, asked.tiers)),
        is_volume=asked.volume,
        package=asked.package,
        window=asked.window,
        user=asked.user,
        until=None if asked.until is None else format_ts(asked.until),
    )


def _tier(text: str) -> TierEntry:
    border, _, amounts = text.partition("=")
    usd, plus, flat_usd = amounts.partition("+")
    up_to = None if border == "rest" else int(border)
    return TierEntry(up_to, usd, flat_usd if plus else None)
