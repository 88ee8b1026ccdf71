"""Put prices into the text of `prices.toml`, and leave everything else as it is. Pure."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

import tomlkit
from tomlkit.items import AoT

from wire_format.fields import AppliesTo
from wire_format.instants import parse_ts

_TABLE: Final = """\
[[price]]
# {remark}
resource = "{resource}"
usd = "{usd}"
per = {per}
from = {from_}
applies_to = "{applies_to}"
"""


class PriceEntry(NamedTuple):
    """One price to add.

    Attributes:
        resource, usd, per, applies_to: as in `wire_format.rule_book.Price`.
        from_: its first hour as text, `2026-01-01T00:00:00Z`.
        remark: its source; becomes a comment.
    """

    resource: str
    usd: str
    per: int
    from_: str
    applies_to: AppliesTo
    remark: str


class InlinePricesError(ValueError):
    """The file states its prices as one inline list, which cannot be added to line by line."""


def merge_prices(text: str, entries: Iterable[PriceEntry]) -> str:
    """The text with these prices added, each in the place of the price it replaces or at the end.

    A price replaces the one with its resource, category and `from`, and only if the amount for a
    unit differs; adding the same prices again gives the same text.

    Args:
        text: a valid `prices.toml`.
        entries: the prices to add.

    Raises:
        InlinePricesError: prices are not stated as `[[price]]` tables.
    """
    document = tomlkit.parse(text)
    tables = document.get("price", tomlkit.aot())
    if not isinstance(tables, AoT):
        raise InlinePricesError("write each price as a [[price]] table of its own")
    known = {_place(table): table for table in tables}
    added: dict[tuple[Any, ...], PriceEntry] = {}
    replaced = False
    for entry in entries:
        place = (entry.resource, entry.applies_to, parse_ts(entry.from_))
        present = known.get(place)
        if present is None:
            added[place] = entry
        elif _unit_price(present["usd"], present["per"]) != _unit_price(entry.usd, entry.per):
            present["usd"], present["per"] = entry.usd, entry.per
            replaced = True
    return _append(tomlkit.dumps(document) if replaced else text, added.values())


def _append(text: str, added: Collection[PriceEntry]) -> str:
    """The text with tables added; as text, because tomlkit attaches them to a last comment."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if added and text and not text.endswith("\n"):
        text += newline
    for entry in added:
        lines = ["", *_TABLE.format(**entry._asdict()).splitlines()]
        text += "".join(f"{line}{newline}" for line in lines[0 if text else 1 :])
    return text


def _place(table: Any) -> tuple[Any, ...]:  # noqa: ANN401 - what TOML can say
    return table["resource"], table.get("applies_to"), table["from"]


def _unit_price(usd: str, per: int) -> Fraction:
    return Fraction(Decimal(usd)) / per
