"""Prices of language models from the package `genai-prices`, as prices of a rule book.

The package is data: providers, models, and for each model prices by kind of token, some with dates
from which they are in force. A kind's own price takes precedence over that of a more general kind,
so a node records each token once, under the most specific kind that its model has a price for: if
`cache_read_tokens` has a price, `input_tokens` counts only the others.

A price that depends on the length of a request becomes resources of their own: in a request with
more than 200,000 input tokens, cached ones among them, all tokens of a kind that has such a price
are recorded under `<kind>/over_200k`, not under `<kind>`.

A rule book states the price of a unit from an hour on. A price that depends on the time of day
cannot be stated there, and is refused unless the operator chooses one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
    long_suffix,
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
        base_price: of a price that depends on the length of a request, take that of short requests
            alone.
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
            hint="--at TIME takes the prices of one instant alone",
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
        kinds = {kind for kind, _ in stated_prices(prices)}
        if gone := before - kinds:
            yield f"{name}: {', '.join(sorted(gone))}: no price of its own from {format_ts(start)}"
        before = kinds
    if not before:
        yield f"{name}: {PACKAGE} has no prices of it"
        return
    resources = (entry.resource for entry in _entries(model, choice))
    if not is_resource(resource := max(resources, key=len)):
        yield f"{resource}: at most 200 letters, digits and . _ : / @ + - may name a resource"


def _entries(model: Model, choice: Choice) -> Iterator[PriceEntry]:
    source = f"{PACKAGE} {version(PACKAGE)}: {escape(model.found)}"
    timeline = _timeline(model.info, choice)
    borders = {} if choice.base_price else _borders(prices for _, prices in timeline)
    in_force: dict[str, Decimal] = {}
    for start, prices in timeline:
        for kind, price in stated_prices(prices):
            for over in (0, *borders.get(kind, ())):
                resource = _resource(model, choice, kind) + (long_suffix(over) if over else "")
                usd = _price_over(price, over)
                if in_force.get(resource) == usd:
                    continue  # the price before it stays in force
                in_force[resource] = usd
                remark = source + _length_remark(price, over)
                yield _entry(resource, usd, unit_data[kind]["per"], format_ts(start), remark)


def _entry(resource: str, usd: Decimal, per: int, from_: str, remark: str) -> PriceEntry:
    shift = max(0, _decimals(usd) - _DECIMALS_MAX)  # stays exact for more units
    return PriceEntry(
        resource=resource,
        usd=decimal_text(usd.scaleb(shift)),
        per=per * 10**shift,
        from_=from_,
        applies_to="llm",
        remark=remark,
    )


def _borders(timeline: Iterable[ModelPrice]) -> dict[str, list[int]]:
    """Of each kind the lengths of a request beyond which another price ever holds.

    Where it holds for a part of the time alone, requests of that length have the price of shorter
    ones before or after it.
    """
    found: defaultdict[str, set[int]] = defaultdict(set)
    for prices in timeline:
        for kind, price in stated_prices(prices):
            if isinstance(price, TieredPrices):
                found[kind].update(tier.start for tier in price.tiers if tier.start)
    return {kind: sorted(starts) for kind, starts in found.items()}


def _price_over(price: Decimal | TieredPrices, tokens: int) -> Decimal:
    """The price in a request with a little more than this many input tokens."""
    if isinstance(price, Decimal):
        return price
    begun = [tier.price for tier in price.tiers if tier.start <= tokens]
    return begun[-1] if begun else price.base


def _length_remark(price: Decimal | TieredPrices, over: int) -> str:
    if over:
        return f", requests of more than {over} input tokens"
    return ", requests below the first tier" if isinstance(price, TieredPrices) else ""


def _resource(model: Model, choice: Choice, kind: str) -> str:
    return f"{choice.prefix}/{model.provider}/{model.name}/{kind}"


def _decimals(usd: Decimal) -> int:
    """How many digits follow the point, without zeros at the end."""
    return len(f"{usd:f}".partition(".")[2].rstrip("0"))
