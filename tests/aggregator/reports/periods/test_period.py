"""Periods are whole days in UTC, and end where the next one begins."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.reports.periods.period import (
    END_HOUR,
    FIRST_HOUR,
    InvalidPeriodError,
    Period,
    parse_period,
)
from wire_format.instants import hour_of, parse_short_ts

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
days = st.dates(date(2000, 2, 1), date(2100, 12, 31))


def span(begin: str, end: str) -> tuple[int, int]:
    return hour_of(parse_short_ts(begin)), hour_of(parse_short_ts(end))


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("today", "2026-03-01", "2026-03-02"),
        ("yesterday", "2026-02-28", "2026-03-01"),
        ("this-month", "2026-03-01", "2026-04-01"),
        ("last-month", "2026-02-01", "2026-03-01"),
        ("this-year", "2026-01-01", "2027-01-01"),
        ("last-year", "2025-01-01", "2026-01-01"),
        ("2025-12..last-month", "2025-12-01", "2026-03-01"),
        ("2026-01-05..2026-01-05", "2026-01-05", "2026-01-06"),
    ],
)
def test_a_period_is_from_its_first_hour_to_before_the_next_one(
    text: str, begin: str, end: str
) -> None:
    assert parse_period(text, NOW) == Period(text, *span(begin, end))


def test_a_period_may_have_no_beginning_or_no_end() -> None:
    assert parse_period("all", NOW)[1:] == parse_period("..", NOW)[1:] == (FIRST_HOUR, END_HOUR)
    first, end = span("2026-02-01", "2026-03-01")
    assert parse_period("2026-02..", NOW) == ("2026-02..", first, END_HOUR)
    assert parse_period("..2026-02", NOW) == ("..2026-02", FIRST_HOUR, end)
    assert parse_period("all", NOW).answer() == {"period": "all", "from": None, "until": None}


@given(day=days)
def test_months_follow_on_each_other(day: date) -> None:
    """The last month of a day ends where its own begins, whatever the year."""
    now = datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
    last, this = (parse_period(text, now) for text in ("last-month", "this-month"))
    assert last.end_hour == this.first_hour
    assert this.first_hour <= hour_of(now) < this.end_hour
    assert this[1:] == parse_period(f"{day:%Y-%m}", now)[1:]
    quarter = parse_period(f"{day.year}-Q{(day.month + 2) // 3}", now)
    assert quarter.first_hour <= hour_of(now) < quarter.end_hour


@pytest.mark.parametrize(
    "text",
    ["", "2026-", "2026-13", "2026-02-30", "2026-Q5", "26", "2026-1", "1969", "2026-10..2026-09",
     "next-month", "2026-10-31T05", "a..b", "9999", "0000"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriodError):
        parse_period(text, NOW)


@given(text=st.text("0123456789-.Qat ", max_size=16))
def test_any_text_is_a_period_or_a_typed_error(text: str) -> None:
    try:
        found = parse_period(text, NOW)
    except InvalidPeriodError:
        return
    assert FIRST_HOUR <= found.first_hour < found.end_hour <= END_HOUR


@given(day=days, hours=st.integers(-100, 1000))
def test_a_period_up_to_an_hour_is_within_it(day: date, hours: int) -> None:
    """Nothing is left of one that has not begun by then."""
    period = parse_period(f"{day:%Y-%m}", NOW)
    clipped = period.until(period.first_hour + hours)
    assert clipped.first_hour == period.first_hour
    assert clipped.end_hour - clipped.first_hour == max(
        0, min(hours, (period.end_hour - period.first_hour))
    )
    assert timedelta(hours=period.end_hour - period.first_hour) >= timedelta(days=28)
