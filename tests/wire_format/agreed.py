"""The promise that two decoders make: both accept and refuse the same lines, with one value."""

from datetime import datetime
from typing import Any

import msgspec

from wire_format.explanation import canonical, explain_line
from wire_format.instants import format_ts
from wire_format.lines import Folder, Line, encode_lines
from wire_format.schema import MODELS
from wire_format.segment import decode_line, decode_segment


def values(record: Line) -> dict[str, Any]:
    """What a decoded line holds, as its model spells it."""
    return {
        name: format_ts(value) if isinstance(value, datetime) else value
        for name, value in msgspec.structs.asdict(record).items()
    }


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
        model = MODELS[folder].model_validate_json(line)
        assert values(segment.records[0]) == model.model_dump()
        assert encode_lines(segment.records) == canonical(model.model_dump(), folder) == line
    return fault is None
