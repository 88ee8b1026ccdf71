"""Everything that is wrong with a line, in words; the hot decoder stops at the first fault.

The types and limits are those of `wire_format.lines`, for each version as
`wire_format.versions.forms` has them. A node explains lines too, and is installed without pydantic.
"""

import json
import re
from collections.abc import Iterator, Sized
from datetime import datetime
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from wire_format import fields
from wire_format.faults import Fault, FaultCode
from wire_format.field_types import PATTERN
from wire_format.fields import LINE_BYTES_MAX
from wire_format.instants import InvalidInstantError, parse_ts
from wire_format.lines import STRUCTS, Folder
from wire_format.versions import forms
from wire_format.versions.agreement import ACROSS_FIELDS
from wire_format.versions.forms import FieldForm
from wire_format.wording import EXTRA, FORMS, LIST, META_FORM, MISSING, TEXT, WHOLE, dotted

_EXPECTED_SHOWN_MAX: Final = 400

_Found = Iterator[tuple[tuple[str, ...], str]]
"""The place inside a field, and what is wrong there."""


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
    newest = max(forms.FORMS[folder])
    if isinstance(version, int) and version > newest:
        return Fault(
            FaultCode.UNKNOWN_VERSION, f"v: version {version} is newer than this code ({newest})"
        )
    known = forms.FORMS[folder][forms.version_of(version, folder)]
    if found := list(dict.fromkeys(_field_faults(value, known))):
        return Fault(FaultCode.INVALID_FIELD, "; ".join(found))
    stated = {field.attribute: value.get(field.name, field.default) for field in known}
    if (across := ACROSS_FIELDS[folder](SimpleNamespace(**stated))) is not None:
        return Fault(FaultCode.INVALID_FIELD, across)
    expected = canonical(value, folder)
    if line == expected:
        return None
    at = next(
        (i for i, (a, b) in enumerate(zip(line, expected, strict=False)) if a != b),
        min(len(line), len(expected)),
    )
    shown = expected.decode().rstrip("\n")[:_EXPECTED_SHOWN_MAX]
    return Fault(FaultCode.NOT_CANONICAL, f"not canonical from byte {at + 1}; canonical is {shown}")


def canonical(values: dict[str, Any], folder: Folder) -> bytes:
    """The one encoding of valid values that is a line, with its newline.

    Args:
        values: of each field, an instant as its text; a field may be left out or be its default.
        folder: determines the fields.
    """
    stated = {
        field.encode_name: values[field.encode_name]
        for field in msgspec.structs.fields(STRUCTS[folder])
        if field.encode_name in values
        and (field.required or values[field.encode_name] != field.default)
    }
    if isinstance(meta := stated.get("meta"), dict):
        stated["meta"] = dict(sorted(meta.items()))
    return json.dumps(stated, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _field_faults(value: dict[str, Any], known: tuple[FieldForm, ...]) -> Iterator[str]:
    for field in known:
        if field.name in value:
            for place, words in _faults(value[field.name], field.type):
                yield f"{dotted((field.name, *place))}: {words}"
        elif field.required:
            yield f"{field.name}: {MISSING}"
    for name in value:
        if all(field.name != name for field in known):
            yield f"{dotted((name,))}: {EXTRA}"


def _faults(value: object, hint: Any, meta: Meta | None = None) -> _Found:  # noqa: ANN401 - any type of a field
    """What is wrong with a value of a type, whose limits are in `meta`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _faults(value, arguments[0], arguments[1])
    elif origin in {Union, UnionType}:
        inner = [each for each in arguments if each is not NoneType]
        if len(inner) > 1:
            if all(any(_faults(value, each)) for each in inner):
                yield (), META_FORM
        elif value is not None:
            yield from _faults(value, inner[0])
    elif origin is Literal:
        yield from _literal_faults(value, arguments)
    elif origin in {dict, tuple}:
        find = _dict_faults if origin is dict else _list_faults
        yield from find(value, arguments, meta or Meta())
    elif hint in {datetime, int}:
        tell = _instant_faults if hint is datetime else _int_faults
        yield from tell(value, meta or Meta())
    else:
        yield from _text_faults(value, _pattern(meta or Meta()))


def _pattern(meta: Meta) -> str:
    if meta.pattern is None:
        return str((meta.extra or {})[PATTERN])
    return meta.pattern.removeprefix("^(?:").removesuffix(r")\Z")


def _int_faults(value: object, limits: Meta) -> _Found:
    if type(value) is not int:  # true equals 1, but is no number
        yield (), WHOLE
    elif limits.ge is not None and value < limits.ge:
        yield (), f"must be at least {limits.ge}"
    elif limits.le is not None and value > limits.le:
        yield (), f"must be at most {limits.le}"


def _instant_faults(value: object, meta: Meta) -> _Found:
    pattern = (meta.extra or {}).get(PATTERN, fields.TS_PATTERN)
    yield from _text_faults(value, pattern)
    if isinstance(value, str) and re.fullmatch(pattern, value):
        try:
            parse_ts(value)
        except InvalidInstantError as error:
            yield (), str(error)


def _text_faults(value: object, pattern: str) -> _Found:
    if not isinstance(value, str):
        yield (), TEXT
    elif re.fullmatch(pattern, value) is None:
        yield (), f"must be {FORMS[pattern]}"


def _literal_faults(value: object, allowed: tuple[str | int, ...]) -> _Found:
    if type(allowed[0]) is int and type(value) is not int:  # 1.0 and true equal 1
        yield (), "must be an int"
    elif value not in allowed:
        *others, last = map(repr, allowed)
        yield (), f"must be {', '.join(others)} or {last}" if others else f"must be {last}"


def _dict_faults(value: object, hints: tuple[Any, ...], limits: Meta) -> _Found:
    if not isinstance(value, dict):
        yield (), "must be an object"
        return
    is_sound = True
    for entry in value.items():
        for part, hint in zip(entry, hints, strict=True):
            for _, words in _faults(part, hint):
                is_sound = False
                yield (entry[0],), words
    if is_sound:
        yield from _length_faults(value, limits)


def _list_faults(value: object, hints: tuple[Any, ...], limits: Meta) -> _Found:
    if not isinstance(value, list):
        yield (), LIST
        return
    found = [
        ((str(at),), words) for at, each in enumerate(value) for _, words in _faults(each, hints[0])
    ]
    yield from found or _length_faults(value, limits)


def _length_faults(value: Sized, limits: Meta) -> _Found:
    if len(value) < (limits.min_length or 0):
        yield (), f"must have {limits.min_length} or more entries"
    elif limits.max_length is not None and len(value) > limits.max_length:
        yield (), f"must have no more than {limits.max_length} entries"
