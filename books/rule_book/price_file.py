"""Put prices into the text of a price file, and leave everything else as it is. Pure."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import tomlkit
from tomlkit.items import AoT

from wire_format.fields import AppliesTo
from wire_format.instants import parse_ts


class PriceEntry(NamedTuple):
    """One price to add.

    Attributes:
        resource, usd, per, applies_to: as in `wire_format.rule_book.Price`.
        from_: its first hour as text, `2026-01-01T00:00:00Z`.
        remark: its source; becomes a comment. Empty for none.
    """

    resource: str
    usd: str
    per: int
    from_: str
    applies_to: AppliesTo | None
    remark: str

    @property
    def unit_price(self) -> Fraction:
        """Dollars for one unit."""
        return _unit_price(self.usd, self.per)

    @property
    def table(self) -> str:
        """The price as a table of its own."""
        lines = [
            "[[price]]",
            f"# {self.remark}" if self.remark else "",
            f'resource = "{self.resource}"',
            f'usd = "{self.usd}"',
            f"per = {self.per}",
            f"from = {self.from_}",
            f'applies_to = "{self.applies_to}"' if self.applies_to else "",
        ]
        return "".join(f"{line}\n" for line in lines if line)


class InlinePricesError(ValueError):
    """The file states its prices as one inline list, which cannot be added to line by line."""


def merge_prices(text: str, entries: Iterable[PriceEntry]) -> str:
    """The text with these prices added, each in the place of the price it replaces or at the end.

    A price replaces the one with its resource, category and `from`, and only if the amount for a
    unit differs; adding the same prices again gives the same text.

    Args:
        text: a valid price file.
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
        elif _unit_price(present["usd"], present["per"]) != entry.unit_price:
            present["usd"], present["per"] = entry.usd, entry.per
            replaced = True
    return _append(tomlkit.dumps(document) if replaced else text, added.values())


def _append(text: str, added: Collection[PriceEntry]) -> str:
    """The text with tables added; as text, because tomlkit attaches them to a last comment."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if added and text and not text.endswith("\n"):
        text += newline
    for entry in added:
        lines = ["", *entry.table.splitlines()]
        text += "".join(f"{line}{newline}" for line in lines[0 if text else 1 :])
    return text


def _place(table: Any) -> tuple[Any, ...]:  # noqa: ANN401 - what TOML can say
    return table["resource"], table.get("applies_to"), table["from"]


def _unit_price(usd: str, per: int) -> Fraction:
    return Fraction(Decimal(usd)) / per
