"""The sums by which ClickPesa and its customers know a body as each other's; pure.

There are two, and a body does not say reliably which it has. The new one is over the whole body as
JavaScript would write it with its keys sorted at every depth. The old one is over the values of the
top level joined to one text, so it says nothing of what is inside an object: it is worth no more
than a hint, which is all that a webhook is here.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

FIELDS: Final = ("checksum", "checksumMethod")
"""Of the body, and left out of its sum."""

VALUES_MAX: Final = 500
DEPTH_MAX: Final = 16
"""A body has some thirty values, two objects deep. More than this is not summed: sums are made
before a body can be believed, so strangers decide how often."""

_SUM: Final = re.compile(r"[0-9a-f]{64}")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_INDEX_MAX: Final = 2**32 - 2
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_WORDS: Final = {True: "true", False: "false", None: "null"}


class _Written(str):
    """A number as it is written: `1.50` and `1e3` stay what they are."""

    __slots__ = ()


class UnreadableBodyError(ValueError):
    """A body is no JSON object, or larger or more deeply nested than a webhook is."""


def read_body(body: bytes) -> dict[str, Any]:
    """The object in a body; numbers stay as they are written.

    Raises:
        UnreadableBodyError: there is none.
    """
    try:
        text = body.decode()
        found = json.loads(
            text, parse_int=_Written, parse_float=_Written, parse_constant=_refuse_constant
        )
        if not isinstance(found, dict):
            raise UnreadableBodyError("no object")
        _check_size(found)
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError(f"no JSON object that can be read: {error}") from None
    return found


def _check_size(found: dict[str, Any]) -> None:
    """Count values level by level, and no further than the limits."""
    level: list[Any] = [found]
    count = depth = 0
    while level:
        inner: list[Any] = []
        for each in level:
            count += len(each)
            if count > VALUES_MAX:
                raise UnreadableBodyError("too many values")
            values = each.values() if isinstance(each, dict) else each
            inner += [value for value in values if isinstance(value, (dict, list))]
        level, depth = inner, depth + 1
        if level and depth > DEPTH_MAX:
            raise UnreadableBodyError("nested too deeply")


def is_signed(fields: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether the sum in a body is right by one of our keys, in the new or in the old way.

    Args:
        fields: as from `read_body`.
        keys: several while one is replaced.
    """
    given = fields.get(FIELDS[0])
    if not isinstance(given, str) or not _SUM.fullmatch(given):
        return False
    return any(
        hmac.compare_digest(sum_of(key, fields), given)
        for key in keys
        for sum_of in (new_sum, old_sum)
    )


def new_sum(key: str, fields: Mapping[str, Any]) -> str:
    """The sum over all of it; `fields` as from `read_body`, or of texts alone."""
    return _mac(key, _text({name: fields[name] for name in fields if name not in FIELDS}))


def old_sum(key: str, fields: Mapping[str, Any]) -> str:
    """The sum over the values of the top level, as `Array.join` puts them together."""
    names = [name for name in _in_order(fields) if name not in FIELDS]
    return _mac(key, "".join(_joined(fields[name]) for name in names))


def _mac(key: str, text: str) -> str:
    # half of a pair becomes U+FFFD, as in node
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return hmac.new(key.encode(), whole.encode(), hashlib.sha256).hexdigest()


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    """As `JSON.stringify` writes it."""
    if isinstance(value, _Written):
        return value
    if isinstance(value, str):
        return _SURROGATE.sub(_escaped, json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        pairs = (f"{_text(name)}:{_text(value[name])}" for name in _in_order(value))
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(each) for each in value) + "]"
    return _WORDS[value]


def _joined(value: Any) -> str:  # noqa: ANN401 - JSON
    """As JavaScript makes one text of a value inside a list."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join(map(_joined, value))
    return value if isinstance(value, str) else _WORDS[value]


def _in_order(fields: Mapping[str, Any]) -> list[str]:
    """Names as JavaScript goes through them when they were put in sorted.

    What looks like an index comes first, by number; the others by units of UTF-16.
    """
    indexes = [name for name in fields if _INDEX.fullmatch(name) and int(name) <= _INDEX_MAX]
    names = set(fields) - set(indexes)
    return [*sorted(indexes, key=int), *sorted(names, key=_units)]


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _refuse_constant(word: str) -> None:
    raise UnreadableBodyError(f"{word} is no JSON")
