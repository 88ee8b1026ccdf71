"""Imported prices meet those that are in the books already. Pure.

What hours that have begun cost stays as it is: a price that differs by now begins with the coming
hour. Prices that earlier versions imported into `prices.toml` move to the file of their own.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from books.rule_book.llm_models import PACKAGE, split_length
from books.rule_book.price_file import PriceEntry
from wire_format.instants import format_ts, parse_ts
from wire_format.rule_files.prices_file import Price

_WRITTEN: Final = re.compile(
    rf'\n?\[\[price\]\]\n# ({re.escape(PACKAGE)} [^\n]*)\nresource = "([^"\n]*)"\n'
    r'usd = "([^"\n]*)"\nper = ([0-9]+)\nfrom = ([^\n]*)\napplies_to = "llm"\n'
)


class Separated(NamedTuple):
    """The text of `prices.toml` and the prices that an earlier import wrote there.

    Attributes:
        text: the file without them.
        moved: the prices.
    """

    text: str
    moved: list[PriceEntry]


def separate(text: str, own: Iterable[Price], imported: Iterable[Price]) -> Separated:
    """Take out of `prices.toml` what an import wrote there, unless a price would change by that.

    Args:
        text: the file.
        own: the prices in it.
        imported: those in the file of imported ones.
    """
    stated: defaultdict[str, int] = defaultdict(int)
    for price in own:
        stated[price.resource] += 1
    written: defaultdict[str, int] = defaultdict(int)
    for match in _WRITTEN.finditer(text):
        written[match[2]] += 1
    mixed = {price.resource for price in imported}
    movable = {name for name, count in written.items() if stated[name] == count} - mixed
    moved = [_entry(match) for match in _WRITTEN.finditer(text) if match[2] in movable]
    left = _WRITTEN.sub(lambda match: "" if match[2] in movable else match[0], text)
    return Separated(left, moved)


def renewed(
    entries: Sequence[PriceEntry], own: Sequence[Price], imported: Sequence[Price], now: datetime
) -> list[PriceEntry]:
    """What of the prices to import changes the future, for models that have prices already.

    Args:
        entries: all prices of the models, with the hour from which each is in force.
        own: the prices of `prices.toml`.
        imported: those of `imported.toml`.
        now: the time; the hour after it is the first that may change.
    """
    known = {_model(price.resource) for price in (*own, *imported)}
    present: defaultdict[str, dict[datetime, object]] = defaultdict(dict)
    for price in imported:
        if price.applies_to == "llm" and price.user is None:
            present[price.resource][price.from_] = price.rate
    found: list[PriceEntry] = []
    for group in _by_resource(entries):
        resource = group[0].resource
        if _model(resource) in known:
            found += _future(group, present[resource], coming_hour(now))
        else:
            found += group
    return found


def with_former_lengths(
    entries: Sequence[PriceEntry], imported: Iterable[Price]
) -> list[PriceEntry]:
    """The prices to import, and what long requests cost whose price is no longer a higher one.

    Args:
        entries: all prices of the models.
        imported: the prices of `imported.toml`. A resource of long requests there that has none
            among those to import gets the prices of the longest shorter requests.
    """
    groups: defaultdict[str, dict[int, list[PriceEntry]]] = defaultdict(dict)
    for group in _by_resource(entries):
        kind, tokens = split_length(group[0].resource)
        groups[kind][tokens] = group
    found = list(entries)
    wanted = {entry.resource for entry in entries}
    for resource in sorted({price.resource for price in imported} - wanted):
        kind, tokens = split_length(resource)
        if shorter := [length for length in groups[kind] if length < tokens]:
            group = groups[kind][max(shorter)]
            found += [entry._replace(resource=resource) for entry in group]
    return found


def coming_hour(now: datetime) -> datetime:
    """The first hour that has not begun."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _future(
    wanted: Sequence[PriceEntry], present: dict[datetime, object], first: datetime
) -> Iterator[PriceEntry]:
    """Entries from the first hour on, after which the prices are those that are wanted."""
    timeline = sorted((parse_ts(entry.from_), entry) for entry in wanted)
    starts = [start for start, _ in timeline]
    reached = dict(present)
    for hour in sorted({first, *(start for start in (*starts, *present) if start > first)}):
        index = bisect_right(starts, hour)
        begun = [start for start in reached if start <= hour]
        in_force = reached[max(begun)] if begun else None
        if index and (rate := (entry := timeline[index - 1][1]).price.rate) != in_force:
            reached[hour] = rate
            yield entry._replace(from_=format_ts(hour))


def _by_resource(entries: Iterable[PriceEntry]) -> list[list[PriceEntry]]:
    groups: defaultdict[str, list[PriceEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.resource].append(entry)
    return list(groups.values())


def _model(resource: str) -> str:
    """`llm/openai/gpt-4o` of `llm/openai/gpt-4o/input_tokens`, of long requests too."""
    return split_length(resource)[0].rpartition("/")[0]


def _entry(match: re.Match[str]) -> PriceEntry:
    return PriceEntry(match[2], match[3], int(match[4]), match[5], "llm", match[1])
