"""For how long the units of a price are counted on, and where in that a charge lies. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from gitmeter.money.granted import Hours
from wire_format.instants import DAY_HOURS, hour_of, hour_start

if TYPE_CHECKING:  # questions to the ledger rate nothing, and start without pydantic
    from wire_format.rule_files.prices_file import Window

_DAYS_CACHED: Final = 4096


class Use(NamedTuple):
    """The units of one charge of a series: of one account, resource and category.

    Attributes:
        hour: its clock hour, since 1970.
        quantity: all its units.
        included: those that the account's plan includes; they are not counted.
    """

    hour: int
    quantity: int
    included: int = 0


class InWindow(NamedTuple):
    """Where in the window of its price a charge lies.

    Attributes:
        included: units of it that its user's plan includes; they cost nothing and are not counted.
        before: units of the window before it that were counted.
        total: units that the window counts in the end, this charge's and later ones too.
    """

    included: int
    before: int
    total: int


class WindowHours(NamedTuple):
    """The window that an hour lies in.

    Attributes:
        hours: the hours that may belong to it.
        cycle: of a cycle its name, since only hours of that cycle belong to it; None for others.
    """

    hours: Hours
    cycle: str | None = None


class CountedBefore(NamedTuple):
    """What a window counted before the first of some uses.

    Attributes:
        window: the window; None for none.
        units: the units.
    """

    window: WindowHours | None
    units: int


NOTHING_BEFORE: Final = CountedBefore(None, 0)


def window_at(window: "Window", hour: int, cycle: tuple[Hours, str] | None = None) -> WindowHours:
    """The window that a clock hour lies in.

    Args:
        window: its kind; days and months are those of UTC.
        hour: the clock hour, since 1970.
        cycle: the cycle of the account's plan, and its name; without a plan it is the hour alone.
    """
    if window == "month":
        return WindowHours(month_of(hour // DAY_HOURS))
    if window == "day":
        first = hour - hour % DAY_HOURS
        return WindowHours(Hours(first, first + DAY_HOURS))
    if window == "cycle" and cycle is not None:
        return WindowHours(*cycle)
    return WindowHours(Hours(hour, hour + 1))


@lru_cache(_DAYS_CACHED)
def month_of(day: int) -> Hours:
    """The month of UTC that a day since 1970 is in."""
    first = hour_start(day * DAY_HOURS).replace(day=1)
    later = first.year + first.month // 12, first.month % 12 + 1
    return Hours(hour_of(first), hour_of(first.replace(year=later[0], month=later[1])))


def in_windows(
    uses: Sequence[Use],
    window_of: Callable[[int], WindowHours],
    cycle_of: Callable[[int], str | None] | None = None,
    before: CountedBefore = NOTHING_BEFORE,
) -> list[InWindow]:
    """Where each use of one series lies in the window of the price that is in force in its hour.

    The units of a window are counted whatever their own price was, and whether they had one, so
    that the count goes on over a change of price.

    Args:
        uses: ascending by hour, without a gap from the first hour of every window on, except for
            what `before` says.
        window_of: the window of the price in force in a clock hour.
        cycle_of: the cycle that a clock hour belongs to; None where no window is a cycle.
        before: what the window of the first use counted before it.
    """
    hours = [use.hour for use in uses]
    counted = [use.quantity - use.included for use in uses]
    sums = [0, *accumulate(counted)]
    cycles = None if cycle_of is None else [cycle_of(hour) for hour in hours]
    totals: dict[str | None, int] = defaultdict(int)
    if cycles is not None:
        for cycle, units in zip(cycles, counted, strict=True):
            totals[cycle] += units
    so_far: dict[str | None, int] = defaultdict(int)
    found: list[InWindow] = []
    last: WindowHours | None = None
    first = end = earlier = 0
    for at, use in enumerate(uses):
        window = window_of(use.hour)
        if window != last:
            last = window
            is_begun = window == before.window
            earlier = before.units if is_begun else 0
            first = 0 if is_begun else bisect_left(hours, window.hours.first)
            end = bisect_left(hours, window.hours.end)
        if window.cycle is None:
            total, counted_before = sums[end] - sums[first], sums[at] - sums[first]
        else:
            total, counted_before = totals[window.cycle], so_far[window.cycle]
        if cycles is not None:
            so_far[cycles[at]] += counted[at]
        found.append(InWindow(use.included, earlier + counted_before, earlier + total))
    return found
