"""The terms of a grant as somebody states them: in text, and as few of them as they like. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from books.errors import MoneyError
from wire_format import fields
from wire_format.fields import PRIORITY_MAX, SCOPE_MAX
from wire_format.instants import InvalidInstantError, parse_short_ts
from wire_format.wording import FORMS

PRIORITY_DEFAULT: Final = 50
TERMS: Final = ("external_ref", "from_", "until", "priority", "scope", "category", "bonus_on")
"""What makes a grant one with terms, as `books.money.movement_of` takes it."""

_Category = Literal["promotional", "paid"]
_DAYS: Final = re.compile("[0-9]{1,5}")
_DAYS_MAX: Final = 36_500


class Terms(NamedTuple):
    """The terms of a grant.

    Attributes:
        from_: when it begins; None for the hour of now.
        until: when it ends, or after how long; None for never.
        priority: of several grants the one with the smaller pays first.
        scope: the resources that it pays for, as globs, sorted; None for all.
        category: whether anybody paid for it.
        bonus_on: provider and reference of the payment that it is a bonus on.
    """

    from_: datetime | None = None
    until: datetime | timedelta | None = None
    priority: int = PRIORITY_DEFAULT
    scope: tuple[str, ...] | None = None
    category: _Category = "promotional"
    bonus_on: tuple[str, str] | None = None

    def ends(self, begins: datetime) -> datetime | None:
        """When it ends, if it begins at an hour; None for never."""
        return begins + self.until if isinstance(self.until, timedelta) else self.until


def read_terms(stated: Mapping[str, Any]) -> Terms | None:
    """The terms that somebody states; None where they state none.

    Args:
        stated: `TERMS` by name: text, but for `priority` (a number) and `scope` (text, or globs);
            what is absent or None is not stated.

    Raises:
        MoneyError: one of them has a wrong form.
    """
    found = {name: stated[name] for name in TERMS if stated.get(name) is not None}
    if not found:
        return None
    category = found.get("category", "promotional")
    if category not in get_args(_Category):
        raise MoneyError(f"category: must be {' or '.join(get_args(_Category))}")
    priority = found.get("priority", PRIORITY_DEFAULT)
    if not 0 <= priority <= PRIORITY_MAX:
        raise MoneyError(f"priority: must be from 0 to {PRIORITY_MAX}")
    return Terms(
        from_=_hour("from", found["from_"]) if "from_" in found else None,
        until=_until(found["until"]) if "until" in found else None,
        priority=priority,
        scope=_scope(found["scope"]) if "scope" in found else None,
        category=cast("_Category", category),
        bonus_on=_bonus_on(found["bonus_on"]) if "bonus_on" in found else None,
    )


def _until(text: str) -> datetime | timedelta:
    if _DAYS.fullmatch(text) is None:
        return _hour("until", text)
    if not 1 <= int(text) <= _DAYS_MAX:
        raise MoneyError(f"until: must be 1 to {_DAYS_MAX} days, or a time such as 2026-12-31")
    return timedelta(days=int(text))


def _hour(name: str, text: str) -> datetime:
    """A full hour: `2026-07-01`, `2026-07-01T06:00Z` or `2026-07-01T06:00:00Z`."""
    try:
        found = parse_short_ts(text)
    except InvalidInstantError:
        days = "a number of days, or " if name == "until" else ""
        raise MoneyError(
            f"{name}: must be {days}a time such as 2026-07-01 or 2026-07-01T06:00:00Z, not {text}"
        ) from None
    if found.minute or found.second or found.microsecond:
        raise MoneyError(f"{name}: must be a full hour, not {text}")
    return found


def _scope(stated: str | tuple[str, ...]) -> tuple[str, ...]:
    globs = stated.split() if isinstance(stated, str) else stated
    wrong = [glob for glob in globs if re.fullmatch(fields.GLOB_PATTERN, glob) is None]
    if wrong or not globs:
        raise MoneyError(f"scope: must be globs, each {FORMS[fields.GLOB_PATTERN]}")
    if len(set(globs)) > SCOPE_MAX:
        raise MoneyError(f"scope: must be at most {SCOPE_MAX} globs")
    return tuple(sorted(set(globs)))


def _bonus_on(text: str) -> tuple[str, str]:
    provider, colon, reference = text.partition(":")
    if (
        not colon
        or re.fullmatch(fields.PROVIDER_PATTERN, provider) is None
        or re.fullmatch(fields.REFERENCE_PATTERN, reference) is None
    ):
        raise MoneyError(
            "bonus_on: must be the provider and the reference of a payment, such as"
            " stripe:pi_3Q8c1f"
        )
    return provider, reference
