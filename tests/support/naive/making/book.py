"""Random rules: prices of every form, plans with versions, writers and templates."""

import random
from typing import Any

from tests.support.naive.basics import HOUR, written
from tests.support.naive.making.spools import BORDER, LONG_AGO

Tables = list[dict[str, Any]]

RESOURCES = ("search/a", "search/b", "jobs", "llm/in", "nano")
CATEGORIES = ("vm", "llm")
USD = ("1", "0.50", "0.25", "0.333333333", "0.10", "0.000000001", "0.000000003")
USUAL_WINDOWS = ("hour", "hour", "day", "month")
METERS = {"search": ["search/*"], "jobs": ["jobs", "l*in"]}
PAID = ("pro", "power", "top")
FRONT = ("till-1", "till-2")
CHARGER = "till-9"
FREE = ("free", "lite")


def random_hour(rng: random.Random, around: int = 50) -> str:
    """A full hour near the border of the month, as text."""
    return written(BORDER + rng.randint(-around, around) * HOUR)


def random_rules(rng: random.Random, users: list[str]) -> dict[str, Any]:
    """A whole book of rules."""
    plans = random_plans(rng) if rng.random() < 0.85 else []
    early = any(p.get("default") and p["from"] == LONG_AGO for p in plans)
    rules: dict[str, Any] = {
        "prices": random_prices(rng, users, cycles=early),
        "plans": plans,
        "ladder": "fixed",
        "writers": random_writers(rng),
    }
    if rng.random() < 0.3:
        rules["tenure_min_usd"] = rng.choice(["0.50", "2.00"])
    return rules


def random_prices(rng: random.Random, users: list[str], *, cycles: bool) -> Tables:
    """Prices of all resources but one, with changes in the middle and prices of one user."""
    windows = (*USUAL_WINDOWS, "cycle", "cycle") if cycles else USUAL_WINDOWS
    prices: Tables = []
    for resource in rng.sample(RESOURCES, 4):
        for _ in range(rng.choice([1, 1, 2, 3])):
            price: dict[str, Any] = {"resource": resource, "from": LONG_AGO}
            if any(p["resource"] == resource for p in prices):
                price["from"] = random_hour(rng)
            special = 0.3 if price["from"] != LONG_AGO else 0.05
            if rng.random() < special:
                price["applies_to"] = rng.choice(CATEGORIES)
            if rng.random() < special:
                price["user"] = rng.choice(users)
                if rng.random() < 0.5:
                    until = random_hour(rng)
                    if until > price["from"]:
                        price["until"] = until
            price |= _form(rng)
            if rng.random() < 0.8:
                price["window"] = rng.choice(windows)
            key = [price.get(name) for name in ("resource", "from", "user", "applies_to")]
            if all(
                [p.get(n) for n in ("resource", "from", "user", "applies_to")] != key
                for p in prices
            ):
                prices.append(price)
    return prices


def _form(rng: random.Random) -> dict[str, Any]:
    form = rng.choice(["usd", "graduated", "graduated", "volume", "volume", "package"])
    if form == "usd":
        return {"usd": rng.choice(USD), "per": rng.choice([1, 1, 3])}
    if form == "package":
        return {"package": {"size": rng.choice([2, 3, 5]), "usd": rng.choice(USD)}}
    borders = sorted(rng.sample(range(1, 14), rng.choice([1, 2])))
    tiers: Tables = [{"up_to": border, "usd": rng.choice(USD)} for border in borders]
    tiers.append({"usd": rng.choice(USD)})
    for tier in tiers:
        if rng.random() < 0.4:
            tier["flat_usd"] = rng.choice(USD)
    found: dict[str, Any] = {"tiers": tiers}
    if form == "volume" or rng.random() < 0.3:
        found["mode"] = form
    if rng.random() < 0.3:
        found["per"] = rng.choice([2, 3])
    return found


