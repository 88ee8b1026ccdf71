"""Sets of sequence numbers, kept as ranges so that a month of contiguous records is one row."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

from wire_format.fields import EPOCH_SIZE


class Range(NamedTuple):
    """Sequence numbers from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}..{self.last}" if self.first < self.last else str(self.first)


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
        for first, last in ranges:
            self.add(Range(first, last))

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
