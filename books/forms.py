"""What is wrong with the form of single fields, in the words of the wire format."""

import re
from collections.abc import Mapping
from typing import Any

from wire_format.wording import FORMS


def malformed(line: object, patterns: Mapping[str, str]) -> list[str]:
    """A sentence for each field whose form is wrong; rules between fields are the decoder's.

    Args:
        line: has the fields as attributes: text, or None for one that is absent.
        patterns: field to the pattern of `wire_format.fields` that it must match.
    """
    stated: dict[str, Any] = {name: getattr(line, name) for name in patterns}
    return [
        f"{name}: must be {FORMS[pattern]}"
        for name, pattern in patterns.items()
        if stated[name] is not None and re.fullmatch(pattern, stated[name]) is None
    ]
