"""The rules of a worked case as the rule files of the books."""

from collections.abc import Iterable, Mapping
from typing import Any

import tomlkit

from wire_format.instants import parse_ts
from wire_format.rule_book import DEFAULT_DISCOUNTS

_TABLES = {
    "providers": "provider",
    "tills": "till",
    "desks": "desk",
    "grants": "grant",
    "adjusts": "adjust",
}
_INSTANTS = {"from", "until", "since"}
_Tables = Iterable[Mapping[str, Any]]


def rule_files(rules: Mapping[str, Any]) -> dict[str, bytes]:
    """All rule files of a case, by path."""
    least = rules.get("tenure_min_usd", "0")
    files = {
        "rules/writers.toml": writers_toml(rules["writers"]),
        "rules/prices.toml": prices_toml(rules.get("prices", ())),
        "rules/discounts.toml": f'tenure_min_usd = "{least}"\n{DEFAULT_DISCOUNTS}',
        "rules/plans.toml": plans_toml(rules.get("plans", ())),
    }
    return {path: text.encode() for path, text in files.items()}


def writers_toml(tables: Mapping[str, _Tables]) -> str:
    """The tables of a case as `rules/writers.toml` states them."""
    document = {
        _TABLES[kind]: [_with_times(table) for table in listed]
        for kind, listed in tables.items()
        if listed
    }
    return tomlkit.dumps(document)


def prices_toml(prices: _Tables) -> str:
    """The prices of a case as `rules/prices.toml` states them."""
    tables = [{**({} if "package" in p else {"per": 1}), **_with_times(p)} for p in prices]
    return tomlkit.dumps({"price": tables}) if tables else ""


def plans_toml(plans: _Tables) -> str:
    """The plans of a case as `rules/plans.toml` states them."""
    tables = []
    for plan in plans:
        table = _with_times(plan)
        meters = table.pop("meters", [])
        tables.append({**table, "meter": meters} if meters else table)
    return tomlkit.dumps({"plan": tables}) if tables else ""


def _with_times(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: parse_ts(value) if key in _INSTANTS else value for key, value in table.items()}
