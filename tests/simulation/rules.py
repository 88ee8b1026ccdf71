"""The rule files that the operator writes: prices of every form, discount ladders, plans."""

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from tests.simulation.clients import RESOURCES, USERS
from tests.simulation.clock import START
from tests.support.strategies import (
    DEFAULT_LADDER,
    PRICES_PER,
    PRICES_USD,
    discounts_toml,
    plans_toml,
    prices_toml,
)

Table = dict[str, Any]

CYCLE_HOURS: Final = {"free": 24, "lite": 36, "starter": 48, "pro": 48, "top": 48, "long": 100}
"""All plans; `free` is the default one."""
FEES_USD: Final = {"starter": "3.00", "pro": "10.00", "top": "25.50", "long": "3.00"}

_USD: Final = (*PRICES_USD, "10.00", "0.25", "0.25", "3", "3")
_FROM: Final = tuple(START + timedelta(days=days) for days in (-30, -1, 0, 3, 7, 30))
_PLANS_FROM: Final = tuple(START + timedelta(days=d, hours=d) for d in (0, 1, 2, 4, 6, 9, 14))
_METERS: Final = {"time": ["hero_os/*", "vm/*"], "tokens": ["llm/*"]}
_INCLUDED: Final[tuple[int | str, ...]] = (0, 1, 2, 3, 8, 1000, 5000, "unlimited")
_CREDITS_USD: Final = ("0.000000002", "2.00", "5.00", "5.00", "400.00")
_BORDERS: Final = (2, 3, 8, 1000, 3600, 5000)
_FLATS_USD: Final = ("0.25", "0.000000001")


class RuleFiles:
    """What the operator wants the rule files to say; each call changes something.

    Args:
        random: decides what.

    Attributes:
        plans: the versions of plans as of the last change.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._prices: list[Table] = []
        self.plans: list[Table] = []

    def with_another_price(self) -> bytes:
        """`rules/prices.toml`; the first one states all resources that have a price."""
        for resource, category in () if self._prices else RESOURCES[:3]:
            self._set_price(resource, category, _FROM[0])
        self._set_price(*self._random.choice(RESOURCES[:3]), self._random.choice(_FROM))
        return prices_toml(self._prices)

    def with_another_ladder(self) -> bytes:
        """`rules/discounts.toml`."""
        random = self._random
        tier = {
            "name": "later",
            "after_days": random.choice((1, 7, 20)),
            "multiplier": random.choice(("0", "0.25", "0.333333333")),
            "applies_to": ["hero_os_hourly", "vm"],
        }
        changed = {"from": random.choice(_FROM[2:]), "tiers": [tier]}
        return discounts_toml([DEFAULT_LADDER, changed])

    def with_another_plan(self) -> bytes:
        """`rules/plans.toml`; the first one states all plans, later ones add or replace one."""
        if not self.plans:
            self.plans = [self._plan(name, _FROM[0]) for name in CYCLE_HOURS]
        else:
            name = self._random.choice(sorted(CYCLE_HOURS))
            changed = self._plan(name, self._random.choice((_FROM[0], *_PLANS_FROM)))
            self.plans = [row for row in self.plans if _version(row) != _version(changed)]
            self.plans.append(changed)
        return plans_toml(self.plans)

    def _set_price(self, resource: str, category: str, begins: datetime) -> None:
        random = self._random
        price: Table = {"resource": resource, **self._form(), "from": begins}
        if random.random() < 0.5:
            # a window that lasts a cycle needs a default plan
            windows = ("day", "month", "cycle") if self.plans else ("day", "month")
            price["window"] = random.choice(windows)
        if category == "vm" or random.random() < 0.2:
            price["applies_to"] = category
        if any(row["resource"] == resource for row in self._prices) and random.random() < 0.15:
            price["user"] = random.choice(USERS)
        others = [row for row in self._prices if _bound(row) != _bound(price)]
        self._prices = [*others, price]

    def _form(self) -> Table:
        random = self._random
        form = random.choice(("usd", "usd", "usd", "graduated", "volume", "package"))
        usd, per = random.choice(_USD), random.choice(PRICES_PER)
        if form == "usd":
            return {"usd": usd, "per": per}
        if form == "package":
            return {"package": {"size": random.choice(_BORDERS), "usd": usd}}
        borders = sorted(random.sample(_BORDERS, random.choice((1, 2))))
        tiers: list[Table] = [{"up_to": border, "usd": random.choice(_USD)} for border in borders]
        tiers.append({"usd": random.choice(_USD)})
        if random.random() < 0.5:
            random.choice(tiers)["flat_usd"] = random.choice(_FLATS_USD)
        return {"tiers": tiers, "per": per, "mode": form}

    def _plan(self, name: str, begins: datetime) -> Table:
        random = self._random
        plan: Table = {"name": name, "from": begins, "cycle_hours": CYCLE_HOURS[name]}
        if name in FEES_USD:
            plan["fee_usd"] = FEES_USD[name]
            if random.random() < 0.7:
                plan["credit_usd"] = random.choice(_CREDITS_USD)
                plan["credit_priority"] = random.choice((10, 50, 60))
        if name == "free":
            plan["default"] = True
        meters = [
            {
                "name": meter,
                "match": match,
                "included": random.choice(_INCLUDED),
                "beyond": random.choice(("bill", "block")),
            }
            for meter, match in _METERS.items()
            if random.random() < 0.6
        ]
        return {**plan, "meter": meters} if meters else plan


def _version(plan: Table) -> tuple[object, ...]:
    return plan["name"], plan["from"]


def _bound(price: Table) -> tuple[object, ...]:
    return price["resource"], price.get("user"), price.get("applies_to"), price["from"]
