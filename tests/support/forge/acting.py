"""Which of a repo's rules acts for a branch, as Forgejo and Gitea choose it.

Written without the product's own answer to the same question.
"""

import re
from collections.abc import Iterable

from tests.support.forge.records import Rule

_SPECIAL = "*?[{"


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """Rules in the order in which they are tried; the first that matches acts.

    Gitea orders them by `priority`; without it names go before patterns.
    """
    return sorted(rules, key=lambda rule: (rule.options.get("priority", 0), is_pattern(rule.name)))


def acting_rule(rules: Iterable[Rule], branch: str) -> Rule | None:
    """The rule that acts for a branch."""
    return next((r for r in in_order(rules) if re.fullmatch(as_regex(r.name), branch)), None)


def is_pattern(name: str) -> bool:
    """Whether a rule is about more than one branch."""
    return any(char in name for char in _SPECIAL)


def as_regex(glob: str) -> str:
    """A glob as an extended regular expression; `/` separates, `**` crosses it."""
    found, i = "", 0
    while i < len(glob):
        if glob.startswith("**", i):
            found, i = found + ".*", i + 2
            continue
        char = glob[i]
        found += {"*": "[^/]*", "?": "[^/]", "{": "(", "}": ")", ",": "|", "[": "[", "]": "]"}.get(
            char, re.escape(char)
        )
        i += 1
    return found
