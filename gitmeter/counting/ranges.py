"""Sets of sequence numbers, kept as ranges so that a month of contiguous records is one row."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import merge
from typing import Final, NamedTuple, Protocol, Self

from wire_format.fields import EPOCH_SIZE

_ADD_COST: Final = 1 / 200
"""Adding a range to a set moves all above it; merging steps over each, which takes longer."""


class Range(NamedTuple):
    """Sequence numbers from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}..{self.last}" if self.first < self.last else str(self.first)


class SeenSeqs(Protocol):
    """The seqs of a node that were read."""

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any seq from `first` to `last` was seen."""

    def among(self, seqs: Collection[int]) -> set[int]:
        """Those of `seqs` that were seen."""

    def within(self, span: Range) -> Iterable[Range]:
        """The parts of a range that were seen: disjoint, in ascending order."""

    def update(self, added: Sequence[Range]) -> None:
        """Add seqs that were read."""


def joined(ranges: Iterable[Range]) -> Iterator[Range]:
    """Ranges in ascending order of their first number, joined where they overlap or touch."""
    current: Range | None = None
    for each in ranges:
        if current is None:
            current = each
        elif each.first > current.last + 1:
            yield current
            current = each
        elif each.last > current.last:
            current = Range(current.first, each.last)
    if current is not None:
        yield current


def runs(numbers: Sequence[int]) -> Iterator[Range]:
    """The contiguous ranges of ascending numbers, in which a number may be repeated."""
    if not numbers:
        return
    if numbers[-1] - numbers[0] + 1 == len(numbers) == len(set(numbers)):
        yield Range(numbers[0], numbers[-1])
        return
    first = last = numbers[0]
    for number in numbers:
        if number > last + 1:
            yield Range(first, last)
            first = number
        last = number
    yield Range(first, last)


class RangeSet:
    """A set of integers as disjoint ranges that do not touch, in ascending order."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.update([Range(first, last) for first, last in ranges])

    def __iter__(self) -> Iterator[Range]:
        return map(Range, self._firsts, self._lasts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RangeSet({', '.join(map(str, self))})"

    def copy(self) -> Self:
        """An independent copy."""
        return type(self)(self)

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any number from `first` to `last` is in the set."""
        at = bisect_left(self._lasts, first)
        return at < len(self._firsts) and self._firsts[at] <= last

    def among(self, numbers: Collection[int]) -> set[int]:
        """Those of some numbers that are in the set."""
        return {number for number in numbers if self.overlaps(number, number)}

    def within(self, span: Range) -> list[Range]:
        """The parts of the set inside a range."""
        at = bisect_left(self._lasts, span.first)
        end = bisect_right(self._firsts, span.last)
        return [
            Range(max(first, span.first), min(last, span.last))
            for first, last in zip(self._firsts[at:end], self._lasts[at:end], strict=True)
        ]

    def add(self, added: Range) -> None:
        """Add a range, joining it with those it overlaps or touches."""
        low = bisect_left(self._lasts, added.first - 1)
        high = bisect_right(self._firsts, added.last + 1)
        if low < high:
            added = Range(
                min(added.first, self._firsts[low]), max(added.last, self._lasts[high - 1])
            )
        self._firsts[low:high] = [added.first]
        self._lasts[low:high] = [added.last]

    def update(self, added: Sequence[Range]) -> None:
        """Add ranges, in any order."""
        if len(added) <= 1 + len(self._firsts) * _ADD_COST:
            for each in added:
                self.add(each)
            return
        all_ranges = list(joined(merge(self, sorted(added))))
        self._firsts = [each.first for each in all_ranges]
        self._lasts = [each.last for each in all_ranges]

    def gaps(self) -> list[Range]:
        """The numbers missing between those of the set, epoch by epoch.

        Each epoch is numbered from its first number on, so numbers before the first that was seen
        in an epoch are missing too. The jump from one epoch to the next is not a gap.
        """
        missing: list[Range] = []
        expected = 1
        for seen in self:
            epoch_first = (seen.first - 1) // EPOCH_SIZE * EPOCH_SIZE + 1
            expected = max(expected, epoch_first)
            if seen.first > expected:
                missing.append(Range(expected, seen.first - 1))
            expected = seen.last + 1
        return missing

    def epochs(self) -> list[int]:
        """The epochs that contain a number of the set, ascending."""
        found: set[int] = set()
        for seen in self:
            found.update(range((seen.first - 1) // EPOCH_SIZE, (seen.last - 1) // EPOCH_SIZE + 1))
        return sorted(found)

    @property
    def highest(self) -> int | None:
        """The highest number, or None when the set is empty."""
        return self._lasts[-1] if self._lasts else None
