"""Instants have one spelling, and hours are whole UTC clock hours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire_format.generated import timestamps, utc_instants
from wire_format.instants import (
    InvalidInstantError,
    format_hour,
    format_ts,
    from_us,
    hour_of,
    hour_start,
    parse_short_ts,
    parse_ts,
    to_us,
)


@given(text=timestamps)
def test_reading_and_writing_an_instant_gives_the_same_text(text: str) -> None:
    assert format_ts(parse_ts(text)) == text


@given(instant=utc_instants)
def test_writing_and_reading_an_instant_gives_the_same_instant(instant: datetime) -> None:
    assert parse_ts(format_ts(instant)) == instant
    assert parse_ts(format_ts(instant)).tzinfo is UTC


@given(instant=utc_instants, minutes=st.integers(-1439, 1439))
def test_an_instant_is_written_in_utc_wherever_it_was_read(instant: datetime, minutes: int) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert format_ts(elsewhere) == format_ts(instant)


def test_an_instant_without_a_zone_is_refused_and_not_read_as_local_time() -> None:
    with pytest.raises(InvalidInstantError, match="no time zone"):
        format_ts(datetime(2026, 11, 21))  # noqa: DTZ001 - what is tested


@given(instant=utc_instants, is_bare=st.booleans())
def test_an_instant_may_be_typed_to_the_day_hour_minute_or_second(
    instant: datetime, *, is_bare: bool
) -> None:
    """It is the beginning of what was typed; a `Z` may be left out."""
    whole = instant.replace(microsecond=0)
    text = format_ts(instant).removesuffix("Z")
    ending = "" if is_bare else "Z"
    assert parse_short_ts(text + ending) == instant
    for length, begins in (
        (10, whole.replace(hour=0, minute=0, second=0)),
        (13, whole.replace(minute=0, second=0)),
        (16, whole.replace(second=0)),
        (19, whole),
    ):
        assert parse_short_ts(text[:length] + ending) == begins


@pytest.mark.parametrize("cut", [0, 4, 6, 7, 9, 11, 12, 14, 15, 17, 18, 20, 22])
def test_what_is_cut_short_elsewhere_is_no_instant(cut: int) -> None:
    """`2026-1` is not filled up to a day of October or November."""
    for ending in ("", "Z"):
        with pytest.raises(InvalidInstantError):
            parse_short_ts("2026-11-21T13:05:00.123456"[:cut] + ending)


@given(text=st.text(max_size=40) | st.text("0123456789-:TZ. +", max_size=30))
def test_any_text_is_an_instant_or_a_typed_error(text: str) -> None:
    try:
        instant = parse_ts(text)
    except InvalidInstantError:
        return
    assert format_ts(instant) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-21T13:05:00.000000Z", "six zero decimals"),
        ("2026-11-21T13:05:00.1Z", "0 or exactly 6 decimals"),
        ("2026-11-21T13:05:00+00:00", "must be UTC"),
        ("2026-02-29T00:00:00Z", "is not a date and time that exists"),
        ("2026-11-21T24:00:00Z", "exist"),
        ("1999-12-31T23:59:59Z", "years 2000 to 2100"),
        ("2026-11-21T13:05:00Z\n", "must be UTC"),
        ("٢026-11-21T13:05:00Z", "must be UTC"),
    ],
)
def test_a_refused_instant_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidInstantError, match=reason):
        parse_ts(text)


@given(instant=utc_instants)
def test_an_instant_lies_in_its_hour(instant: datetime) -> None:
    start = hour_start(hour_of(instant))
    assert start <= instant < start + timedelta(hours=1)
    assert (start.minute, start.second, start.microsecond) == (0, 0, 0)
    assert hour_of(start) == hour_of(instant) == hour_of(start + timedelta(microseconds=3599999999))
    assert format_hour(hour_of(instant)) == format_ts(start)


@given(instant=utc_instants)
def test_microseconds_are_exact(instant: datetime) -> None:
    assert from_us(to_us(instant)) == instant
    assert to_us(instant) // 3_600_000_000 == hour_of(instant)


def test_hours_count_from_1970() -> None:
    assert hour_start(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert hour_of(datetime(2026, 11, 21, 13, 59, 59, 999999, tzinfo=UTC)) == 498685
    assert format_hour(498685) == "2026-11-21T13:00:00Z"
