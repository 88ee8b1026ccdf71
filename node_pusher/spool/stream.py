"""`record -`: lines of JSON from a stream into the spool, a group at a time.

All that is waiting in the stream is read and written in one transaction: a slow writer has each
line on disk without delay, and a fast one shares an fsync among thousands.
"""

import fcntl
import os
import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gitmeter.support.bulk import without_cycle_collection
from node_pusher.spool.api import Spool
from node_pusher.spool.inputs import UsageInput, decode_input, decode_inputs
from node_pusher.spool.outcomes import Recorded, Refusal

LINE_BYTES_MAX: Final = 64 * 1024
"""Of an incoming line; far more than any outgoing line."""

_CHUNK_BYTES: Final = 1024 * 1024
_GROUP_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass
class StreamReport:
    """What became of a stream.

    Attributes:
        recorded: new records.
        repeated: records whose `id` and content had been recorded before.
        refused: lines that were not recorded.
        first_seq: the lowest number given; None when none was.
        last_seq: the highest.
        lines: lines read so far.
        interrupted: whether it was cut short; what is counted here is on disk nevertheless.
    """

    recorded: int = 0
    repeated: int = 0
    refused: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    lines: int = 0
    interrupted: bool = False

    def count(self, outcome: Recorded) -> None:
        """Count one record that is on disk."""
        if outcome.repeated:
            self.repeated += 1
            return
        self.recorded += 1
        self.last_seq = outcome.seq
        if self.first_seq is None:
            self.first_seq = outcome.seq


def record_stream(
    spool: Spool,
    descriptor: int,
    refused: Callable[[int, str], None],
    report: StreamReport | None = None,
    interrupted: int | None = None,
) -> StreamReport:
    """Record every good line of a stream until it ends.

    Args:
        spool: where the records go.
        descriptor: the file descriptor to read.
        refused: called for every other line with its number, from 1, and the reason.
        report: updated as lines are recorded, so that it is correct after an error too.
        interrupted: a file descriptor; once it is readable, nothing more is read from the stream.

    Raises:
        SpoolError: the spool could not be written; lines before that are recorded.
    """
    report = report or StreamReport()
    with without_cycle_collection():
        for group in _groups(descriptor, report, interrupted):
            if isinstance(group, Refusal):
                report.lines += 1
                report.refused += 1
                refused(report.lines, group.reason)
            else:
                _record(spool, group, report, refused)
                report.lines += group.count(b"\n")
    return report


def _record(
    spool: Spool, group: bytes, report: StreamReport, refused: Callable[[int, str], None]
) -> None:
    """Record the good ones of whole lines, in one transaction."""
    inputs = decode_inputs(group)
    numbers: Sequence[int]
    items: Sequence[UsageInput | Refusal]
    if inputs is not None and _is_one_a_line(group, len(inputs)):
        items = inputs
        numbers = range(report.lines + 1, report.lines + 1 + len(items))
    else:
        numbers, items = _one_by_one(group, report.lines + 1)
    for line_no, outcome in zip(numbers, spool.append_inputs(items), strict=True):
        if isinstance(outcome, Recorded):
            report.count(outcome)
        else:
            report.refused += 1
            refused(line_no, outcome.reason)


def _is_one_a_line(group: bytes, objects: int) -> bool:
    """Whether each line is one object, given the number of objects in the group.

    Decoders also accept an object over two lines, and two objects on one line. If each line begins
    with `{` and ends with `}`, no object extends past its line, because inside an object no `}` is
    followed by a line's end and `{`. As many objects as lines then means one on each line.
    """
    count = group.count(b"\n")
    begin_and_end = group.startswith(b"{") and group.endswith(b"}\n")
    return begin_and_end and objects == count == group.count(b"}\n{") + 1


def _one_by_one(group: bytes, first_line_no: int) -> tuple[list[int], list[UsageInput | Refusal]]:
    lines = enumerate(group.split(b"\n")[:-1], start=first_line_no)
    filled = [(line_no, line) for line_no, line in lines if line.strip()]
    return [line_no for line_no, _ in filled], [decode_input(line) for _, line in filled]


def _groups(
    descriptor: int, report: StreamReport, interrupted: int | None
) -> Iterator[bytes | Refusal]:
    """Whole lines, as many as are available, and a refusal for each line that is too long."""
    _widen(descriptor)
    rest = b""
    skipping = False
    while True:
        if interrupted is not None and _is_interrupted(descriptor, interrupted):
            report.interrupted = True
            return
        data = _read(descriptor)
        if not data:
            break
        if skipping:
            _, newline, data = data.partition(b"\n")
            skipping = not newline
        whole, newline, rest = (rest + data).rpartition(b"\n")
        if newline:
            yield whole + newline
        if len(rest) > LINE_BYTES_MAX:
            yield Refusal(f"longer than {LINE_BYTES_MAX} bytes")
            rest, skipping = b"", True
    if rest:
        yield rest + b"\n"


def _is_interrupted(descriptor: int, interrupted: int) -> bool:
    """Wait for input or an interrupt; the interrupt takes precedence."""
    return interrupted in select.select([descriptor, interrupted], [], [])[0]


def _read(descriptor: int) -> bytes:
    """Wait for input, then read all that is available."""
    parts = [os.read(descriptor, _CHUNK_BYTES)]
    size_bytes = len(parts[0])
    while parts[-1] and size_bytes < _GROUP_BYTES_MAX and select.select([descriptor], [], [], 0)[0]:
        parts.append(os.read(descriptor, _CHUNK_BYTES))
        size_bytes += len(parts[-1])
    return b"".join(parts)


def _widen(descriptor: int) -> None:
    """Enlarge a pipe's buffer of 64 KiB, so that a fast writer shares an fsync among more lines."""
    with suppress(OSError):  # not a pipe, or not allowed: slower, but just as correct
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
