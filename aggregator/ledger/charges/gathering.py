"""Sums of segments that wait to become charges together.

Nodes that meter the same users in the same hours have parts in the same charges. Where nobody reads
the ledger meanwhile, such a charge is rated and written once, and not once for each node. What
waits is as if it were delivered later, which changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aggregator.admission.batch import ChargeKey
from aggregator.admission.grouped import GroupedSegment

_WEIGHT_MAX: Final = 100_000
"""Parts of charges that wait at most: 4 MB, and ten times that while they become charges."""

_SEGMENT_WEIGHT: Final = 10
"""Parts that take as much memory as what a segment has besides them."""


class Gathered:
    """Segments that wait."""

    def __init__(self) -> None:
        self._segments: list[GroupedSegment] = []
        self._weight = 0

    @property
    def is_full(self) -> bool:
        """Whether no more of them should wait."""
        return self._weight >= _WEIGHT_MAX

    def add(self, counted: Iterable[GroupedSegment]) -> None:
        """Let more wait."""
        for found in counted:
            self._segments.append(found)
            self._weight += found.charges + _SEGMENT_WEIGHT

    def take(self) -> list[GroupedSegment]:
        """All of them, which wait no longer."""
        taken, self._segments, self._weight = self._segments, [], 0
        return taken


def with_segments(
    usage: Mapping[ChargeKey, Sequence[int]], counted: Iterable[GroupedSegment]
) -> Mapping[ChargeKey, Sequence[int]]:
    """Units and records to add to each charge, those of segments counted by their sums too."""
    both = {key: [*added] for key, added in usage.items()}
    for found in counted:
        for key, units, records in found.parts():
            added = both.setdefault(key, [0, 0])
            added[0] += units
            added[1] += records
    return both
