"""Prices to add, and putting them into the text of a price file. Pure.

Everything else in the file stays as it is.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

import tomlkit
from tomlkit.items import AoT, Table

from wire_format.fields import AppliesTo
from wire_format.instants import parse_ts
from wire_format.rule_files.prices_file import PRICES_PATH, Price, Window, load_prices

_LONE_NEWLINE: Final = re.compile(r"(?<!\r)\n")
_FORM_KEYS: Final = ("usd", "tiers", "mode", "package", "per", "window", "until")
"""What a price charges and for how long, in the order in which a table states it."""

_Place = tuple[str, AppliesTo | None, str | None, datetime]
"""What a price is of: resource, category, account and first hour; a file has one price of each."""


class TierEntry(NamedTuple):
    """One tier of a price; as in `wire_format.rule_files.prices_file.PriceTier`."""

    up_to: int | None
    usd: str
    flat_usd: str | None = None


class PriceEntry(NamedTuple):
    """One price to add.

    Attributes:
        resource, applies_to, user: as in `wire_format.rule_files.prices_file.Price`.
        usd: dollars for `per` units, or for a package; None for a price with tiers.
        per: how many units that is for; None for a package.
        from_, until: hours as text, `2026-01-01T00:00:00Z`; None for no end.
        remark: its source; becomes a comment. Empty for none.
        tiers: its tiers; empty for a price without.
        is_volume: whether all units have the rate of one tier.
        package: how many units are sold together; None where they are sold one by one.
        window: for how long units are counted on.
    """

    resource: str
    usd: str | None
    per: int | None
    from_: str
    applies_to: AppliesTo | None
    remark: str
    tiers: tuple[TierEntry, ...] = ()
    is_volume: bool = False
    package: int | None = None
    window: Window = "hour"
    user: str | None = None
    until: str | None = None

    @property
    def place(self) -> _Place:
        """What it is the price of."""
        return self.resource, self.applies_to, self.user, parse_ts(self.from_)

    @property
    def price(self) -> Price:
        """What a price file with this price alone says.

        Raises:
            RuleBookError: it is no price.
        """
        return load_prices(PRICES_PATH, self.table.encode())[0]

    @property
    def form(self) -> dict[str, str]:
        """The values of `_FORM_KEYS` that it states, as TOML."""
        found = dict(self._amounts())
        if self.per is not None:
            found["per"] = str(self.per)
        if self.window != "hour":
            found["window"] = _quoted(self.window)
        if self.until is not None:
            found["until"] = self.until
        return found

    def _amounts(self) -> Iterator[tuple[str, str]]:
        if self.package is not None:
            usd = _quoted(self.usd or "")
            yield "package", f"{{ size = {self.package}, usd = {usd} }}"
        elif self.usd is not None:
            yield "usd", _quoted(self.usd)
        if self.tiers:
            yield "tiers", "".join(["[\n", *(f"  {_tier(tier)},\n" for tier in self.tiers), "]"])
        if self.is_volume:
            yield "mode", _quoted("volume")

    @property
    def table(self) -> str:
        """The price as a table of its own."""
        form = self.form
        until = form.pop("until", None)
        lines = [
            "[[price]]",
            f"# {self.remark}" if self.remark else "",
            f"resource = {_quoted(self.resource)}",
            *(f"{key} = {value}" for key, value in form.items()),
            f"from = {self.from_}",
            f"until = {until}" if until else "",
            f"applies_to = {_quoted(self.applies_to)}" if self.applies_to else "",
            f"user = {_quoted(self.user)}" if self.user else "",
        ]
        return "".join(f"{line}\n" for line in lines if line)


class InlinePricesError(ValueError):
    """The file states its prices as one inline list, which cannot be added to line by line."""


def merge_prices(text: str, entries: Iterable[PriceEntry]) -> str:
    """The text with these prices added, each in the place of the price it replaces or at the end.

    A price replaces the one with its resource, category, account and `from`, and only if it charges
    something else or ends in another hour; adding the same prices again gives the same text.

    Args:
        text: a valid price file.
        entries: the prices to add.

    Raises:
        InlinePricesError: prices are not stated as `[[price]]` tables.
        RuleBookError: an entry is no price.
    """
    document = tomlkit.parse(text)
    tables = document.get("price", tomlkit.aot())
    if not isinstance(tables, AoT):
        raise InlinePricesError("write each price as a [[price]] table of its own")
    present = load_prices(PRICES_PATH, text.encode())
    known = {
        (price.resource, price.applies_to, price.user, price.from_): (table, price)
        for table, price in zip(tables, present, strict=True)
    }
    added: dict[_Place, PriceEntry] = {}
    replaced = False
    for entry in entries:
        wanted = entry.price
        if entry.place not in known:
            added[entry.place] = entry
            continue
        table, price = known[entry.place]
        if (price.rate, price.until) != (wanted.rate, wanted.until):
            _restate(table, entry)
            replaced = True
    return _append(_dumped(document, text) if replaced else text, added.values())


def _restate(table: Table, entry: PriceEntry) -> None:
    """Let a table charge what another price does; its other keys and its comments stay."""
    form = entry.form
    for key in _FORM_KEYS:
        if key in table and key not in form:
            del table[key]
    body, after = table.value.body, []
    while body and body[-1][0] is None:  # blank lines and comments: a new key comes before them
        after.append(body.pop())
    for key, value in form.items():
        table[key] = tomlkit.value(value)
    body.extend(reversed(after))


def _dumped(document: tomlkit.TOMLDocument, before: str) -> str:
    dumped = tomlkit.dumps(document)
    return _LONE_NEWLINE.sub("\r\n", dumped) if "\r\n" in before else dumped


def _append(text: str, added: Collection[PriceEntry]) -> str:
    """The text with tables added; as text, because tomlkit attaches them to a last comment."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if added and text and not text.endswith("\n"):
        text += newline
    for entry in added:
        lines = ["", *entry.table.splitlines()]
        text += "".join(f"{line}{newline}" for line in lines[0 if text else 1 :])
    return text


def _tier(tier: TierEntry) -> str:
    parts = [
        "" if tier.up_to is None else f"up_to = {tier.up_to}",
        f"usd = {_quoted(tier.usd)}",
        "" if tier.flat_usd is None else f"flat_usd = {_quoted(tier.flat_usd)}",
    ]
    return f"{{ {', '.join(part for part in parts if part)} }}"


def _quoted(text: str) -> str:
    """A text as TOML states it, whatever is in it."""
    return tomlkit.string(text).as_string()
