"""The difference between two rule books, as lines of a commit message. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from wire_format.instants import format_ts
from wire_format.rule_book import Ladder, Price, RuleBook

SHOWN_MAX: Final = 40


class Act(NamedTuple):
    """Who changes the rule book, and why.

    Attributes:
        by: a name.
        reason: None where none is given.
    """

    by: str
    reason: str | None = None


class RuleChanges(NamedTuple):
    """What new files change in the rule book.

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


def changes(before: RuleBook, after: RuleBook) -> RuleChanges:
    """The difference between two rule books, rule by rule."""
    old, new = rules_by_name(before), rules_by_name(after)
    return RuleChanges(
        [f"{name}: {new[name]}" for name in new if name not in old],
        [f"{name}: {old[name]}" for name in old if name not in new],
        [
            f"{name}: {new[name]}, was {old[name]}"
            for name in new
            if name in old and new[name] != old[name]
        ],
    )


def build_rules_message(
    node: str, paths: Sequence[str], found: RuleChanges, sha256: str, act: Act
) -> str:
    """Write the commit message of new rule files.

    Args:
        node: the books' name.
        paths: the paths of the files in the repo.
        found: what they change.
        sha256: the hash that names the new rule book.
        act: who changes them, and why.
    """
    names = [path.removeprefix("rules/").removesuffix(".toml") for path in paths]
    shown = found.lines[:SHOWN_MAX]
    if len(found.lines) > SHOWN_MAX:
        shown.append(f"and {len(found.lines) - SHOWN_MAX} more")
    trailers = {"Node": node, "Rule-Book": sha256, "By": act.by, "Reason": act.reason}
    paragraphs = [
        f"rules: {', '.join(names)}: {found.summary}",
        "\n".join(shown),
        "\n".join(f"{key}: {value}" for key, value in trailers.items() if value),
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


def price_text(price: Price) -> str:
    """The amount of a price in words: `0.04 USD per 3600`."""
    whole, _, fraction = price.usd.partition(".")
    return f"{int(whole)}.{fraction.rstrip('0').ljust(2, '0')} USD per {price.per}"


def rules_by_name(book: RuleBook) -> Mapping[str, str]:
    """The content of every rule, by the rule's name.

    A price that both files state is the one of `prices.toml`, which takes precedence.
    """
    imported = {_price_name(price): price_text(price) for price in book.imported}
    own = {_price_name(price): price_text(price) for price in book.prices}
    ladders = {
        f"ladder from {format_ts(ladder.from_)}": ladder_text(ladder) for ladder in book.ladders
    }
    return imported | own | ladders


def _price_name(price: Price) -> str:
    category = f" ({price.applies_to})" if price.applies_to else ""
    return f"{price.resource}{category} from {format_ts(price.from_)}"
