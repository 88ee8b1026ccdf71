"""The form of single fields: the wire format's words for what is wrong, and what people shorten."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from wire_format.instants import parse_ts
from wire_format.wording import FORMS

_ENDINGS: Final = {len("2026-07-01"): "T00:00:00Z", len("2026-07-01T06:00Z"): ":00Z"}


def malformed(line: object, patterns: Mapping[str, str]) -> list[str]:
    """A sentence for each field with a wrong form; rules across fields are the decoder's.

    Args:
        line: an object with the fields as attributes: text, or None for an absent one.
        patterns: for each field the pattern of `wire_format.fields` that it must match.
    """
    stated: dict[str, Any] = {name: getattr(line, name) for name in patterns}
    return [
        f"{name}: must be {FORMS[pattern]}"
        for name, pattern in patterns.items()
        if stated[name] is not None and re.fullmatch(pattern, stated[name]) is None
    ]


def parse_short_ts(text: str) -> datetime:
    """An instant as a person types it: `2026-07-01`, `2026-07-01T06:00Z` or all of it.

    Raises:
        InvalidInstantError: for any other form.
    """
    ending = _ENDINGS.get(len(text), "")
    return parse_ts(text.removesuffix("Z") + ending if ending else text)
