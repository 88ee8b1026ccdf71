"""Which price holds for a series in an hour, and C(q): what a quantity costs (section 4)."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from tests.support.naive.basics import instant, nano
from tests.support.naive.facts import Table


def price_of(
    prices: Sequence[Table], user: str, resource: str, category: str, hour: int
) -> Table | None:
    """The price in force: of the closest class, and in it the one that began last."""
    best: Table | None = None
    for price in prices:
        for name, value in (("resource", resource), ("user", user), ("applies_to", category)):
            if price.get(name) is not None and price[name] != value:
                break
        else:
            begun = instant(price["from"]) <= hour
            ended = price.get("until") is not None and instant(price["until"]) <= hour
            if begun and not ended and (best is None or _closeness(price) > _closeness(best)):
                best = price
    return best


def cost(price: Table, quantity: int, window_total: int) -> Fraction:
    """C(quantity) in exact nano-dollars; a volume price has the rate of the window's total."""
    if quantity == 0:
        return Fraction(0)
    if "package" in price:
        package = price["package"]
        return ceil(Fraction(quantity, package["size"])) * nano(package["usd"])
    per = int(price.get("per", 1))
    if "tiers" not in price:
        return quantity * nano(price["usd"]) / per
    tiers = price["tiers"]
    if price.get("mode", "graduated") == "volume":
        tier = next(t for t in tiers if window_total <= t.get("up_to", window_total))
        return quantity * nano(tier["usd"]) / per + nano(tier.get("flat_usd", "0"))
    total = Fraction(0)
    below = 0
    for tier in tiers:
        within = min(quantity, tier.get("up_to", quantity)) - below
        if within > 0:
            total += within * nano(tier["usd"]) / per + nano(tier.get("flat_usd", "0"))
            below += within
    return total


def _closeness(price: Table) -> tuple[bool, bool, int]:
    user, category = price.get("user") is not None, price.get("applies_to") is not None
    return user, category, instant(price["from"])