def random_plans(rng: random.Random) -> Tables:
    """A default plan, perhaps another without a fee, and paid ones of one cycle length."""
    meters = tuple(name for name in METERS if rng.random() < 0.85)
    default_from = LONG_AGO if rng.random() < 0.9 else random_hour(rng)
    plans: Tables = []
    for name in FREE[: rng.choice([1, 1, 2])]:
        hours = rng.choice([24, 24, 30, 48])
        froms = [default_from] if name == "free" else [LONG_AGO]
        for start in froms + ([random_hour(rng)] if rng.random() < 0.3 else []):
            plan = _plan(rng, name, start, hours, rng.choice([0, 2]), meters)
            plans.append(plan | ({"default": True} if name == "free" else {}))
    hours = rng.choice([24, 48])
    for level, name in enumerate(PAID[: rng.choice([2, 3])], 1):
        froms = [LONG_AGO] + ([random_hour(rng)] if rng.random() < 0.35 else [])
        for start in froms:
            length = hours if rng.random() < 0.95 or len(froms) > 1 else hours + 24
            plan = _plan(rng, name, start, length, 3 * level, meters)
            plan["fee_usd"] = f"{level}.{rng.choice(['00', '00', '50'])}"
            if rng.random() < 0.7:
                plan["credit_usd"] = rng.choice(["0.50", "1.00", "1.50", "0.000000002"])
                if rng.random() < 0.3:
                    plan["credit_priority"] = rng.choice([10, 60])
            plans.append(plan)
    seen: dict[tuple[str, str], dict[str, Any]] = {(p["name"], p["from"]): p for p in plans}
    return list(seen.values())


def _plan(
    rng: random.Random, name: str, start: str, hours: int, included: int, names: tuple[str, ...]
) -> dict[str, Any]:
    meters: Tables = []
    for meter in names:
        if rng.random() < 0.93:
            units = "unlimited" if rng.random() < 0.07 else max(0, included + rng.randint(-1, 3))
            rest = {"match": METERS[meter], "beyond": rng.choice(["bill", "block"])}
            meters.append({"name": meter, "included": units} | rest)
    plan: dict[str, Any] = {"name": name, "from": start, "cycle_hours": hours, "meters": meters}
    if rng.random() < 0.93:
        plan["sold_by"] = ["desk"]
    return plan


def _tills(rng: random.Random, till: dict[str, Any]) -> Tables:
    """Two that take payments and may limit consents; one that charges, before or after it did."""
    consents = {"consent_max_usd": "20.00", "consent_month_max_usd": "100.00"}
    limited = {node: consents if rng.random() < 0.5 else {} for node in FRONT}
    tills: Tables = [{"node": node, **till, **limited[node]} for node in FRONT]
    charges = {"providers": ["stripe"], "topups_hour_max": 2, "topup_usd_hour_max": "50.00"}
    charger: dict[str, Any] = {"node": CHARGER, "from": LONG_AGO, **charges}
    if rng.random() < 0.3:
        other = till | rng.choice([{}, consents])
        charger["from"] = random_hour(rng)
        tills.append({"node": CHARGER} | other)
    if rng.random() < 0.8:
        tills.append(charger)
    return tills


def random_writers(rng: random.Random) -> dict[str, Tables]:
    """Tills, perhaps one that charges saved cards, two desks, and templates with small budgets."""
    till = {
        "from": LONG_AGO,
        "providers": ["stripe", "clickpesa-tz"],
        "payment_max_usd": "20.00",
        "unconfirmed_max_usd": rng.choice(["1000.00", "1000.00", "6.00"]),
    }
    desks: Tables = [{"node": node, "from": LONG_AGO} for node in ("desk-1", "desk-2")]
    if rng.random() < 0.3:
        desks[1]["fees_day_usd"] = rng.choice(["2.00", "4.00"])
    signup = {
        "name": "signup",
        "from": LONG_AGO,
        "usd": "1.00",
        "days": rng.choice([1, 2]),
        "category": "promotional",
        "priority": 50,
        "budget_usd": rng.choice(["1.00", "2.00", "10.00"]),
    }
    thanks = signup | {
        "name": "thanks",
        "usd": "0.60",
        "category": "paid",
        "priority": 40,
        "scope": ["search/*"],
        "after_payment_usd": rng.choice(["0.01", "2.00"]),
    }
    grants: Tables = [signup, thanks]
    if rng.random() < 0.3:
        grants.append(signup | {"from": random_hour(rng), "usd": "0.40", "budget_usd": "1.50"})
    adjust = {"name": "sorry", "from": LONG_AGO, "role": "support", "per_line_usd": "1.00"}
    return {
        "providers": [
            {"name": "stripe", "kind": "stripe", "account": "acct_1", "mode": "live"},
            {"name": "clickpesa-tz", "kind": "clickpesa", "account": "cp_1", "mode": "live"},
        ],
        "tills": _tills(rng, till),
        "desks": desks,
        "grants": grants,
        "adjusts": [adjust | {"per_account_month_usd": "1.50", "budget_usd": "2.00"}],
    }
