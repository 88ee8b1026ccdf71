"""The form of single fields: the wire format's words for what is wrong."""

import re
from collections.abc import Mapping
from typing import Any

from wire_format.wording import FORMS


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
