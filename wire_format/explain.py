"""Why a line is not valid, in words for the person who has to mend it.

This path is slow and careful, and only bad lines come here.
"""

import json
from typing import Any, Final

from pydantic import ValidationError

from wire_format.faults import Fault, FaultCode
from wire_format.fields import LINE_BYTES_MAX, VERSION
from wire_format.lines import Folder
from wire_format.models import AnyRecord, DecisionRecord, MoneyRecord, UsageRecord
from wire_format.wording import Place, sentences

_MODELS: Final[dict[Folder, type[AnyRecord]]] = {
    Folder.USAGE: UsageRecord,
    Folder.PAYMENTS: MoneyRecord,
    Folder.DECISIONS: DecisionRecord,
}
_EXPECTED_SHOWN_MAX: Final = 400


def explain_line(line: bytes, folder: Folder) -> Fault | None:
    """What is wrong with `line` (newline included), or None when it is valid."""
    if len(line) > LINE_BYTES_MAX:
        return Fault(FaultCode.TOO_LONG, f"{len(line)} bytes; a line has at most {LINE_BYTES_MAX}")
    if not line.endswith(b"\n"):
        return Fault(FaultCode.NOT_TERMINATED, "the line does not end with a newline")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return Fault(FaultCode.NOT_UTF8, f"not UTF-8 at byte {error.start + 1}")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return Fault(FaultCode.NOT_JSON, f"not JSON: {error}")
    if not isinstance(value, dict):
        return Fault(FaultCode.NOT_OBJECT, "not a JSON object")
    return _explain_object(line, value, folder)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _explain_object(line: bytes, value: dict[str, Any], folder: Folder) -> Fault | None:
    version = value.get("v")
    if isinstance(version, int) and version > VERSION:
        return Fault(
            FaultCode.UNKNOWN_VERSION, f"v: version {version} is newer than this code ({VERSION})"
        )
    try:
        record = _MODELS[folder].model_validate_json(line)
    except ValidationError as error:
        return Fault(FaultCode.INVALID_FIELD, "; ".join(sentences(error, _dotted)))
    canonical = record.canonical()
    if line == canonical:
        return None
    at = next(
        (i for i, (a, b) in enumerate(zip(line, canonical, strict=False)) if a != b),
        min(len(line), len(canonical)),
    )
    expected = canonical.decode().rstrip("\n")[:_EXPECTED_SHOWN_MAX]
    return Fault(
        FaultCode.NOT_CANONICAL, f"not canonical from byte {at + 1}; canonical is {expected}"
    )


def _dotted(place: Place) -> str:
    return ".".join(_shown(part) for part in place)


def _shown(part: int | str) -> str:
    """A key as a line states it; what a terminal would obey is written out."""
    text = str(part)
    return text if text.isprintable() and text else ascii(text)
