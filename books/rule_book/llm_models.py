"""The models of the package `genai-prices`: find one by name, list them, read their prices.

Nothing is fetched over the network: the installed package counts, which is pinned.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Final, NamedTuple

from genai_prices.data_snapshot import DataSnapshot, find_provider_by_id, get_snapshot
from genai_prices.data_units import unit_data
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
)

from gitmeter.support.errors import GitmeterError

PACKAGE: Final = "genai-prices"
_DECIMALS_MIN: Final = 2
_LONG: Final = re.compile(r"/over_([0-9]+)(k?)")
_THOUSAND: Final = 1000


class LlmPriceError(GitmeterError):
    """Prices of a model cannot be put into a rule book.

    Attributes:
        faults: a sentence for each reason.
    """

    def __init__(self, faults: list[str], *, hint: str = "") -> None:
        super().__init__("nothing was imported: " + "; ".join(faults), hint=hint)
        self.faults = faults


class Model(NamedTuple):
    """A model as the operator names it.

    Attributes:
        provider, name: as given; they become part of the resources, as nodes record them.
        found: the package's name of it, `provider:model`.
        info: the package's model.
    """

    provider: str
    name: str
    found: str
    info: ModelInfo


def find_model(text: str) -> Model:
    """Find `PROVIDER:MODEL` as the package does: by any of a model's names.

    Raises:
        LlmPriceError: there is none.
    """
    provider, colon, name = text.partition(":")
    if not (provider and colon and name):
        raise LlmPriceError([f"{text} is not PROVIDER:MODEL, such as openai:gpt-4o"])
    try:
        owner, info = _snapshot().find_provider_model(name, None, provider, None)
    except LookupError:
        owner, info = _find_by_id(provider, name)
    return Model(provider, name, f"{owner.id}:{info.id}", info)


def _find_by_id(provider: str, name: str) -> tuple[Provider, ModelInfo]:
    """Find a model by the package's own name of it, which its matching misses for some."""
    owner = find_provider_by_id(_snapshot().providers, provider)
    if owner is not None:
        for info in owner.models:
            if info.id.lower() == name.lower():
                return owner, info
    raise LlmPriceError(
        [f"{PACKAGE} {version(PACKAGE)} knows no model {provider}:{name}"],
        hint="`books prices list-llm SEARCH` lists what it knows",
    )


class ListedModel(NamedTuple):
    """A model that the package knows.

    Attributes:
        model: `provider:model`.
        input_usd, output_usd: for a million tokens, of a short request; None without such a price.
        depends_on: what its prices depend on: `length` of a request, `date`, `time of day`.
    """

    model: str
    input_usd: str | None
    output_usd: str | None
    depends_on: list[str]


def list_models(search: str, now: datetime) -> Iterator[ListedModel]:
    """The models with `search` in their `provider:model`, with their prices at `now`."""
    for provider in _snapshot().providers:
        for info in provider.models:
            name = f"{provider.id}:{info.id}"
            if search.lower() in name.lower():
                prices = dict(stated_prices(info.get_prices(now)))
                yield ListedModel(
                    name,
                    _shown(prices.get("input_tokens")),
                    _shown(prices.get("output_tokens")),
                    list(_dependencies(info, now)),
                )


def conditions(info: ModelInfo) -> list[ConditionalPrice]:
    """The conditional prices of a model; empty if it has one price."""
    return info.prices if isinstance(info.prices, list) else []


def _dependencies(info: ModelInfo, now: datetime) -> Iterator[str]:
    if any(isinstance(price, TieredPrices) for _, price in stated_prices(info.get_prices(now))):
        yield "length"
    if any(isinstance(each.constraint, StartDateConstraint) for each in conditions(info)):
        yield "date"
    if depends_on_time_of_day(info):
        yield "time of day"


def depends_on_time_of_day(info: ModelInfo) -> bool:
    """Whether a model has prices for some hours of each day."""
    return any(
        each.constraint is not None and not isinstance(each.constraint, StartDateConstraint)
        for each in conditions(info)
    )


def stated_prices(prices: ModelPrice) -> Iterator[tuple[str, Decimal | TieredPrices]]:
    """Each kind of usage with its price, for the number of units in `unit_data`."""
    for kind, unit in unit_data.items():
        price = getattr(prices, unit["price_key"], None)
        if isinstance(price, Decimal | TieredPrices):
            yield kind, price


def decimal_text(usd: Decimal) -> str:
    """A price in digits, with at least two decimals."""
    whole, _, fraction = f"{usd:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(_DECIMALS_MIN, '0')}"


def long_suffix(tokens: int) -> str:
    """What follows the kind in the resource of long requests: `/over_200k` for 200,000 tokens."""
    thousands, rest = divmod(tokens, _THOUSAND)
    return f"/over_{tokens}" if rest else f"/over_{thousands}k"


def split_length(resource: str) -> tuple[str, int]:
    """A resource without what `long_suffix` adds, and the tokens that it says; 0 without."""
    head, slash, tail = resource.rpartition("/")
    found = _LONG.fullmatch(slash + tail)
    if found is None:
        return resource, 0
    return head, int(found[1]) * (_THOUSAND if found[2] else 1)


def _snapshot() -> DataSnapshot:
    """The data of the installed package."""
    return get_snapshot()


def _shown(price: Decimal | TieredPrices | None) -> str | None:
    if price is None:
        return None
    return decimal_text(price.base if isinstance(price, TieredPrices) else price)
