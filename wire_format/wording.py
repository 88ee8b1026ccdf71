"""What pydantic finds wrong, in words for the person who has to fix it.

pydantic speaks of patterns, tuples and inputs; people here write lines, rule files and a
configuration. Both tables serve all three.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from wire_format import fields

if TYPE_CHECKING:
    from pydantic import ValidationError

_VISIBLE: Final = 'printable ASCII characters without space, " and \\'
_NAME: Final = "letters, digits and . _ : / @ + -"
FORMS: Final[dict[str, str]] = {
    fields.NODE_PATTERN: "1 to 63 of a-z, 0-9 and -, not beginning with -",
    fields.USER_PATTERN: f"1 to 256 {_VISIBLE}",
    fields.RESOURCE_PATTERN: f"1 to 200 {_NAME}",
    fields.INSTANCE_PATTERN: f"1 to 128 {_NAME}",
    fields.ID_PATTERN: "1 to 64 letters, digits and . _ : -",
    fields.REASON_PATTERN: "1 to 200 printable ASCII characters",
    fields.META_KEY_PATTERN: "1 to 40 of a-z, 0-9, _ and .",
    fields.META_TEXT_PATTERN: "at most 200 printable ASCII characters",
    fields.TS_PATTERN: "a time in UTC such as 2026-01-01T00:00:00Z, with 0 or exactly 6 decimals",
    fields.REFERENCE_PATTERN: f"1 to 128 {_VISIBLE}",
    fields.AMOUNT_PATTERN: "a decimal such as 12.50, with up to 9 digits before and 9 after the"
    " point",
    fields.CURRENCY_PATTERN: "three capital letters such as USD",
    fields.REPO_PATTERN: "1 to 80 of a-z, 0-9, . and -, beginning with a-z or 0-9",
    fields.COMMIT_PATTERN: "a full commit hash: 40 of 0-9 and a-f",
    fields.SHA256_PATTERN: "a SHA-256: 64 of 0-9 and a-f",
    fields.INCIDENT_PATTERN: "a kind of incident: 1 to 40 of a-z and space",
    fields.BY_PATTERN: "1 to 100 printable ASCII characters",
    fields.PROVIDER_PATTERN: "1 to 32 of a-z, 0-9 and -, beginning with a letter",
    fields.HOUR_PATTERN: "a full hour in UTC such as 2026-01-01T00:00:00Z",
    fields.GLOB_PATTERN: "1 to 200 letters, digits and . _ : / @ + - *",
    fields.USD_PATTERN: "dollars such as 12.50, not below zero, with up to 9 digits before and 9"
    " after the point",
    fields.NAME_PATTERN: "1 to 32 of a-z, 0-9, _ and -, beginning with a letter",
    fields.KEY_ID_PATTERN: "16 of 0-9 and a-f",
    fields.KEY_SCOPE_PATTERN: "1 to 64 of a-z, 0-9 and _ . : / * -, beginning with a letter",
    fields.IDENTITY_PATTERN: "staff: and 1 to 64 letters, digits and . _ -",
}
"""The form of a field (a pattern of `wire_format.fields`) in words that follow "must be"."""

META_FORM: Final = (
    f"must be a whole number from -{fields.INT_MAX} to {fields.INT_MAX}"
    f" or text of {FORMS[fields.META_TEXT_PATTERN]}"
)
MISSING: Final = "is missing"
EXTRA: Final = "is not a known field"
TEXT: Final = "must be text, in quotes"
WHOLE: Final = "must be a whole number"
_TABLE: Final = "must be a table"
LIST: Final = "must be a list"
_TABLES: Final = f"{LIST}; a table is stated as [[name]], not as [name]"
_WORDS: Final[dict[str, str]] = {
    "missing": MISSING,
    "extra_forbidden": EXTRA,
    "string_type": TEXT,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "int_parsing_size": "is too large a number",
    "dict_type": "must be an object",
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "tuple_type": _TABLES,
    "list_type": LIST,
    "path_type": "must be a path, in quotes",
    "string_too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have no more than {max_length} entries",
}
"""Words for each of pydantic's types of error; `{}` are pydantic's own numbers."""

Place = tuple[int | str, ...]


def numbered(place: Place) -> str:
    """The place of a fault in a configuration, whose tables are counted from 1."""
    return " ".join(f"#{part + 1}" if isinstance(part, int) else part for part in place)


def sentences(
    error: "ValidationError",
    where: Callable[[Place], str],
    forms: Mapping[str, str] = FORMS,
) -> list[str]:
    """`<place>: <what is wrong>` for each fault, in the order of the fields.

    Args:
        error: what pydantic found.
        where: writes a place, which is a path of keys and of positions from 0.
        forms: words for the patterns of the model.
    """
    return list(
        dict.fromkeys(_each(error.errors(include_url=False, include_input=False), where, forms))
    )


def _each(
    details: Sequence[Any], where: Callable[[Place], str], forms: Mapping[str, str]
) -> Iterator[str]:
    for detail in details:
        place: Place = detail["loc"]
        words = _words(detail, forms)
        if len(place) == 3 and place[0] == "meta":  # noqa: PLR2004 - meta, key, which of two types
            if place[2] != "[key]":
                words = META_FORM
            place = place[:2]
        at = where(place)
        yield f"{at}: {words}" if at else words


def _words(detail: Mapping[str, Any], forms: Mapping[str, str]) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        pattern = context["pattern"].removeprefix("^(?:").removesuffix(")$")
        return f"must be {forms[pattern]}" if pattern in forms else f"must match {pattern}"
    if detail["type"] in _WORDS:
        return _WORDS[detail["type"]].format_map(context)
    return str(detail["msg"]).removeprefix("Value error, ")


def dotted(place: Place) -> str:
    """A place in a line: keys with dots between them."""
    return ".".join(_shown(part) for part in place)


def _shown(part: int | str) -> str:
    """A key as a line states it, with control characters escaped."""
    text = str(part)
    return text if text.isprintable() and text else ascii(text)
