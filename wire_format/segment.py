"""Decode a whole segment: its records, and each bad line with its number and reason.

A line is valid only if it equals the canonical encoding of its own value, byte for byte. Decoding
the whole segment, encoding it again and comparing the bytes proves that for every line at once;
only where that fails does the decoder go line by line. Bad data is never an exception.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple, cast

import msgspec

from wire_format import lines
from wire_format.faults import Fault, FaultCode
from wire_format.fields import (
    LINE_BYTES_MAX,
    VERSION,
    YEAR_MAX,
    YEAR_MIN,
    is_node,
    is_provider,
    is_resource,
    is_user,
)
from wire_format.lines import STRUCTS, Account, Decision, Folder, Line, Money, Usage
from wire_format.versions.agreement import (
    account_fault,
    decision_fault,
    money_fault,
    usage_fault,
)
from wire_format.versions.narrower import decision_is_of_its_version, money_is_of_its_version

_ESCAPE: Final = b"\\"
"""Fields at their limits make a line too long only when characters in them are escaped."""

_KNOWN_USERS_MAX: Final = 10_000
_known_users: Final[set[str]] = set()


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
    return decode_valid(data, folder) or decode_one_by_one(data, folder)


def decode_valid(data: bytes, folder: Folder) -> Segment | None:
    """All lines of a segment if every one of them is valid; None if any is not."""
    records = _decode_canonical(data, folder)
    return None if records is None else Segment(records, range(1, len(records) + 1), ())


def decode_line(line: bytes, folder: Folder) -> Line | Fault:
    """Decode one line, newline included."""
    records = _decode_canonical(line, folder)
    if records is not None and len(records) == 1:
        return records[0]
    from wire_format.explanation import explain_line

    return explain_line(line, folder) or Fault(
        FaultCode.INVALID_FIELD, "the decoder and the model disagree on this line; report it"
    )


@cache
def _decoder(folder: Folder) -> msgspec.json.Decoder[Line]:
    """Made when it is needed: most programs read lines of one folder, and patterns take time."""
    return msgspec.json.Decoder(STRUCTS[folder])


def _decode_canonical(data: bytes, folder: Folder) -> Sequence[Line] | None:
    """All records if every line is valid; None if any is not."""
    try:
        records = _decoder(folder).decode_lines(data)
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
    return records if all(map(_FIELDS_AGREE[folder], records)) else None


def _values_valid(records: Sequence[Line], folder: Folder) -> bool:
    """Check the rules that are cheaper once per distinct value than in the decoder."""
    return (
        all(map(is_node, {record.node for record in records}))
        and {record.ts.tzinfo for record in records} <= {UTC}
        and all(YEAR_MIN <= year <= YEAR_MAX for year in {record.ts.year for record in records})
        and _VALUES_VALID[folder](records)
    )


def _usage_valid(records: Sequence[Usage]) -> bool:
    return _are_users({record.user for record in records})


def _are_users(texts: set[str]) -> bool:
    """Whether each may be an account id. Valid ones are remembered: most come in many segments."""
    new = texts - _known_users
    if not all(map(is_user, new)):
        return False
    if len(_known_users) > _KNOWN_USERS_MAX:
        _known_users.clear()
    _known_users.update(new)
    return True


def _money_valid(records: Sequence[Money]) -> bool:
    # An absent text is empty; whether it may be absent is a matter of the kind.
    if not _are_users({record.user for record in records} - {""}):
        return False
    if {record.v for record in records} <= {VERSION}:
        return True
    providers = {record.provider for record in records} - {""}
    return all(map(is_provider, providers)) and _terms_valid(records)


def _accounts_valid(records: Sequence[Account]) -> bool:
    users = {record.user for record in records} - {""}
    return _are_users(users) and _terms_valid(records)


def _terms_valid(records: Sequence[Money | Account]) -> bool:
    hours = {each for record in records for each in (record.from_, record.until)} - {None}
    return all(
        _is_instant(hour) and not (hour.minute or hour.second or hour.microsecond)
        for hour in cast("set[datetime]", hours)
    )


def _decisions_valid(records: Sequence[Decision]) -> bool:
    return all(_is_instant(record.of_ts) for record in records if record.of_ts is not None)


def _is_instant(value: datetime) -> bool:
    return value.tzinfo == UTC and YEAR_MIN <= value.year <= YEAR_MAX


_VALUES_VALID: Final[Mapping[Folder, Callable[[Any], bool]]] = {
    Folder.USAGE: _usage_valid,
    Folder.PAYMENTS: _money_valid,
    Folder.DECISIONS: _decisions_valid,
    Folder.ACCOUNTS: _accounts_valid,
}


def _is_plain(records: Sequence[Usage]) -> bool:
    """Whether no record is a correction or below zero: then no rule across fields applies."""
    return (
        {record.corrects for record in records} <= {None}
        and {record.reason for record in records} <= {None}
        and min([record.units for record in records], default=0) >= 0
    )


def _usage_agrees(record: Usage) -> bool:
    return usage_fault(record) is None


def _money_agrees(record: Money) -> bool:
    return money_is_of_its_version(record) and money_fault(record) is None


def _decision_agrees(record: Decision) -> bool:
    return decision_is_of_its_version(record) and decision_fault(record) is None


def _account_agrees(record: Account) -> bool:
    return account_fault(record) is None


_FIELDS_AGREE: Final[Mapping[Folder, Callable[[Any], bool]]] = {
    Folder.USAGE: _usage_agrees,
    Folder.PAYMENTS: _money_agrees,
    Folder.DECISIONS: _decision_agrees,
    Folder.ACCOUNTS: _account_agrees,
}


def decode_one_by_one(data: bytes, folder: Folder) -> Segment:
    """`decode_segment` where a line is known not to be valid."""
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
