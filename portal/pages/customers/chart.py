"""A chart of usage: heights in a picture of fixed size. What is told are sums of the answer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from portal.api.models.usage import AccountUsage, Step
from wire_format.instants import parse_ts
from wire_format.money import parse_nano

WIDTH: Final = 720
HEIGHT: Final = 160
COLOURS: Final = 8
"""Of resources; those that cost least share the last one."""
STACKED_MAX: Final = 100
"""Bars that show their parts: of more, none could be seen, and each would have to be sent."""
_WEEK: Final = timedelta(days=7)
_GAP_MIN_WIDTH: Final = 6


class Part(NamedTuple):
    """A part of a bar.

    Attributes:
        colour: of its resource.
        y: where it begins, from the top.
        height: how high it is.
    """

    colour: int
    y: int
    height: int


class Bar(NamedTuple):
    """The bar of a period.

    Attributes:
        period: its first day.
        billed_usd: what its usage costs; None where there was none.
        x: where it begins, from the left.
        width: how wide it is.
        parts: its parts, from below.
    """

    period: str
    billed_usd: str | None
    x: int
    width: int
    parts: list[Part]


class Chart(NamedTuple):
    """A chart.

    Attributes:
        bars: in time, empty ones among them.
        highest: the one of the dearest period.
        colours: the resources, each with its colour; none where bars do not show their parts.
    """

    bars: list[Bar]
    highest: Bar
    colours: dict[str, int]


def chart(usage: AccountUsage) -> Chart | None:
    """The chart of usage; None where nothing was billed."""
    billed = {each.of: each.billed_usd for each in usage.periods}
    most_nano = max(map(parse_nano, billed.values()), default=0)
    if most_nano <= 0:
        return None
    periods = [*_periods(usage)]
    colours = {each.of: min(at, COLOURS - 1) for at, each in enumerate(usage.resources)}
    if len(periods) > STACKED_MAX:
        colours = {}
        parts = {period: [(0, parse_nano(usd))] for period, usd in billed.items()}
    else:
        parts = _parts(usage, colours)
    bars = []
    for at, period in enumerate(periods):
        x, end = WIDTH * at // len(periods), WIDTH * (at + 1) // len(periods)
        gap = 2 if end - x >= _GAP_MIN_WIDTH else 0
        stacked = [*_stacked(sorted(parts.get(period, ())), most_nano)]
        bars.append(Bar(period, billed.get(period), x, max(1, end - x - gap), stacked))
    highest = max(bars, key=lambda bar: parse_nano(bar.billed_usd or "0"))
    return Chart(bars, highest, colours)


def _parts(usage: AccountUsage, colours: Mapping[str, int]) -> dict[str, list[tuple[int, int]]]:
    """What each resource costs in each period: its colour, and nano-dollars."""
    parts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in usage.rows:
        parts[row.period].append((colours[row.resource], parse_nano(row.billed_usd or "0")))
    return parts


def _stacked(parts: list[tuple[int, int]], most_nano: int) -> Iterator[Part]:
    below_nano = 0
    for colour, nano in parts:
        if nano <= 0:
            continue
        bottom = HEIGHT * below_nano // most_nano
        below_nano += nano
        height = max(1, HEIGHT * below_nano // most_nano - bottom)
        yield Part(colour, HEIGHT - bottom - height, height)


def _periods(usage: AccountUsage) -> Iterator[str]:
    """The first day of each period of the time, as rows name it."""
    day, end = parse_ts(usage.from_).date(), parse_ts(usage.until)
    last = (end - timedelta(hours=1)).date()
    day = _first_day(day, usage.by)
    while day <= last:
        yield day.isoformat()
        day = _next(day, usage.by)


def _first_day(day: date, by: Step) -> date:
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def _next(day: date, by: Step) -> date:
    if by == "week":
        return day + _WEEK
    if by == "month":
        return _first_day(day + timedelta(days=31), by)
    return day + timedelta(days=1)
