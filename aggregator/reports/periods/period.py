"""Stretches of time that people ask about: a day, a month, a year, or from one to another.

All in UTC, and whole clock hours, because charges are kept by hour. Pure: the time is given.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from wire_format.fields import YEAR_MAX, YEAR_MIN
from wire_format.instants import format_hour, hour_of

FIRST_HOUR: Final = 0
END_HOUR: Final = hour_of(datetime(YEAR_MAX, 12, 31, tzinfo=UTC)) + 24
"""Before the first and after the last hour that a record may have."""

_QUARTER_MONTHS: Final = 3
_PERIOD: Final = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d\d)(?:-(\d\d))?))?", re.ASCII)
_FORMS: Final = "2026, 2026-Q4, 2026-10, 2026-10-31, last-month, today, 2026-10..2026-12 or all"


class InvalidPeriodError(ValueError):
    """A text names no period."""


class Period(NamedTuple):
    """A stretch of time.

    Attributes:
        name: as it was asked for.
        first_hour, end_hour: from the first clock hour on and before the second, since 1970.
    """

    name: str
    first_hour: int
    end_hour: int

    def until(self, end_hour: int) -> "Period":
        """The part of it before a clock hour."""
        end = max(self.first_hour, min(self.end_hour, end_hour))
        return self._replace(end_hour=end)

    def answer(self) -> dict[str, str | None]:
        """Return it as answers state it: without a limit None in the place of a time."""
        return {
            "period": self.name,
            "from": None if self.first_hour == FIRST_HOUR else format_hour(self.first_hour),
            "until": None if self.end_hour == END_HOUR else format_hour(self.end_hour),
        }


def parse_period(text: str, now: datetime) -> Period:
    """Read a period from a command line.

    Args:
        text: a year, a quarter (`2026-Q4`), a month, a day, `today`, `yesterday`, `this-month`,
            `last-month`, `this-year`, `last-year`, `all`; or two of them as `A..B`, from the
            beginning of the first to the end of the second, of which either may be left out.
        now: the time, in UTC.

    Raises:
        InvalidPeriodError: for any other text, and where the end is not after the beginning.
    """
    if text == "all":
        return Period(text, FIRST_HOUR, END_HOUR)
    first, dots, last = text.partition("..")
    if not dots:
        begin, end = _days(text, now.date())
        return Period(text, _hour(begin), _hour(end))
    first_hour = _hour(_days(first, now.date())[0]) if first else FIRST_HOUR
    end_hour = _hour(_days(last, now.date())[1]) if last else END_HOUR
    if end_hour <= first_hour:
        raise InvalidPeriodError(f"{text!r} ends before it begins")
    return Period(text, first_hour, end_hour)


def _days(text: str, today: date) -> tuple[date, date]:
    """The first day of a period, and the day after its last one."""
    if text in _NAMED:
        return _NAMED[text](today)
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise InvalidPeriodError(f"{text!r} is no period such as {_FORMS}")
    year, quarter, month, day = (None if each is None else int(each) for each in found.groups())
    try:
        begin = date(year or 0, month or 1, day or 1)
    except ValueError:
        raise InvalidPeriodError(f"{text!r} is no date that exists") from None
    if not YEAR_MIN <= begin.year <= YEAR_MAX:
        raise InvalidPeriodError(f"{text!r} is not in the years {YEAR_MIN} to {YEAR_MAX}")
    if day is not None:
        return begin, begin + timedelta(days=1)
    if month is not None:
        return begin, _months_after(begin, 1)
    if quarter is not None:
        begin = _months_after(begin, (quarter - 1) * _QUARTER_MONTHS)
        return begin, _months_after(begin, _QUARTER_MONTHS)
    return begin, _months_after(begin, 12)


def _months_after(first: date, months: int) -> date:
    """The first day of the month that is some months after that of another first day."""
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _month(today: date, after: int) -> tuple[date, date]:
    begin = _months_after(today.replace(day=1), after)
    return begin, _months_after(begin, 1)


def _year(today: date, after: int) -> tuple[date, date]:
    return date(today.year + after, 1, 1), date(today.year + after + 1, 1, 1)


def _day(today: date, after: int) -> tuple[date, date]:
    begin = today + timedelta(days=after)
    return begin, begin + timedelta(days=1)


_NAMED: Final[dict[str, Callable[[date], tuple[date, date]]]] = {
    "today": lambda today: _day(today, 0),
    "yesterday": lambda today: _day(today, -1),
    "this-month": lambda today: _month(today, 0),
    "last-month": lambda today: _month(today, -1),
    "this-year": lambda today: _year(today, 0),
    "last-year": lambda today: _year(today, -1),
}


def _hour(day: date) -> int:
    return hour_of(datetime(day.year, day.month, day.day, tzinfo=UTC))
