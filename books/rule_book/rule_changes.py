"""The difference between two rule books, as lines of a commit message. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from wire_format.instants import format_ts
from wire_format.rule_book import DISCOUNTS_PATH, PRICES_PATH, Ladder, Price, RuleBook

SHOWN_MAX: Final = 40


class RuleChanges(NamedTuple):
    """What a new file changes in the rule book.

    Attributes:
        added, removed, changed: a line in words for each rule.
    """

    added: list[str]
    removed: list[str]
    changed: list[str]

    @property
    def summary(self) -> str:
        """`2 added, 1 changed`."""
        counts = [
            f"{len(rules)} {name}" for name, rules in zip(self._fields, self, strict=True) if rules
        ]
        return ", ".join(counts) or "no rule changed"

    @property
    def lines(self) -> list[str]:
        """All of them: `+`, `-` or `~`, then the rule."""
        return [f"{sign} {rule}" for sign, rules in zip("+-~", self, strict=True) for rule in rules]


def changes(path: str, before: RuleBook, after: RuleBook) -> RuleChanges:
    """The difference between two rule books in the rules of the file at `path`."""
    old, new = _rules(path, before), _rules(path, after)
    return RuleChanges(
        [f"{name}: {new[name]}" for name in new if name not in old],
        [f"{name}: {old[name]}" for name in old if name not in new],
        [
            f"{name}: {new[name]}, was {old[name]}"
            for name in new
            if name in old and new[name] != old[name]
        ],
    )


def build_rules_message(node: str, path: str, found: RuleChanges, sha256: str) -> str:
    """Write the commit message of a new rule file.

    Args:
        node: the books' name.
        path: the path of the file in the repo.
        found: what it changes.
        sha256: the hash that names the new rule book.
    """
    what = path.removeprefix("rules/").removesuffix(".toml")
    shown = found.lines[:SHOWN_MAX]
    if len(found.lines) > SHOWN_MAX:
        shown.append(f"and {len(found.lines) - SHOWN_MAX} more")
    paragraphs = [
        f"rules: {what}: {found.summary}",
        "\n".join(shown),
        f"Node: {node}\nRule-Book: {sha256}",
    ]
    return "\n\n".join(text for text in paragraphs if text) + "\n"


def ladder_text(ladder: Ladder) -> str:
    """A version of the ladder in one line."""
    tiers = [
        f"{tier.name} x{tier.multiplier} after {tier.after_days} days"
        f" ({', '.join(tier.applies_to)})"
        for tier in ladder.tiers
    ]
    return "; ".join(tiers) or "no tiers"


def _rules(path: str, book: RuleBook) -> Mapping[str, str]:
    """The content of every rule of the file at `path`, by the rule's name."""
    stated: dict[str, Mapping[str, str]] = {
        PRICES_PATH: {_price_name(price): _price_text(price) for price in book.prices},
        DISCOUNTS_PATH: {
            f"ladder from {format_ts(ladder.from_)}": ladder_text(ladder) for ladder in book.ladders
        },
    }
    return stated[path]


def _price_name(price: Price) -> str:
    category = f" ({price.applies_to})" if price.applies_to else ""
    return f"{price.resource}{category} from {format_ts(price.from_)}"


def _price_text(price: Price) -> str:
    whole, _, fraction = price.usd.partition(".")
    return f"{int(whole)}.{fraction.rstrip('0').ljust(2, '0')} USD per {price.per}"
