"""Patterns over branches, tags and files, as a forge reads them."""

import re
from typing import Final

_SPECIAL: Final = frozenset("\\*?[]{}")
_PART: Final = re.compile(r"\\.|\*\*|\*|\?|\[!?[^\]]+\]|\{[^}]*\}|.", re.DOTALL)


def is_pattern(name: str) -> bool:
    """Whether a name can match more than itself."""
    return not _SPECIAL.isdisjoint(name)


def matches(pattern: str, text: str, separators: str = "") -> bool:
    """Whether a pattern matches a text.

    Args:
        pattern: with `*` (no separator), `**` (anything), `?`, `[a-z]` and `{a,b}`.
        text: as a whole.
        separators: the characters that `*` and `?` do not cross.
    """
    one = f"[^{re.escape(separators)}]" if separators else "."
    return re.fullmatch(_regex(pattern, one), text, re.DOTALL) is not None


def _regex(pattern: str, one: str) -> str:
    parts = []
    for part in _PART.findall(pattern):
        if part == "**":
            parts.append(".*")
        elif part == "*":
            parts.append(f"{one}*")
        elif part == "?":
            parts.append(one)
        elif len(part) > 1 and part[0] == "[":
            parts.append(part.replace("[!", "[^", 1))
        elif len(part) > 1 and part[0] == "{":
            inner = "|".join(_regex(choice, one) for choice in part[1:-1].split(","))
            parts.append(f"(?:{inner})")
        else:
            parts.append(re.escape(part[-1]))
    return "".join(parts)
