"""Which of a repo's rules acts for a branch, and what it leaves open. Pure.

Nodes push over ssh with deploy keys. Nobody else has to push, and nothing but one branch has to be
pushed; a merge of a pull request is a push by another way.
"""

import re
from collections.abc import Iterable
from typing import Final

from aggregator.config.sections import ForgeConfig
from aggregator.forge.interface import Protection

OTHERS: Final = "**"
"""The rule for all branches that no other rule is about."""

_TRIED: Final = ("other", "another/one")
"""Branches that stand for all that a node has no business with; `*` matches no `/`."""

_GLOB: Final = re.compile(r"[*?\[\]{}\\]")
_PARTS: Final = re.compile(r"\*\*|[*?]|\[[^\[\]]+\]|\{[^{}]*\}|\\.|[^*?\[{\\]|.", re.DOTALL)
_JUDGED_CHARS_MAX: Final = 200
"""A longer pattern counts as matching: what it matches is not worth the time to find out."""


def acting_rule(rules: Iterable[Protection], branch: str) -> Protection | None:
    """The rule that acts for a branch; None if none does.

    Gitea from 1.23 on orders rules by priority, patterns included. Elsewhere a rule of exactly the
    branch's name goes before patterns.
    """
    matching = [rule for rule in rules if matches(rule.rule_name, branch)]
    return min(matching, key=lambda rule: _order(rule, branch), default=None)


def _order(rule: Protection, branch: str) -> tuple[int, bool]:
    return rule.priority or 0, rule.rule_name.lower() != branch.lower()


def matches(pattern: str, branch: str) -> bool:
    """Whether a rule of this name is about a branch."""
    if _GLOB.search(pattern) is None:
        return pattern.lower() == branch.lower()
    if len(pattern) > _JUDGED_CHARS_MAX:
        return True
    try:
        return re.fullmatch("".join(map(_as_regex, _PARTS.findall(pattern))), branch) is not None
    except re.error:
        return True


def _as_regex(part: str) -> str:
    """A part of a glob as forges read it, where `/` separates."""
    if part in _WILD:
        return _WILD[part]
    if part.startswith("["):
        return f"[^{part[2:]}" if part[1] == "!" else part
    if part.startswith("{"):
        return f"(?:{'|'.join(map(re.escape, part[1:-1].split(',')))})"
    return re.escape(part[-1])


_WILD: Final = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def weaknesses(rule: Protection, config: ForgeConfig) -> list[str]:
    """What is wrong with the rule that acts for the branch of a node; empty if nothing is."""
    faults = {
        "no one may push": not rule.enable_push,
        "everyone with write access may push": not rule.enable_push_whitelist,
        "deploy keys may not push": not rule.push_whitelist_deploy_keys,
        "it may be pushed by force": bool(rule.enable_force_push),
        f"{', '.join(rule.others_may_push)} may push": bool(rule.others_may_push),
        "everyone with write access may merge": not rule.enable_merge_whitelist,
        f"{', '.join(rule.others_may_merge)} may merge": bool(rule.others_may_merge),
        f"no one may change {rule.protected_files}": bool(rule.protected_files),
        f"everyone with write access may change {rule.unprotected_files}": bool(
            rule.unprotected_files
        ),
        "only signatures of the forge's own users are accepted": (
            rule.require_signed_commits and not config.require_signed_commits
        ),
        "unsigned commits are accepted": (
            config.require_signed_commits and not rule.require_signed_commits
        ),
    }
    found = [fault for fault, is_so in faults.items() if is_so]
    return [f"{fault} (rule {rule.rule_name})" for fault in found] if _is_pattern(rule) else found


def _is_pattern(rule: Protection) -> bool:
    return _GLOB.search(rule.rule_name) is not None


def others_are_closed(rules: Iterable[Protection]) -> bool:
    """Whether nobody may push any other branch than those with a rule of their own."""
    rules = tuple(rules)
    return all(_is_closed(acting_rule(rules, branch)) for branch in _TRIED)


def open_rules(rules: Iterable[Protection], branch: str, config: ForgeConfig) -> list[str]:
    """The names of the rules that act and leave something open."""
    rules = tuple(rules)
    acting = acting_rule(rules, branch)
    found = {acting.rule_name} if acting is not None and weaknesses(acting, config) else set()
    for other in _TRIED:
        rule = acting_rule(rules, other)
        if rule is not None and not _is_closed(rule):
            found.add(rule.rule_name)
    return sorted(found)


def _is_closed(rule: Protection | None) -> bool:
    if rule is None:
        return False
    is_for_some = rule.push_whitelist_deploy_keys or rule.others_may_push
    is_shut = not rule.enable_push or (rule.enable_push_whitelist and not is_for_some)
    return is_shut and not rule.unprotected_files
