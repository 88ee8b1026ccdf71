"""Parameters as Stripe takes them: `a[b][c]=d`, lists as `a[0]=b`."""

import re
from collections.abc import Iterable
from typing import Any

_PARTS = re.compile(r"\[([^\]]*)\]")

Json = dict[str, Any]


def nested(pairs: Iterable[tuple[str, str]]) -> Json:
    """Flat pairs as nested objects; an object whose keys are 0, 1, 2... is a list."""
    root: Json = {}
    for name, value in pairs:
        first, _, _ = name.partition("[")
        keys = [first, *_PARTS.findall(name)]
        at = root
        for key in keys[:-1]:
            at = at.setdefault(key, {})
        at[keys[-1]] = value
    return {name: _lists(value) for name, value in root.items()}


def _lists(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(each) for name, each in value.items()}
    if inner and list(inner) == [str(number) for number in range(len(inner))]:
        return list(inner.values())
    return inner
