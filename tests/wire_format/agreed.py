"""The promise that two decoders make: both accept and refuse the same lines, with one value."""

import json
from datetime import datetime
from typing import Any

from wire_format.explanation import canonical, explain_line
from wire_format.instants import format_ts
from wire_format.lines import Folder, Line, encode_lines
from wire_format.schema import MODELS, Record
from wire_format.segment import decode_line, decode_segment
from wire_format.versions.forms import form_of, version_of


def values(record: Line) -> dict[str, Any]:
    """What a decoded line holds, as its model spells it."""
    return {field.name: _spelled(getattr(record, field.attribute)) for field in form_of(record)}


def _spelled(value: object) -> object:
    if isinstance(value, datetime):
        return format_ts(value)
    return list(value) if isinstance(value, tuple) else value


def model_of(line: bytes, folder: Folder) -> type[Record]:
    """The model by which a line is judged: that of its version, or of the lowest one."""
    try:
        stated = json.loads(line)
    except (ValueError, RecursionError):
        stated = None
    version = stated.get("v") if isinstance(stated, dict) else None
    return MODELS[folder, version_of(version, folder)]


def assert_agree(line: bytes, folder: Folder) -> bool:
    """Both decoders accept `line`, with one value, or both refuse it; returns which."""
    fault = explain_line(line, folder)
    segment = decode_segment(line, folder)
    accepted = len(segment.records) == 1 and not segment.rejects
    if b"\n" in line[:-1]:  # not one line to the segment's decoder
        assert fault is not None
        return False
    assert accepted == (fault is None), (line, fault, segment)
    assert decode_line(line, folder) == (fault or segment.records[0])
    if fault is None:
        held = model_of(line, folder).model_validate_json(line).model_dump(by_alias=True)
        assert values(segment.records[0]) == held
        assert encode_lines(segment.records) == canonical(held, folder) == line
    return fault is None
