"""A segment of usage in sums: all that counting it takes where no other line can touch it. Pure.

It is made where the segment is decoded, which may be another process: that then sends a few sums
instead of thousands of lines.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, lt
from typing import Final, cast

from msgspec import Struct

from aggregator.admission.batch import ChargeKey
from gitmeter.counting.ranges import Range, runs
from wire_format.fields import AppliesTo
from wire_format.instants import hour_of, to_us
from wire_format.lines import Usage
from wire_format.segment import Segment

_seq: Final = attrgetter("seq")
_ts: Final = attrgetter("ts")

Kind = tuple[str, AppliesTo]
"""What is charged: the resource, and the discount category."""

COLUMNS: Final = 5
"""Numbers of one sum: hour, user, kind, units, records."""


class GroupedSegment(Struct, frozen=True, array_like=True, gc=False):
    """The lines of a segment, added up.

    Attributes:
        node: the node that all its lines name.
        seqs: their sequence numbers, ascending.
        latest_us: the latest `ts`, in microseconds since 1970.
        first_hour, last_hour: clock hours of the earliest and the latest `ts`, since 1970.
        records: how many lines it has.
        units_max: for each resource the most units of one line.
        users, kinds: what the sums refer to.
        sums: for each charge five numbers of 64 bits: the clock hour since 1970, the places of its
            user and kind among `users` and `kinds`, the units, and the number of records.
    """

    node: str
    seqs: list[Range]
    latest_us: int
    first_hour: int
    last_hour: int
    records: int
    units_max: dict[str, int]
    users: list[str]
    kinds: list[Kind]
    sums: bytes

    @property
    def charges(self) -> int:
        """How many charges it has a part in."""
        return len(self.sums) // (COLUMNS * array("q").itemsize)

    def parts(self) -> Iterator[tuple[ChargeKey, int, int]]:
        """Each charge with the units and records that the segment adds to it."""
        numbers = iter(array("q", self.sums))
        for hour, user, kind, units, records in zip(*[numbers] * COLUMNS, strict=True):
            yield (hour, self.users[user], *self.kinds[kind]), units, records


def grouped(segment: Segment) -> GroupedSegment | None:
    """Add up the lines of a segment.

    Returns:
        None unless every line is valid usage of one node, none is a correction, their numbers
        ascend, and each sum has at most 64 bits: any other segment is read line by line.
    """
    if segment.rejects or not segment.records or not isinstance(segment.records[0], Usage):
        return None
    records = cast("Sequence[Usage]", segment.records)
    seqs = list(map(_seq, records))
    nodes = {record.node for record in records}
    if (
        len(nodes) > 1
        or not all(map(lt, seqs, seqs[1:]))
        or not {record.corrects for record in records} <= {None}
    ):
        return None
    times = list(map(_ts, records))
    earliest, latest = min(times), max(times)
    first_hour, last_hour = hour_of(earliest), hour_of(latest)
    hours = repeat(first_hour) if first_hour == last_hour else map(hour_of, times)
    sums: dict[tuple[int, str, str, AppliesTo], list[int]] = {}
    for record, hour in zip(records, hours, strict=False):
        key = (hour, record.user, record.resource, record.applies_to)
        units = record.units
        found = sums.get(key)
        if found is None:
            sums[key] = [units, 1, units]
        else:
            found[0] += units
            found[1] += 1
            if units > found[2]:  # noqa: PLR1730 - a call of `max` costs more
                found[2] = units
    try:
        users, kinds, flat = _table(sums)
    except OverflowError:
        return None
    units_max: dict[str, int] = {}
    for (_, _, resource, _), (_, _, most) in sums.items():
        if most >= units_max.get(resource, 0):
            units_max[resource] = most
    return GroupedSegment(
        node=records[0].node,
        seqs=list(runs(seqs)),
        latest_us=to_us(latest),
        first_hour=first_hour,
        last_hour=last_hour,
        records=len(records),
        units_max=units_max,
        users=users,
        kinds=kinds,
        sums=flat,
    )


def _table(sums: Mapping[ChargeKey, Sequence[int]]) -> tuple[list[str], list[Kind], bytes]:
    """`users`, `kinds` and `sums` of a `GroupedSegment`.

    Raises:
        OverflowError: a sum has more than 64 bits.
    """
    users: dict[str, int] = {}
    kinds: dict[Kind, int] = {}
    table: list[int] = []
    for (hour, user, resource, applies_to), (units, records, _) in sums.items():
        user_at = users.setdefault(user, len(users))
        kind_at = kinds.setdefault((resource, applies_to), len(kinds))
        table.extend((hour, user_at, kind_at, units, records))
    return list(users), list(kinds), array("q", table).tobytes()
