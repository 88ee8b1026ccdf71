"""For how long units are counted on: windows of UTC, and a price that changes within one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rating.windows import (
    NOTHING_BEFORE,
    CountedBefore,
    InWindow,
    Use,
    WindowHours,
    in_windows,
    window_at,
)
from gitmeter.money.granted import Hours
from tests.support.priced import Form, hour_at, price, rated
from wire_format.instants import format_hour, hour_of

WindowKind = Literal["hour", "day", "month", "cycle"]
KINDS: Final[tuple[WindowKind, ...]] = ("hour", "day", "month", "cycle")


def shown(hours: Hours) -> tuple[str, str]:
    """The first hour, and the one after the last, as text without minutes."""
    return format_hour(hours.first)[:13], format_hour(hours.end)[:13]


@pytest.mark.parametrize(
    ("window", "hour", "first", "end"),
    [
        ("hour", "2026-11-01T13", "2026-11-01T13", "2026-11-01T14"),
        ("day", "2026-10-31T23", "2026-10-31T00", "2026-11-01T00"),
        ("day", "2026-11-01T00", "2026-11-01T00", "2026-11-02T00"),
        ("day", "2026-12-31T12", "2026-12-31T00", "2027-01-01T00"),
        ("month", "2026-10-31T23", "2026-10-01T00", "2026-11-01T00"),
        ("month", "2026-11-01T00", "2026-11-01T00", "2026-12-01T00"),
        ("month", "2026-12-31T23", "2026-12-01T00", "2027-01-01T00"),
        ("month", "2027-01-01T00", "2027-01-01T00", "2027-02-01T00"),
        ("month", "2027-02-28T23", "2027-02-01T00", "2027-03-01T00"),
        ("month", "2028-02-28T23", "2028-02-01T00", "2028-03-01T00"),
        ("month", "2028-02-29T23", "2028-02-01T00", "2028-03-01T00"),
        ("month", "2028-03-01T00", "2028-03-01T00", "2028-04-01T00"),
        ("month", "2100-02-28T23", "2100-02-01T00", "2100-03-01T00"),
        ("month", "2000-02-29T23", "2000-02-01T00", "2000-03-01T00"),
        ("month", "2100-12-31T23", "2100-12-01T00", "2101-01-01T00"),
    ],
)
def test_a_window_has_the_borders_of_utc(
    window: WindowKind, hour: str, first: str, end: str
) -> None:
    """Months are as long as they are: February too, and over the end of a year."""
    found = window_at(window, hour_at(hour))
    assert (shown(found.hours), found.cycle) == ((first, end), None)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_day_or_month_has_the_hours_of_that_day_or_month_of_utc(at: datetime) -> None:
    """The hour before it and the one after it are of another."""
    at = at.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
    for window, form in (("day", "%Y-%m-%d"), ("month", "%Y-%m"), ("hour", "%Y-%m-%dT%H")):
        hours = window_at(window, hour_of(at)).hours  # type: ignore[arg-type]
        own = at.strftime(form)
        first, last, before, after = (
            (datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)).strftime(form)
            for hour in (hours.first, hours.end - 1, hours.first - 1, hours.end)
        )
        assert first == last == own
        assert own not in {before, after}


def test_a_cycle_is_that_of_the_account_and_without_one_the_hour() -> None:
    hours = Hours(hour_at("2026-10-20T07"), hour_at("2026-11-19T07"))
    within = hour_at("2026-11-01T13")
    assert window_at("cycle", within, (hours, "pro@x")) == WindowHours(hours, "pro@x")
    assert window_at("cycle", within) == window_at("hour", within)


# where a use lies, against a sum over all of them

START = hour_at("2026-10-29T00")
CYCLE_HOURS: Final = 30


@st.composite
def series(draw: st.DrawFn) -> tuple[list[Use], dict[int, WindowKind], dict[int, str]]:
    """Uses around the end of a month, the window of each hour, and the cycles of some."""
    hours = sorted(draw(st.sets(st.integers(START, START + 6 * 24), max_size=14)))
    uses = []
    for hour in hours:
        quantity = draw(st.integers(0, 9))
        uses.append(Use(hour, quantity, draw(st.integers(0, quantity))))
    changes = draw(st.lists(st.integers(0, 6 * 24), max_size=2, unique=True))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=3, max_size=3))
    windows = {hour: kinds[sum(hour - START >= c for c in changes)] for hour in hours}
    away = draw(st.sets(st.sampled_from(hours or [0])))
    cycles = {hour: f"cycle {hour // CYCLE_HOURS}" for hour in hours if hour not in away}
    return uses, windows, cycles


def of_cycle(hour: int, name: str | None) -> tuple[Hours, str] | None:
    first = hour - hour % CYCLE_HOURS
    return None if name is None else (Hours(first, first + CYCLE_HOURS), name)


def naive(
    uses: Sequence[Use], use: Use, window: WindowHours, cycles: Mapping[int, str]
) -> tuple[int, int]:
    """What the window counted before a use, and in the end."""
    counted = {
        other.hour: other.quantity - other.included
        for other in uses
        if window.hours.first <= other.hour < window.hours.end
        and (window.cycle is None or cycles.get(other.hour) == window.cycle)
    }
    return sum(units for hour, units in counted.items() if hour < use.hour), sum(counted.values())


@given(series(), st.integers(0, 14))
def test_before_and_total_are_the_sums_over_the_window_of_each_hour(
    told: tuple[list[Use], dict[int, WindowKind], dict[int, str]], cut: int
) -> None:
    """Whatever the windows of other hours are; and where one goes on from a count, the same."""
    uses, windows, cycles = told

    def window_of(hour: int) -> WindowHours:
        return window_at(windows[hour], hour, of_cycle(hour, cycles.get(hour)))

    found = in_windows(uses, window_of, cycles.get)
    assert found == [
        InWindow(use.included, *naive(uses, use, window_of(use.hour), cycles)) for use in uses
    ]
    if not 0 < cut < len(uses):
        return
    last, rest = uses[cut - 1], uses[cut:]
    begun = {window_of(use.hour) for use in rest}
    begun = {window for window in begun if window.hours.first <= last.hour}
    if begun <= {window_of(last.hour)}:
        before = NOTHING_BEFORE
        if begun:
            counted = found[cut - 1].before + last.quantity - last.included
            before = CountedBefore(begun.pop(), counted)
        assert in_windows(rest, window_of, cycles.get, before) == found[cut:]


# prices that change in the middle of a window

TIERS: Final[Form] = {"tiers": [{"up_to": 10, "usd": "10"}, {"usd": "1"}]}
CHANGE: Final = "2026-11-15T00:00:00Z"
USES: Final = {"2026-11-01T00": 6, "2026-11-14T23": 6, "2026-11-15T00": 6, "2026-12-01T00": 6}


def told(prices: Sequence[Form], uses: Mapping[str, int] = USES) -> list[tuple[int, int]]:
    """Units counted before each hour, and whole dollars of its list cost."""
    found = rated(prices, uses)
    return [(each.before, each.rating.list_cost_nano // 10**9) for each in found]


def test_in_a_month_units_are_counted_on_until_it_ends() -> None:
    """6 at 10, then 4 at 10 and 2 at 1, then 6 at 1; the next month begins anew."""
    assert told([price(**TIERS, window="month")]) == [(0, 60), (6, 42), (12, 6), (0, 60)]


@pytest.mark.parametrize(
    ("later", "third"),
    [
        ({"tiers": [{"up_to": 15, "usd": "20"}, {"usd": "2"}], "window": "month"}, (12, 66)),
        ({"usd": "3", "window": "month"}, (12, 18)),
        ({"usd": "3", "window": "hour"}, (0, 18)),
        ({**TIERS, "window": "day"}, (0, 60)),
        ({"package": {"size": 10, "usd": "5"}, "window": "month"}, (12, 0)),
        ({"package": {"size": 4, "usd": "5"}, "window": "month"}, (12, 10)),
    ],
    ids=str,
)
def test_the_count_goes_on_over_a_change_of_price(later: Form, third: tuple[int, int]) -> None:
    """As far as the window of the new price reaches; hours before the change cost what they did."""
    prices = [price(**TIERS, window="month"), price(**later, **{"from": CHANGE})]
    found = told(prices)
    assert found[:2] == [(0, 60), (6, 42)]
    assert found[2] == third


def test_a_longer_window_counts_what_came_before_it_began() -> None:
    """Units of hours that had a price by the hour, and of hours that had none."""
    month = price(**TIERS, window="month", **{"from": CHANGE})
    assert told([price(usd="10"), month])[2] == (12, 6)
    assert told([month])[:3] == [(0, 0), (0, 0), (12, 6)]


def test_a_flat_fee_is_due_where_the_count_goes_over_its_border() -> None:
    """So a change of price beyond that border owes it never, and one below it owes the new one."""
    tiers = [{"up_to": 10, "usd": "0"}, {"usd": "0", "flat_usd": "7"}]
    new = [{"up_to": 20, "usd": "0"}, {"usd": "0", "flat_usd": "9"}]
    first = price(tiers=tiers, window="month")
    uses = {"2026-11-01T00": 12, "2026-11-16T00": 3, "2026-11-17T00": 30}
    assert told([first], uses) == [(0, 7), (12, 0), (15, 0)]
    second = price(tiers=new, window="month", **{"from": CHANGE})
    assert told([first, second], uses) == [(0, 7), (12, 0), (15, 9)]
    same = price(tiers=tiers, window="month", **{"from": CHANGE})
    assert told([first, same], uses) == [(0, 7), (12, 0), (15, 0)]


def test_under_a_price_by_volume_the_rate_is_that_of_the_whole_window() -> None:
    """Also of units after a change to another price; the flat fee falls in its first hour."""
    tiers = [{"up_to": 15, "usd": "3", "flat_usd": "9"}, {"usd": "1", "flat_usd": "5"}]
    volume = price(tiers=tiers, mode="volume", window="month")
    assert told([volume]) == [(0, 11), (6, 6), (12, 6), (0, 27)]
    plain = price(usd="2", window="month", **{"from": CHANGE})
    assert told([volume, plain]) == [(0, 11), (6, 6), (12, 12), (0, 12)]
    few = {"2026-11-01T00": 6, "2026-11-20T00": 9}
    assert told([volume], few) == [(0, 27), (6, 27)]


def test_units_have_no_limit_of_their_own() -> None:
    """Beyond 64 bits they are counted on like any others."""
    cheap = [{"up_to": 10**18, "usd": "0.002"}, {"usd": "0.001"}]
    prices = [price(tiers=cheap, per=10**18, window="month")]
    second = rated(prices, {"2026-11-01T00": 2**70, "2026-11-02T00": 2**70})[1]
    once, twice = (round(Fraction(units + 10**18, 10**12)) for units in (2**70, 2**71))
    assert (second.before, second.rating.list_cost_nano) == (2**70, twice - once)
