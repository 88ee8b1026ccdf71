"""Decode a whole segment: its records, and each bad line with its number and reason.

A line is valid only if it equals the canonical encoding of its own value, byte for byte. Decoding
the whole segment, encoding it again and comparing the bytes proves that for every line at once;
only where that fails does the decoder go line by line. Bad data is never an exception.
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Final, NamedTuple, cast

import msgspec

from wire_format import lines
from wire_format.agreement import decision_fault, money_fault, usage_fault
from wire_format.faults import Fault, FaultCode
from wire_format.fields import LINE_BYTES_MAX, YEAR_MAX, YEAR_MIN, is_node, is_resource, is_user
from wire_format.lines import Decision, Folder, Line, Money, Usage

_DECODERS: Final[dict[Folder, msgspec.json.Decoder[Line]]] = {
    Folder.USAGE: msgspec.json.Decoder(Usage),
    Folder.PAYMENTS: msgspec.json.Decoder(Money),
    Folder.DECISIONS: msgspec.json.Decoder(Decision),
}
_ESCAPE: Final = b"\\"
"""Fields at their limits make a line too long only when characters in them are escaped."""


class Reject(NamedTuple):
    """A line that is not valid.

    Attributes:
        line_no: its number in the segment, from 1.
        line: its bytes, newline included.
        fault: what is wrong.
    """

    line_no: int
    line: bytes
    fault: Fault


class Segment(NamedTuple):
    """The content of a segment.

    Attributes:
        records: the valid lines in file order.
        line_numbers: for each record its line number, from 1.
        rejects: the other lines.
    """

    records: Sequence[Line]
    line_numbers: Sequence[int]
    rejects: Sequence[Reject]


def decode_segment(data: bytes, folder: Folder) -> Segment:
    """Decode all lines of a segment; never raises for bad data."""
    records = _decode_canonical(data, folder)
    if records is not None:
        return Segment(records, range(1, len(records) + 1), ())
    return _decode_line_by_line(data, folder)


def decode_line(line: bytes, folder: Folder) -> Line | Fault:
    """Decode one line, newline included."""
    records = _decode_canonical(line, folder)
    if records is not None and len(records) == 1:
        return records[0]
    from wire_format.explanation import explain_line

    return explain_line(line, folder) or Fault(
        FaultCode.INVALID_FIELD, "the decoder and the model disagree on this line; report it"
    )


def _decode_canonical(data: bytes, folder: Folder) -> Sequence[Line] | None:
    """All records if every line is valid; None if any is not."""
    try:
        records = _DECODERS[folder].decode_lines(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if lines.encode_decoded(records) != data or not _values_valid(records, folder):
        return None
    if _ESCAPE in data and max(map(len, data.split(b"\n"))) >= LINE_BYTES_MAX:
        return None
    if folder is Folder.USAGE:
        usage = cast("Sequence[Usage]", records)
        if not all(map(is_resource, {record.resource for record in usage})):
            return None
        if _is_plain(usage):
            return records
    return records if all(_fault(record) is None for record in records) else None


def _values_valid(records: Sequence[Line], folder: Folder) -> bool:
    """Check the rules that are cheaper once per distinct value than in the decoder."""
    if folder is Folder.DECISIONS:
        if not _of_ts_valid(cast("Sequence[Decision]", records)):
            return False
    else:
        paid_for = cast("Sequence[Usage | Money]", records)
        if not all(map(is_user, {record.user for record in paid_for})):
            return False
    return (
        all(map(is_node, {record.node for record in records}))
        and {record.ts.tzinfo for record in records} <= {UTC}
        and all(YEAR_MIN <= year <= YEAR_MAX for year in {record.ts.year for record in records})
    )


def _of_ts_valid(decisions: Sequence[Decision]) -> bool:
    return all(
        record.of_ts.tzinfo == UTC and YEAR_MIN <= record.of_ts.year <= YEAR_MAX
        for record in decisions
        if record.of_ts is not None
    )


def _is_plain(records: Sequence[Usage]) -> bool:
    """Whether no record is a correction or below zero: then no rule across fields applies."""
    return (
        {record.corrects for record in records} <= {None}
        and {record.reason for record in records} <= {None}
        and min([record.units for record in records], default=0) >= 0
    )


def _fault(record: Line) -> str | None:
    """What is wrong across the fields of a record."""
    if isinstance(record, Usage):
        return usage_fault(record)
    return decision_fault(record) if isinstance(record, Decision) else money_fault(record)


def _decode_line_by_line(data: bytes, folder: Folder) -> Segment:
    records: list[Line] = []
    line_numbers: list[int] = []
    rejects: list[Reject] = []
    for line_no, line in enumerate(_split(data), start=1):
        decoded = decode_line(line, folder)
        if isinstance(decoded, Fault):
            rejects.append(Reject(line_no, line, decoded))
        else:
            records.append(decoded)
            line_numbers.append(line_no)
    return Segment(records, line_numbers, rejects)


def _split(data: bytes) -> list[bytes]:
    """The lines, each with its newline; nothing else ends a line."""
    *terminated, rest = data.split(b"\n")
    whole = [line + b"\n" for line in terminated]
    return [*whole, rest] if rest else whole
