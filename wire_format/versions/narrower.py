"""Whether a decoded line has only what its version has.

The decoder knows one struct for both versions of a line, with the wider type of each field. Each
function is `wire_format.versions.forms` of one struct in fewer steps: for every line of a segment.
"""

from operator import attrgetter
from typing import Any, Final, get_args

from wire_format import field_types as types
from wire_format.fields import VERSION
from wire_format.lines import Decision, Money
from wire_format.versions import field_types as types_2

NEW_KEYS: Final = (
    *("of_provider", "of_ref", "attempt", "category", "priority", "from_", "until", "scope"),
    "by",
)
"""The attributes of money lines that version 1 does not have."""


def _values(hint: Any) -> frozenset[str]:  # noqa: ANN401 - an annotated Literal
    return frozenset(get_args(get_args(hint)[0]))


_KINDS_1: Final = _values(types.MoneyKind)
_PROVIDERS_1: Final = _values(types.Provider)
_STATUSES_1: Final = _values(types.Status)
_STATUSES_2: Final = {None, *_values(types_2.Status2)}
_DECISIONS_1: Final = _values(types.DecisionKind)
_DECISIONS_2: Final = _values(types_2.DecisionKind2)
_new_values: Final = attrgetter(*NEW_KEYS)
_NONE: Final = (None,) * len(NEW_KEYS)


def money_is_of_its_version(line: Money) -> bool:
    """Whether a money line has no key and no value that its version does not have."""
    if line.v != VERSION:
        return line.status in _STATUSES_2
    return (
        line.kind in _KINDS_1
        and line.provider in _PROVIDERS_1
        and line.status in _STATUSES_1
        and line.user != ""
        and line.amount != ""
        and line.currency != ""
        and _new_values(line) == _NONE
    )


def decision_is_of_its_version(line: Decision) -> bool:
    """Whether a decision line has no key and no value that its version does not have."""
    if line.v != VERSION:
        return line.kind in _DECISIONS_2
    return line.kind in _DECISIONS_1 and line.from_seq is None
