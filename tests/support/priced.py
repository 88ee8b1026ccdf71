"""Prices of every form for tests, what they cost unit by unit, and series rated by them.

A price is a dictionary as `rules/prices.toml` states it, with `from` as ISO text.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st

from aggregator.rating.rating import COST_MAX_NANO_DEFAULT, Rater
from aggregator.rating.series import Payer, RatedUse, SeriesRater
from aggregator.rating.tariff import Tariff
from aggregator.rating.windows import Use
from gitmeter.money.tenure import BEFORE_ALL_HOURS, TenureStep
from tests.support.case_rules import prices_toml
from wire_format.instants import HOUR_US, hour_of, parse_ts
from wire_format.money import NANO
from wire_format.rule_book import RuleBook, parse_rule_book

Form = Mapping[str, Any]

LONG_AGO: Final = "2020-01-01T00:00:00Z"
RESOURCE: Final = "search/queries"

USD = ("0", "1", "0.25", "0.333333333333333", "10", "0.000000001", "0.0000000003")


def price(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - as the file has them
    """A price of `RESOURCE` for all hours; `values` state its form and may change the rest."""
    return {"resource": RESOURCE, "from": LONG_AGO} | values


def tiers(mode: str, *stated: tuple[int | None, str, str], per: int = 1) -> Form:
    """A price with tiers: last unit, dollars for `per` units, flat dollars."""
    listed = [
        ({} if up_to is None else {"up_to": up_to}) | {"usd": usd, "flat_usd": flat}
        for up_to, usd, flat in stated
    ]
    return {"mode": mode, "tiers": listed, "per": per}


def package(size: int, usd: str) -> Form:
    """A price of packages."""
    return {"package": {"size": size, "usd": usd}}


def book(
    *prices: Form, imported: Iterable[Form] = (), discounts: bytes | None = b"", plans: bytes = b""
) -> RuleBook:
    """A rule book; without discounts unless they are given."""
    listed = prices_toml(imported).encode()
    return parse_rule_book(prices_toml(prices).encode(), discounts, listed, plans_toml=plans)


def tariff(stated: Form) -> Tariff:
    """What units cost under one price."""
    (found,) = book(stated).prices
    return Tariff(found)


def hour_at(text: str) -> int:
    """The number of a clock hour: `2026-11-01T00`."""
    return hour_of(parse_ts(f"{text}:00:00Z"))


def rated(
    prices: RuleBook | Sequence[Form],
    uses: Mapping[str, int],
    *,
    user: str = "alice",
    paid: str | None = None,
    cost_max_nano: int = COST_MAX_NANO_DEFAULT,
) -> list[RatedUse]:
    """What one account pays for `RESOURCE` as `llm`, by hour as `hour_at` has it.

    Args:
        prices: the rules, or prices without discounts.
        uses: units.
        user: the account.
        paid: the hour from which its tenure counts.
        cost_max_nano: the limit of a charge.
    """
    rules = prices if isinstance(prices, RuleBook) else book(*prices)
    rater = Rater(rules, cost_max_nano)
    paid_us = None if paid is None else hour_at(paid) * HOUR_US
    tenure = (TenureStep(BEFORE_ALL_HOURS, paid_us),)
    series = SeriesRater(rater, Payer(user, tenure, rater.no_plans), RESOURCE, "llm")
    by_hour = sorted((hour_at(text), units) for text, units in uses.items())
    return list(series.rate([Use(hour, units) for hour, units in by_hour]))


def naive_nano(stated: Form, units: int, total: int) -> Fraction:
    """What the first `units` of a window cost in nano-dollars, one unit after the other."""
    per = stated.get("per", 1)
    cost = Fraction(0)
    for unit in range(1, units + 1):
        if "package" in stated:
            is_first = (unit - 1) % stated["package"]["size"] == 0
            cost += Fraction(stated["package"]["usd"]) if is_first else 0
        elif "tiers" not in stated:
            cost += Fraction(stated["usd"]) / per
        else:
            is_volume = stated.get("mode") == "volume"
            tier, begins = _tier(stated["tiers"], total if is_volume else unit)
            cost += Fraction(tier["usd"]) / per
            if unit == (1 if is_volume else begins):
                cost += Fraction(tier.get("flat_usd", "0"))
    return cost * NANO


def _tier(tiers: Iterable[Form], unit: int) -> tuple[Form, int]:
    """The tier of a unit, and the first unit of that tier."""
    begins = 1
    for tier in tiers:
        if unit <= tier.get("up_to", unit):
            return tier, begins
        begins = tier["up_to"] + 1
    raise AssertionError("the last tier is open")


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    """What a price charges: a rate, tiers or packages, with borders that few units reach."""
    usd = st.sampled_from(USD)
    form = draw(st.sampled_from(["usd", "package", "graduated", "volume"]))
    if form == "package":
        return {"package": {"size": draw(st.integers(1, 7)), "usd": draw(usd)}}
    per = {"per": draw(st.sampled_from([1, 3, 7]))}
    if form == "usd":
        return {"usd": draw(usd), **per}
    borders = sorted(draw(st.sets(st.integers(1, 20), max_size=3)))
    tiers: list[dict[str, Any]] = [{"up_to": border, "usd": draw(usd)} for border in borders]
    tiers.append({"usd": draw(usd)})
    for tier in tiers:
        if draw(st.booleans()):
            tier["flat_usd"] = draw(usd)
    return {"tiers": tiers, "mode": form, **per}
