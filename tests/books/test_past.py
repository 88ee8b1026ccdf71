"""What a change of the rule book does to hours that have begun, as the books tell it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rating.rating import Rater
from books.rule_book.past import NO_PRICE, PastChange, past_changes
from gitmeter.pricing.price_book import NoPrice
from tests.support.strategies import (
    CATEGORIES,
    HOURS,
    RESOURCES,
    Rules,
    discounts_toml,
    prices_toml,
    rules,
)
from wire_format.instants import hour_of, to_us
from wire_format.rule_book import RuleBook, parse_rule_book

FROM = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 3, 12, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def price(**values: object) -> dict[str, Any]:
    return {"resource": "r", "usd": "1", "per": 1, "from": FROM} | values


def book(
    *prices: dict[str, Any],
    imported: list[dict[str, Any]] | None = None,
    ladders: list[dict[str, Any]] | None = None,
) -> RuleBook:
    return parse_rule_book(
        prices_toml(prices), discounts_toml(ladders or []), prices_toml(imported or [])
    )


def told(before: RuleBook, after: RuleBook) -> list[str]:
    changes = past_changes(before, after, NOW)
    return [f"{change.what} {change.when}" for change in changes if change.was != NO_PRICE]


def test_hours_that_had_no_price_are_told_apart() -> None:
    """What was used in them is billed at last; nothing that was billed changes."""
    earlier = book(price(), price(usd="2", **{"from": FROM - DAY}))
    (change,) = past_changes(book(price()), earlier, NOW)
    assert (change.was, change.until_hour - change.from_hour) == (NO_PRICE, 24)


COMING = NOW.replace(minute=0) + HOUR


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ([price()], [], ["r: 1.00 USD per 1 becomes no price in 61 hours"]),
        ([price()], [price(usd="2")], ["r: 1.00 USD per 1 becomes 2.00 USD per 1 in 61 hours"]),
        ([price()], [price(usd="100", per=100)], []),
        ([price()], [price(usd="1.000")], []),
        ([], [price()], []),
        ([price()], [price(), price(resource="s")], []),
        ([price(**{"from": COMING})], [], []),
        ([price(**{"from": COMING - HOUR})], [], ["becomes no price in 1 hour, from"]),
        ([price()], [price(), price(usd="2", **{"from": COMING})], []),
        ([price()], [price(), price(usd="2", **{"from": FROM + DAY})], ["in 37 hours, from"]),
        ([price()], [price(**{"from": FROM + DAY})], ["no price in 24 hours, from 2026-01-01"]),
        ([price()], [price(**{"from": FROM - DAY})], []),
        ([price()], [price(), price(usd="2", applies_to="llm")], ["r (llm): 1.00"]),
        ([price()], [price(applies_to="llm")], ["r (hero_os_hourly, vm): 1.00 USD"]),
    ],
)
def test_what_begun_hours_use_is_told_when_it_changes(
    before: list[dict[str, Any]], after: list[dict[str, Any]], says: list[str]
) -> None:
    """The current hour has begun; a price for hours that had none changes nothing."""
    found = told(book(*before), book(*after))
    assert len(found) == len(says)
    assert all(part in text for part, text in zip(says, found, strict=True)), found


def test_an_own_price_over_an_imported_one_is_a_change_and_one_beneath_is_none() -> None:
    imported = [price(usd="5", applies_to="llm")]
    before = book(imported=imported)
    (change,) = told(before, book(price(), imported=imported))
    assert change.startswith("r (llm): 5.00 USD per 1 becomes 1.00 USD per 1 in 61 hours, from")
    assert told(book(price()), book(price(), imported=imported)) == []
    assert told(book(price()), book(imported=[price()])) == []  # moved, as it is


def tier(multiplier: str = "0.5", name: str = "week") -> dict[str, Any]:
    return {"name": name, "after_days": 7, "multiplier": multiplier, "applies_to": ["llm"]}


def ladder(*tiers: dict[str, Any], **values: object) -> dict[str, Any]:
    return {"from": FROM - 30 * DAY, "tiers": list(tiers)} | values


def test_another_ladder_is_a_change_of_the_hours_that_have_prices() -> None:
    """Of no other ones: a new rule book's ladder is free to be chosen."""
    one, other = [ladder(tier())], [ladder(tier("0.9"))]
    (change,) = past_changes(book(price(), ladders=one), book(price(), ladders=other), NOW)
    assert (change.rule, change.from_hour) == ("the discount ladder", hour_of(FROM))
    assert told(book(price(), ladders=one), book(price()))[0].startswith(
        "the discount ladder: week x0.5 after 7 days (llm) becomes no tiers in 61 hours"
    )
    assert len(told(book(price()), book(price(), ladders=one))) == 1
    assert told(book(ladders=one), book(ladders=other)) == []
    assert told(book(price(), ladders=one), book(price(), ladders=[ladder(tier(name="w"))])) == []
    later = [*one, ladder(tier("0.9"), **{"from": COMING})]
    assert told(book(price(), ladders=one), book(price(), ladders=later)) == []


def covers(change: PastChange, resource: str, category: str, hour: int) -> bool:
    name, _, categories = change.rule.partition(" (")
    is_named = not categories or category in categories.rstrip(")").split(", ")
    return (
        name in {resource, "the discount ladder"}
        and (is_named or name == "the discount ladder")
        and change.from_hour <= hour < change.until_hour
    )


@given(rules(), rules(), rules(), rules(), st.sampled_from(HOURS))
def test_the_aggregator_rates_begun_hours_anew_only_where_the_books_told_so(
    old: Rules, new: Rules, listed: Rules, later: Rules, now: datetime
) -> None:
    """And where they tell of a price, the aggregator has another one."""
    before, after = (
        parse_rule_book(b.prices_toml, b.discounts_toml, imported.prices_toml)
        for b, imported in ((old, listed), (new, later))
    )
    changes = past_changes(before, after, now)
    raters = Rater(before), Rater(after)
    begun = [hour_of(at) for at in HOURS if at <= now]
    for hour, resource, category in itertools.product(begun, RESOURCES, CATEGORIES):
        told_of = [change for change in changes if covers(change, resource, category, hour)]
        for paid_us in (None, to_us(min(HOURS)) - 10**15):
            one, two = (r.rate(10**6, resource, category, hour, paid_us) for r in raters)  # type: ignore[arg-type]
            assert told_of or one[1:] == two[1:]
        if any(change.rule != "the discount ladder" for change in told_of):
            prices = [r.price_at(resource, category, hour, "") for r in raters]  # type: ignore[arg-type]
            was, becomes = (None if isinstance(p, NoPrice) else p.rule.rate for p in prices)
            assert was != becomes
