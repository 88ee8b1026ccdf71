"""Prices of language models: imported, rated, and compared with what others recorded."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.data_units import unit_data
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    calc_unit_price,
)

from aggregator.rating.rating import ChargeState, Rater
from books.rule_book.llm_models import (
    LlmPriceError,
    Model,
    conditions,
    find_model,
    list_models,
    long_suffix,
    split_length,
)
from books.rule_book.llm_prices import FROM_DEFAULT, Choice, price_entries
from books.rule_book.price_file import merge_prices
from fixtures.data import llm_priced
from wire_format.instants import hour_of
from wire_format.rule_book import parse_rule_book

PRICED_AT = datetime(2026, 7, 1, 6, tzinfo=UTC)
"""The time at which the recorded prices were computed."""

HALF_NANO = Decimal("0.0000000005")
NANO = Decimal(10) ** 9
HOUR = timedelta(hours=1)


class Case(NamedTuple):
    """A recorded call.

    Attributes:
        provider, model: who was called.
        usage: kind of usage to count; a more general kind includes the more specific ones.
        input_usd, output_usd: what it should cost.
    """

    provider: str
    model: str
    usage: dict[str, int]
    input_usd: Decimal
    output_usd: Decimal

    @property
    def name(self) -> str:
        """As the command line takes it."""
        return f"{self.provider}:{self.model}"


@cache
def recorded() -> tuple[Case, ...]:
    return tuple(
        Case(
            row["provider"],
            row["model"],
            row["usage"],
            Decimal(row["input_price"]),
            Decimal(row["output_price"]),
        )
        for row in map(json.loads, llm_priced())
    )


@cache
def prices_of(name: str, at: datetime) -> dict[str, Decimal | TieredPrices]:
    """Kind to price at an instant, of the model that the package finds by this name."""
    provider, _, model = name.partition(":")
    _, info = get_snapshot().find_provider_model(model, None, provider, None)
    return prices_at(info, at)


def prices_at(info: ModelInfo, at: datetime) -> dict[str, Decimal | TieredPrices]:
    prices = info.get_prices(at)
    found = {kind: getattr(prices, unit["price_key"]) for kind, unit in unit_data.items()}
    return {kind: price for kind, price in found.items() if price is not None}


def depends_on_length(name: str) -> bool:
    return any(isinstance(price, TieredPrices) for price in prices_of(name, PRICED_AT).values())


def reads_or_writes_cache(case: Case) -> bool:
    return any("cache" in kind for kind in case.usage)


@cache
def cases() -> tuple[Case, ...]:
    """All calls without a cache dimension, of models whose price at that time has no tiers."""
    return tuple(
        case
        for case in recorded()
        if not reads_or_writes_cache(case) and not depends_on_length(case.name)
    )


def dimensions(kind: str) -> set[tuple[str, str]]:
    return set(unit_data[kind]["dimensions"].items())


def recorded_once(usage: dict[str, int], priced: set[str]) -> dict[str, int]:
    """What a node records: each token once, under the most specific kind that has a price."""
    left: dict[str, int] = {}
    for kind in sorted(priced & set(usage), key=lambda kind: -len(dimensions(kind))):
        covered = sum(
            units for other, units in left.items() if dimensions(other) > dimensions(kind)
        )
        left[kind] = usage[kind] - covered
    return left


def test_the_calls_without_cache_or_tiers_are_2734() -> None:
    """1,963 of them state input and output tokens alone, 771 say more: text, audio, reasoning.

    Of the others 125 read or write a cache, and 615 are of models with tiers.
    """
    plain = [case for case in cases() if set(case.usage) <= {"input_tokens", "output_tokens"}]
    assert (len(plain), len(cases()) - len(plain)) == (1963, 771)
    assert len(cases()) == 2734
    cached = sum(map(reads_or_writes_cache, recorded()))
    tiered = sum(
        depends_on_length(case.name) for case in recorded() if not reads_or_writes_cache(case)
    )
    assert (cached, tiered, len(recorded())) == (125, 615, 3474)


@pytest.fixture(scope="module")
def rater() -> Rater:
    """Rates under a book with the imported prices of every model that has any."""
    named = dict.fromkeys(case.name for case in recorded())
    models = [find_model(name) for name in named if prices_of(name, PRICED_AT)]
    book = merge_prices("", price_entries(models, Choice(at=PRICED_AT)))
    return Rater(parse_rule_book(book.encode(), None))


def length_of(price: Decimal | TieredPrices, input_tokens: int) -> str:
    """What a node adds to the resource of a kind, by all input tokens of the request."""
    tiers = price.tiers if isinstance(price, TieredPrices) else []
    begun = [tier.start for tier in tiers if input_tokens > tier.start]
    return f"/over_{begun[-1] // 1000}k" if begun else ""


def is_long(case: Case) -> bool:
    prices = prices_of(case.name, PRICED_AT).values()
    return any(length_of(price, case.usage.get("input_tokens", 0)) for price in prices)


def rated_usd(rater: Rater, case: Case) -> tuple[Decimal, Decimal]:
    """What the aggregator charges for the input and the output of a call."""
    cost_nano: defaultdict[str | None, int] = defaultdict(int)
    prices = prices_of(case.name, PRICED_AT)
    for kind, units in recorded_once(case.usage, set(prices)).items():
        over = length_of(prices[kind], case.usage.get("input_tokens", 0))
        resource = f"llm/{case.provider}/{case.model}/{kind}{over}"
        rating = rater.rate(units, resource, "llm", hour_of(PRICED_AT), None)
        assert rating.state is ChargeState.RATED, resource
        cost_nano[unit_data[kind]["dimensions"].get("direction")] += rating.list_cost_nano
    return cost_nano["input"] / NANO, cost_nano["output"] / NANO


def is_off(rater: Rater, case: Case) -> bool:
    input_usd, output_usd = rated_usd(rater, case)
    off = (input_usd - case.input_usd, output_usd - case.output_usd)
    return max(map(abs, off)) > HALF_NANO


def test_imported_prices_give_the_recorded_prices(rater: Rater) -> None:
    """Within half a nano-dollar for input and for output, on all 2,734 calls."""
    assert [case for case in cases() if is_off(rater, case)] == []


def test_calls_that_use_a_cache_have_the_recorded_prices_too(rater: Rater) -> None:
    """108 calls of models without tiers."""
    cached = [
        case
        for case in recorded()
        if reads_or_writes_cache(case) and not depends_on_length(case.name)
    ]
    assert len(cached) == 108
    assert [case for case in cached if is_off(rater, case)] == []


def test_calls_of_models_by_the_length_of_a_request_have_the_recorded_prices(rater: Rater) -> None:
    """All 632 of them, 17 with a cache; six are beyond the border of their model."""
    by_length = [case for case in recorded() if depends_on_length(case.name)]
    long = [case for case in by_length if is_long(case)]
    assert (len(by_length), len(long)) == (632, 6)
    assert [case for case in by_length if is_off(rater, case)] == []


def test_the_comparison_would_notice_a_wrong_price(rater: Rater) -> None:
    """A thousandth more on each price, and most calls are off (the others cost next to nothing)."""
    dearer = [
        price.model_copy(update={"usd": f"{Decimal(price.usd or 0) * Decimal('1.001'):.15f}"})
        for price in rater.rule_book.prices
    ]
    other = Rater(rater.rule_book.model_copy(update={"prices": tuple(dearer)}))
    assert sum(is_off(other, case) for case in cases()) > len(cases()) // 2


def test_models_without_any_price_cost_nothing_in_the_records_and_are_refused() -> None:
    """Three calls, of two models: no price in the book, so their charges are unpriced, at 0."""
    free = [case for case in cases() if not prices_of(case.name, PRICED_AT)]
    assert [(case.input_usd, case.output_usd) for case in free] == [(Decimal(0), Decimal(0))] * 3
    for case in free:
        with pytest.raises(LlmPriceError, match="has no prices of it"):
            price_entries([find_model(case.name)], Choice(at=PRICED_AT))


def importable() -> Iterator[str]:
    for listed in list_models("", PRICED_AT):
        if not {"length", "time of day"} & set(listed.depends_on):
            yield listed.model


def test_a_book_with_all_dates_prices_each_hour_as_the_package_does() -> None:
    """For every model with dated prices: on the days around each change, and far from it."""
    dated = [row.model for row in list_models("", PRICED_AT) if "date" in row.depends_on]
    assert len(dated) == 13
    for name in dated:
        model = find_model(name)
        entries = price_entries([model], Choice(base_price=True))
        rater = Rater(parse_rule_book(merge_prices("", entries).encode(), None))
        starts = {datetime.fromisoformat(entry.from_) for entry in entries}
        for at in {start + days * timedelta(hours=1) for start in starts for days in (-1, 0, 1)}:
            if at < FROM_DEFAULT:
                continue
            for kind, price in prices_at(model.info, at).items():
                resource = f"llm/{name.replace(':', '/', 1)}/{kind}"
                rating = rater.rate(unit_data[kind]["per"], resource, "llm", hour_of(at), None)
                flat = price.base if isinstance(price, TieredPrices) else price
                assert rating.list_cost_nano == flat * NANO, (resource, at)


def test_every_model_with_flat_prices_can_be_stated() -> None:
    """All but a few names whose characters no resource may have."""
    refused = []
    for name in importable():
        try:
            entries = price_entries([find_model(name)], Choice(at=PRICED_AT))
        except LlmPriceError as error:
            refused += error.faults
        else:
            assert parse_rule_book(merge_prices("", entries).encode(), None).prices
    assert all("may name a resource" in f or "has no prices" in f for f in refused)


def test_a_price_of_too_many_decimals_is_stated_exactly_for_more_units() -> None:
    name = "openrouter:google/gemini-2.5-flash-lite"
    entries = price_entries([find_model(name)], Choice())
    (found,) = [entry for entry in entries if entry.resource.endswith("/cache_write_tokens")]
    assert (found.usd, found.per) == ("8.333333333333334", 100_000_000)
    assert prices_of(name, PRICED_AT)["cache_write_tokens"] == Decimal("0.08333333333333334")


def test_prices_by_the_time_of_day_are_refused_unless_an_instant_is_named() -> None:
    model = find_model("deepseek:deepseek-chat")
    with pytest.raises(LlmPriceError, match="depend on the time of day") as caught:
        price_entries([model], Choice(base_price=True))
    assert "--at" in caught.value.hint
    entries = price_entries([model], Choice(at=PRICED_AT))
    assert {e.resource.rpartition("/")[2]: (e.usd, e.from_) for e in entries} == {
        "input_tokens": ("0.27", "2026-07-01T06:00:00Z"),
        "cache_read_tokens": ("0.07", "2026-07-01T06:00:00Z"),
        "output_tokens": ("1.10", "2026-07-01T06:00:00Z"),
    }


def by_length() -> list[Model]:
    """Every model with a price that depends on the length of a request, at any date."""
    found = []
    for listed in list_models("", PRICED_AT):
        model = find_model(listed.model)
        dates = [
            datetime.combine(each.constraint.start_date, time(), UTC)
            for each in conditions(model.info)
            if isinstance(each.constraint, StartDateConstraint)
        ]
        prices = [p for at in (FROM_DEFAULT, *dates) for p in prices_at(model.info, at).values()]
        if any(isinstance(price, TieredPrices) for price in prices):
            found.append(model)
    return found


def test_every_model_with_prices_by_the_length_of_a_request_comes_in() -> None:
    """With the package's own figure for a request at and over each border, whenever it is made."""
    models = by_length()
    seen = set()
    for model in models:
        entries = price_entries([model], Choice())
        rater = Rater(parse_rule_book(merge_prices("", entries).encode(), None))
        starts = {datetime.fromisoformat(entry.from_) for entry in entries}
        for at in {max(FROM_DEFAULT, s - gap) for s in starts for gap in (timedelta(), HOUR)}:
            for kind, price in prices_at(model.info, at).items():
                tiers = price.tiers if isinstance(price, TieredPrices) else []
                for tokens in {0, *(tier.start + more for tier in tiers for more in (0, 1))}:
                    over, per = length_of(price, tokens), unit_data[kind]["per"]
                    resource = f"llm/{model.provider}/{model.name}/{kind}{over}"
                    rating = rater.rate(per, resource, "llm", hour_of(at), None)
                    figure = calc_unit_price(price, per, tokens, per)
                    assert rating.list_cost_nano == figure * NANO, (resource, at)
                    seen.add(over)
    assert len(models) == 23
    assert seen == {"", "/over_128k", "/over_200k", "/over_272k", "/over_512k"}


