"""A segment of usage in sums: all that counting it takes where no other line can touch it. Pure.

It is made where the segment is decoded, which may be another process: that then sends a few sums
instead of thousands of lines.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from operator import lt
from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from gitmeter.counting.ranges import Range, runs
from wire_format.fields import AppliesTo
from wire_format.instants import hour_of, to_us
from wire_format.lines import Usage
from wire_format.segment import Segment

if TYPE_CHECKING:  # the child that adds up starts without what admission needs
    from aggregator.admission.batch import ChargeKey

Kind = tuple[str, AppliesTo]
"""What is charged: the resource, and the discount category."""

COLUMNS: Final = 5
"""Of the sums: hour, user, kind, units, records."""

_UnitsByUser = dict[str, list[int]]
"""The units of each line, by user."""


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
        sums: five columns, one after the other, with a number of 64 bits for each charge: the clock
            hour since 1970, the places of its user and kind among `users` and `kinds`, the units,
            and the number of records.
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

    def parts(self) -> Iterator[tuple["ChargeKey", int, int]]:
        """Each charge with the units and records that the segment adds to it."""
        numbers, rows = memoryview(self.sums).cast("q"), self.charges
        columns = (numbers[at : at + rows] for at in range(0, len(numbers), rows))
        for hour, user, kind, units, records in zip(*columns, strict=True):
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
    seqs = [record.seq for record in records]
    nodes = {record.node for record in records}
    if (
        len(nodes) > 1
        or not all(map(lt, seqs, seqs[1:]))
        or not {record.corrects for record in records} <= {None}
    ):
        return None
    times = [record.ts for record in records]
    earliest, latest = min(times), max(times)
    first_hour, last_hour = hour_of(earliest), hour_of(latest)
    hours = repeat(first_hour) if first_hour == last_hour else map(hour_of, times)
    # lists of units, because adding up and counting them afterwards is C
    units_of: dict[tuple[int, str, AppliesTo], _UnitsByUser]
    units_of = defaultdict(lambda: defaultdict(list))
    for record, hour in zip(records, hours, strict=False):
        units_of[hour, record.resource, record.applies_to][record.user].append(record.units)
    try:
        users, kinds, sums = _table(units_of)
    except OverflowError:
        return None
    units_max: dict[str, int] = {}
    for (_, resource, _), by_user in units_of.items():
        most = max(chain.from_iterable(by_user.values()))
        units_max[resource] = max(most, units_max.get(resource, 0))
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
        sums=sums,
    )


def _table(
    units_of: Mapping[tuple[int, str, AppliesTo], _UnitsByUser],
) -> tuple[list[str], list[Kind], bytes]:
    """`users`, `kinds` and `sums` of a `GroupedSegment`.

    Raises:
        OverflowError: a sum has more than 64 bits.
    """
    users: dict[str, int] = {}
    kinds: dict[Kind, int] = {}
    columns: list[list[int]] = [[] for _ in range(COLUMNS)]
    hours, user_places, kind_places, units, records = columns
    for (hour, resource, applies_to), by_user in units_of.items():
        kind_place = kinds.setdefault((resource, applies_to), len(kinds))
        hours += [hour] * len(by_user)
        user_places += [users.setdefault(user, len(users)) for user in by_user]
        kind_places += [kind_place] * len(by_user)
        units += map(sum, by_user.values())
        records += map(len, by_user.values())
    return list(users), list(kinds), b"".join(array("q", column) for column in columns)
