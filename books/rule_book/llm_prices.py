"""Prices of language models from the package `genai-prices`, as prices of a rule book.

The package is data: providers, models, and for each model prices by kind of token, some with dates
from which they are in force. A kind's own price takes precedence over that of a more general kind,
so a node records each token once, under the most specific kind that its model has a price for: if
`cache_read_tokens` has a price, `input_tokens` counts only the others.

A rule book states the price of a unit from an hour on. A price that depends on the length of a
request or on the time of day cannot be stated there, and is refused unless the operator chooses
one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Final

from genai_prices.data_units import unit_data
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from books.rule_book.llm_models import (
    PACKAGE,
    LlmPriceError,
    Model,
    conditions,
    decimal_text,
    depends_on_time_of_day,
    stated_prices,
)
from books.rule_book.price_file import PriceEntry
from gitmeter.support.terminal import escape
from wire_format.fields import is_resource
from wire_format.instants import format_ts
from wire_format.money import PRICE_SCALE

FROM_DEFAULT: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The first hour of a price without a date in the package: the first hour there can be."""

PREFIX_DEFAULT: Final = "llm"
_DECIMALS_MAX: Final = len(str(PRICE_SCALE)) - 1


@dataclass(frozen=True)
class Choice:
    """Which of a model's prices to take.

    Attributes:
        prefix: the first part of the resources: `<prefix>/<provider>/<model>/<kind>`.
        from_: the first hour the prices are in force; earlier prices are left out. None: the hour
            of `at`, or the first there can be.
        at: take only the price in force at this instant.
        base_price: of a price that rises with the length of a request, take that of short requests.
    """

    prefix: str = PREFIX_DEFAULT
    from_: datetime | None = None
    at: datetime | None = None
    base_price: bool = False

    @property
    def first_hour(self) -> datetime:
        """The first hour of the first price."""
        if self.from_ is not None:
            return self.from_
        if self.at is not None:
            return self.at.replace(minute=0, second=0, microsecond=0)
        return FROM_DEFAULT


def price_entries(models: Sequence[Model], choice: Choice) -> list[PriceEntry]:
    """The prices of models as entries of a price file.

    Raises:
        LlmPriceError: with everything that cannot be stated in a rule book; nothing is left out
            silently.
    """
    entries: list[PriceEntry] = []
    faults: list[str] = []
    for model in models:
        if found := list(_faults(model, choice)):
            faults += found
        else:
            entries += _entries(model, choice)
    if faults:
        raise LlmPriceError(
            faults,
            hint="--base-price takes the price of short requests, --at TIME the price of one"
            " instant alone",
        )
    return entries


def _timeline(info: ModelInfo, choice: Choice) -> list[tuple[datetime, ModelPrice]]:
    """The prices with the instant from which each is in force, oldest first."""
    if choice.at is not None:
        return [(choice.first_hour, info.get_prices(choice.at))]
    starts = {
        datetime.combine(each.constraint.start_date, time(), UTC)
        for each in conditions(info)
        if isinstance(each.constraint, StartDateConstraint)
    }
    later = sorted(start for start in starts if start > choice.first_hour)
    return [(start, info.get_prices(start)) for start in [choice.first_hour, *later]]


def _faults(model: Model, choice: Choice) -> Iterator[str]:
    """Why the prices of a model cannot be stated."""
    name = f"{model.provider}:{model.name}"
    if choice.at is None and depends_on_time_of_day(model.info):
        yield f"{name}: its prices depend on the time of day"
        return
    before: set[str] = set()
    for start, prices in _timeline(model.info, choice):
        kinds = dict(stated_prices(prices))
        tiered = [kind for kind, price in kinds.items() if isinstance(price, TieredPrices)]
        if tiered and not choice.base_price:
            yield (
                f"{name}: from {format_ts(start)} the prices of {', '.join(tiered)} depend on the"
                " length of the request"
            )
        if gone := before - set(kinds):
            yield f"{name}: {', '.join(sorted(gone))}: no price of its own from {format_ts(start)}"
        before = set(kinds)
    if not before:
        yield f"{name}: {PACKAGE} has no prices of it"
    if before and not is_resource(resource := _resource(model, choice, max(before, key=len))):
        yield f"{resource}: at most 200 letters, digits and . _ : / @ + - may name a resource"


def _entries(model: Model, choice: Choice) -> Iterator[PriceEntry]:
    source = f"{PACKAGE} {version(PACKAGE)}: {escape(model.found)}"
    in_force: dict[str, Decimal] = {}
    for start, prices in _timeline(model.info, choice):
        for kind, price in stated_prices(prices):
            usd = price.base if isinstance(price, TieredPrices) else price
            if in_force.get(kind) == usd:
                continue  # the price before it stays in force
            in_force[kind] = usd
            short = ", requests below the first tier" if isinstance(price, TieredPrices) else ""
            shift = max(0, _decimals(usd) - _DECIMALS_MAX)  # stays exact for more units
            yield PriceEntry(
                resource=_resource(model, choice, kind),
                usd=decimal_text(usd.scaleb(shift)),
                per=unit_data[kind]["per"] * 10**shift,
                from_=format_ts(start),
                applies_to="llm",
                remark=source + short,
            )


def _resource(model: Model, choice: Choice, kind: str) -> str:
    return f"{choice.prefix}/{model.provider}/{model.name}/{kind}"


def _decimals(usd: Decimal) -> int:
    """How many digits follow the point, without zeros at the end."""
    return len(f"{usd:f}".partition(".")[2].rstrip("0"))