def test_a_length_that_mattered_for_some_time_has_a_price_at_all_times() -> None:
    """Who goes on recording it pays what shorter requests cost once there is no difference."""
    entries = price_entries([find_model("anthropic:claude-opus-4-6")], Choice())
    found = {(e.resource.rpartition("4-6/")[2], e.from_[:10]): e.usd for e in entries}
    assert found["input_tokens/over_200k", "2000-01-01"] == "10.00"
    assert found["input_tokens/over_200k", "2026-03-13"] == found["input_tokens", "2000-01-01"]
    later = price_entries([find_model("aws:openai.gpt-5.6-luna")], Choice())
    inputs = [(e.resource.rpartition("luna/")[2], e.usd) for e in later if "input" in e.resource]
    assert inputs[:2] == [("input_tokens", inputs[0][1]), ("input_tokens/over_272k", inputs[0][1])]
    assert inputs[-1] == ("input_tokens/over_272k", "0.44")


def test_the_prices_of_short_requests_alone_are_taken_if_that_is_asked_for() -> None:
    entries = price_entries([find_model("google:gemini-2.5-pro")], Choice(base_price=True))
    assert entries[0].usd == "1.25"
    assert all("below the first tier" in entry.remark for entry in entries)
    assert not any("over" in entry.resource for entry in entries)


