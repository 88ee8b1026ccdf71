"""Which records make a segment, and which segments make a commit. Pure.

A segment holds records of one folder and one epoch whose `seq` is contiguous, within the limits of
`wire_format.fields`. A commit holds up to 8 segments of one folder, contiguous too, so that one
`Seq:` trailer covers all of it.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby, repeat
from typing import Final, NamedTuple

from wire_format.fields import (
    EPOCH_SIZE,
    SEGMENT_BYTES_MAX,
    SEGMENT_RECORDS_MAX,
    SEGMENTS_PER_COMMIT_MAX,
    epoch_of,
)
from wire_format.instants import HOUR_US
from wire_format.lines import Folder

US_PER_S: Final = 1_000_000
COMMIT_BYTES_MAX: Final = SEGMENTS_PER_COMMIT_MAX * SEGMENT_BYTES_MAX
_BY_NOBODY: Final[Mapping[int, str]] = {}


class Span(NamedTuple):
    """Sequence numbers from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}..{self.last}" if self.first < self.last else str(self.first)


class SegmentFile(NamedTuple):
    """Lines that a commit added.

    Attributes:
        folder: the folder of the repo that they are in.
        first_seq: the number of the first line; numbers are contiguous.
        data: the lines, each with its newline.
    """

    folder: Folder
    first_seq: int
    data: bytes


class Unsent(NamedTuple):
    """A record that is in no commit yet, as far as planning needs it.

    Attributes:
        seq: its number.
        folder: the name of the folder of the repo that its line goes to.
        ts_us: its instant, in microseconds since 1970.
        size_bytes: length of its line, newline included.
    """

    seq: int
    folder: str
    ts_us: int
    size_bytes: int


class Block(NamedTuple):
    """Records of one folder, in no commit yet and with contiguous numbers, that nobody entered.

    Attributes:
        span: their numbers.
        folder: the name of the folder of the repo that their lines go to.
        size_bytes: length of their lines, newlines included.
        records: gives them one by one, which is asked for only where a segment ends among them.
    """

    span: Span
    folder: str
    size_bytes: int
    records: Callable[[], Iterable[Unsent]]


class CommitPlan(NamedTuple):
    """One commit to make.

    Attributes:
        folder: the folder of the repo that its segments go to.
        segments: their spans, in order, contiguous.
        hour: if planned by hour, the latest clock hour of its records and of those that are mixed
            with them; else None.
        by: who entered all of its records; empty if nobody did.
    """

    folder: Folder
    segments: tuple[Span, ...]
    hour: int | None
    by: str


def plan(
    records: Iterable[Unsent | Block],
    *,
    hours: Iterable[int] | None = None,
    bytes_max: int = COMMIT_BYTES_MAX,
    entered_by: Mapping[int, str] = _BY_NOBODY,
) -> Iterator[CommitPlan]:
    """Divide records, in order of `seq`, into commits.

    Args:
        records: what is not in any commit yet; a block is planned as its records would be.
        hours: for importing history, the hours of `hours_apart`: a commit has records of one.
            There are no blocks then.
        bytes_max: most bytes of the lines of one commit, unless it has one record alone.
        entered_by: who entered records, by `seq`; a commit has those of one person.
    """
    size_max = min(bytes_max, SEGMENT_BYTES_MAX)
    count_max = max(1, min(bytes_max // SEGMENT_BYTES_MAX, SEGMENTS_PER_COMMIT_MAX))
    for (folder, hour, by, _run), segments in groupby(
        _segments(records, entered_by, repeat(None) if hours is None else hours, size_max),
        key=lambda found: found[0],
    ):
        spans = [span for _, span in segments]
        for i in range(0, len(spans), count_max):
            yield CommitPlan(Folder(folder), tuple(spans[i : i + count_max]), hour, by)


def hours_apart(instants_us: Iterable[int]) -> Sequence[int]:
    """For each record the clock hour, since 1970, under which it is committed by hour.

    Each hour has its own, as far as the order of the records allows it: numbers in a commit are
    contiguous, so hours whose records are mixed go under the latest of them.

    Args:
        instants_us: of the records in order of `seq`, in microseconds since 1970.
    """
    hours = array("q", (ts_us // HOUR_US for ts_us in instants_us))
    latest = array("q", accumulate(hours, max))
    earliest_after = None
    for at in range(len(hours) - 1, -1, -1):
        if earliest_after is not None and latest[at] >= earliest_after:
            latest[at] = latest[at + 1]
        hour = hours[at]
        earliest_after = hour if earliest_after is None else min(earliest_after, hour)
    return latest


class Ahead(NamedTuple):
    """Records that are later than the clock.

    Attributes:
        records: how many.
        first_seq, last_seq: the lowest and the highest of their numbers; 0 without any.
        latest_us: the latest instant among them, in microseconds since 1970; 0 without any.
    """

    records: int = 0
    first_seq: int = 0
    last_seq: int = 0
    latest_us: int = 0

    @property
    def seqs(self) -> str:
        """The numbers, as `resend` and `books decide exclude` take them."""
        return str(Span(self.first_seq, self.last_seq))


_Group = tuple[str, int | None, str, int]
"""What segments of a commit share: folder, hour, who entered them, number of the contiguous run."""


def _segments(
    records: Iterable[Unsent | Block],
    entered_by: Mapping[int, str],
    hours: Iterable[int | None],
    size_max: int,
) -> Iterator[tuple[_Group, Span]]:
    """Start a segment with each record that cannot go behind the one before it."""
    shared: tuple[str, int | None, str] | None = None
    first = last = end = size = run = 0
    for found, hour in zip(records, hours, strict=False):
        singly: Iterable[Unsent]
        if isinstance(found, Unsent):
            singly = (found,)
        elif (
            (found.folder, hour, "") == shared
            and found.span.first == last + 1
            and found.span.last < end
            and size + found.size_bytes <= size_max
        ):
            size, last = size + found.size_bytes, found.span.last
            continue
        else:
            singly = found.records()
        for seq, folder, _, size_bytes in singly:
            own = (folder, hour, entered_by.get(seq, ""))
            size += size_bytes
            if own != shared or seq != last + 1 or seq == end or size > size_max:
                if shared is not None:
                    yield (*shared, run), Span(first, last)
                    run += seq != last + 1
                shared, first, size = own, seq, size_bytes
                end = min(seq + SEGMENT_RECORDS_MAX, (epoch_of(seq) + 1) * EPOCH_SIZE + 1)
            last = seq
    if shared is not None:
        yield (*shared, run), Span(first, last)


def outside(committed: Iterable[Span]) -> Iterator[Span]:
    """The spans of numbers outside all of these."""
    start = 1
    for span in sorted(committed):
        if span.first > start:
            yield Span(start, span.first - 1)
        start = max(start, span.last + 1)
    yield Span(start, 2**63 - 1)
