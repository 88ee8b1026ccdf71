"""Instants and clock hours, always UTC.

An *hour* is a whole number: clock hours since 1970-01-01T00:00Z. Charges are kept by hour.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from wire_format.fields import TS_PATTERN, YEAR_MAX, YEAR_MIN

_TS = re.compile(TS_PATTERN)
_ENDINGS: Final = {
    len("2026-11-21"): "T00:00:00Z",
    len("2026-11-21T13"): ":00:00Z",
    len("2026-11-21T13:05"): ":00Z",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
DAY_HOURS: Final = 24
HOUR_S: Final = 3600
HOUR_US: Final = HOUR_S * 1_000_000
DAY_US: Final = DAY_HOURS * HOUR_US


class InvalidInstantError(ValueError):
    """A text is not an instant in the form the wire format allows."""


def parse_ts(text: str) -> datetime:
    """Read `2026-11-21T13:05:00Z` or `2026-11-21T13:05:00.123456Z`.

    Raises:
        InvalidInstantError: for any other form, a date that does not exist, a year out of range, or
            six zero decimals (their canonical form has none).
    """
    if _TS.fullmatch(text) is None:
        raise InvalidInstantError(
            "must be UTC such as 2026-11-21T13:05:00Z, with 0 or exactly 6 decimals"
        )
    if text.endswith(".000000Z"):
        raise InvalidInstantError("six zero decimals must be left out")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInstantError(f"is not a date and time that exists: {error}") from None
    if not YEAR_MIN <= instant.year <= YEAR_MAX:
        raise InvalidInstantError(f"must lie in the years {YEAR_MIN} to {YEAR_MAX}")
    if format_ts(instant) != text:  # newer Pythons read 24:00:00 as the next day
        raise InvalidInstantError("is not a time that exists: hours run from 00 to 23")
    return instant


def parse_short_ts(text: str) -> datetime:
    """An instant as a person types it: to the day, hour, minute or second, UTC with or without `Z`.

    Raises:
        InvalidInstantError: for any other form.
    """
    stated = text.removesuffix("Z")
    return parse_ts(stated + _ENDINGS.get(len(stated), "Z"))


def format_ts(instant: datetime) -> str:
    """Write an instant in its one canonical form: 6 decimals, or none when they are zero.

    Raises:
        InvalidInstantError: for a datetime without a time zone, which would be read as local time.
    """
    if instant.tzinfo is None:
        raise InvalidInstantError(f"{instant.isoformat()} has no time zone")
    naive = instant.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat() + "Z"


def hour_of(instant: datetime) -> int:
    """The clock hour of a UTC instant."""
    return (instant.toordinal() - _EPOCH_ORDINAL) * DAY_HOURS + instant.hour


def hour_start(hour: int) -> datetime:
    """The first instant of a clock hour."""
    return _EPOCH + timedelta(hours=hour)


def format_hour(hour: int) -> str:
    """A clock hour as its first instant: `2026-11-21T13:00:00Z`."""
    return format_ts(hour_start(hour))


def format_seconds(seconds: int) -> str:
    """Whole seconds since 1970-01-01T00:00Z as an instant: `2026-11-21T13:05:00Z`."""
    return format_ts(_EPOCH + timedelta(seconds=seconds))


def to_us(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00Z."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The instant `microseconds` after 1970-01-01T00:00Z."""
    return _EPOCH + timedelta(microseconds=microseconds)


def month_of(microseconds: int) -> tuple[int, int]:
    """Year and month, UTC, of an instant given as microseconds since 1970."""
    at = from_us(microseconds)
    return at.year, at.month