@pytest.mark.parametrize(
    ("tokens", "suffix"),
    [(200_000, "/over_200k"), (1_000_000, "/over_1000k"), (1500, "/over_1500")],
)
def test_a_length_is_read_back_from_the_name_of_its_resource(tokens: int, suffix: str) -> None:
    assert long_suffix(tokens) == suffix
    assert split_length(f"llm/p/m/input_tokens{suffix}") == ("llm/p/m/input_tokens", tokens)
    for other in ("llm/p/m/input_tokens", "llm/p/over_x/input_tokens"):
        assert split_length(other) == (other, 0)


def test_everything_in_the_way_is_said_at_once_and_nothing_is_imported_in_part() -> None:
    named = ("openai:o3", "deepseek:deepseek-chat", "aws:amazon.nova-lite-v1:0")
    models = [find_model(name) for name in named]
    models[2] = models[2]._replace(name="x" * 200)
    with pytest.raises(LlmPriceError) as caught:
        price_entries(models, Choice())
    assert ["time of day" in f or "may name a resource" in f for f in caught.value.faults] == [
        True,
        True,
    ]


def test_dates_become_first_hours_and_from_leaves_earlier_prices_out() -> None:
    model = find_model("openai:o3")
    whole = price_entries([model], Choice())
    inputs = [(e.from_, e.usd) for e in whole if e.resource.endswith("/input_tokens")]
    assert inputs == [("2000-01-01T00:00:00Z", "10.00"), ("2025-06-10T00:00:00Z", "2.00")]
    late = price_entries([model], Choice(from_=datetime(2026, 1, 1, tzinfo=UTC)))
    assert {(e.from_, e.usd) for e in late if e.resource.endswith("/input_tokens")} == {
        ("2026-01-01T00:00:00Z", "2.00")
    }
    day_before = datetime(2025, 6, 9, tzinfo=UTC)
    both = price_entries([model], Choice(from_=day_before))
    assert [e.from_ for e in both if e.resource.endswith("/output_tokens")] == [
        "2025-06-09T00:00:00Z",
        "2025-06-10T00:00:00Z",
    ]


def test_a_kind_that_loses_its_price_is_refused() -> None:
    """In the package its tokens then count as a more general kind; a price would go on instead."""
    info = ModelInfo(
        id="m",
        match=ClauseEquals("m"),
        prices=[
            ConditionalPrice(
                prices=ModelPrice(input_mtok=Decimal(2), cache_read_mtok=Decimal(1)),
            ),
            ConditionalPrice(
                StartDateConstraint(date(2026, 1, 1)), prices=ModelPrice(input_mtok=Decimal(2))
            ),
        ],
    )
    with pytest.raises(LlmPriceError, match="cache_read_tokens: no price of its own from 2026"):
        price_entries([Model("p", "m", "p:m", info)], Choice())


def test_resources_carry_the_names_that_the_operator_gave() -> None:
    """Nodes record the name they called; the package knows it as another."""
    model = find_model("openai:gpt-4o-2024-08-06")
    assert model.found == "openai:gpt-4o"
    (first, *_) = price_entries([model], Choice(prefix="ai"))
    assert first.resource == "ai/openai/gpt-4o-2024-08-06/input_tokens"


@pytest.mark.parametrize("text", ["gpt-4o", ":x", "openai:", "nobody:gpt-4o", "openai:no-such-1"])
def test_an_unknown_model_is_refused(text: str) -> None:
    with pytest.raises(LlmPriceError):
        find_model(text)
