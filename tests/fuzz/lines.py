"""Lines: those of a segment, and those that a service hands to the spool."""

import json
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any, Final

from node_pusher.spool.drafts import (
    AHEAD_MAX,
    UNNUMBERED,
    Draft,
    draft_inputs,
    line_head,
)
from node_pusher.spool.inputs import UsageInput, decode_input, decode_inputs
from node_pusher.spool.outcomes import Refusal
from tests.fuzz.target import Target, is_printable, promise
from tests.wire_format.agreed import model_of, values
from tests.wire_format.generated import ODD_VALUES, RESPELLED
from tests.wire_format.vectors import EVERY
from wire_format.explanation import canonical, explain_line
from wire_format.fields import LINE_BYTES_MAX
from wire_format.lines import Folder, encode_lines
from wire_format.segment import decode_line, decode_segment
from wire_format.versions.forms import FORMS

_NOW: Final = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
_KEYS: Final = sorted(
    {field.name for versions in FORMS.values() for fields in versions.values() for field in fields}
)
_SIZE_MAX: Final = LINE_BYTES_MAX + 512
_INPUT_SEEDS: Final = (
    b'{"user":"alice","resource":"hero_os/seconds","units":3600}\n',
    b'{"user":"a","resource":"r","units":1,"ts":"2026-11-21T13:05:00+01:00","id":"x"}\n',
    b'{"user":"a","resource":"vm/s","units":0,"applies_to":"vm","meta":{"k":1,"b":"c"}}\n',
    b'{"user":"a","resource":"r","units":1,"instance":"i-1","ts":"2026-11-21T13:05:00.1Z"}\n\n',
)


def check_segment(folder: Folder, data: bytes) -> bool:
    """Every line is a record that encodes to the same bytes, or has a fault; never an exception."""
    segment = decode_segment(data, folder)
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    rest = data.rpartition(b"\n")[2]
    lines += [rest] if rest else []
    rejected = {reject.line_no: reject for reject in segment.rejects}
    numbers = sorted([*segment.line_numbers, *rejected])
    promise(numbers == list(range(1, len(lines) + 1)), segment)
    accepted = b"".join(lines[number - 1] for number in segment.line_numbers)
    promise(encode_lines(segment.records) == accepted, segment)
    for number, record in zip(segment.line_numbers, segment.records, strict=True):
        line = lines[number - 1]
        promise(decode_line(line, folder) == record, line)
        promise(explain_line(line, folder) is None, line)
        held = model_of(line, folder).model_validate_json(line).model_dump(by_alias=True)
        promise(values(record) == held, line)
        promise(canonical(held, folder) == line, line)
    for reject in segment.rejects:
        promise(reject.line == lines[reject.line_no - 1], reject)
        promise(explain_line(reject.line, folder) == reject.fault, reject)
        promise(is_printable(reject.fault.reason), reject)
    return bool(segment.records)


def check_input(data: bytes) -> bool:
    """Whatever a service says becomes a valid line or a refusal, together or one by one."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    singly = [decode_input(line) for line in lines]
    together = decode_inputs(data)
    if together is not None and not any(isinstance(said, Refusal) for said in singly):
        promise(list(together) == singly, data)
    drafts = draft_inputs(singly, "node-1", _NOW)
    for said, draft in zip(singly, drafts, strict=True):
        if isinstance(said, UsageInput) and isinstance(draft, Draft):
            _check_draft(said, draft)
        else:
            promise(isinstance(draft, Refusal) and draft.reason, data)
    return any(isinstance(draft, Draft) for draft in drafts)


def _check_draft(said: UsageInput, draft: Draft) -> None:
    for seq in (1, UNNUMBERED):
        line = line_head("node-1") + b"%d" % seq + draft.rest
        record = decode_line(line, Folder.USAGE)
        promise(not hasattr(record, "code"), (line, record))
        values = json.loads(line)
        promise(values["user"] == said.user, (said, line))
        promise(values["units"] == said.units, (said, line))
    promise(draft.ts <= _NOW + AHEAD_MAX, draft)


def mutate_line(data: bytes, size_max: int, seed: int) -> bytes | None:
    """One line with a field changed and written canonically again, or respelled."""
    rng = Random(seed)
    lines = data.splitlines(keepends=True)
    if not lines:
        return None
    at = rng.randrange(len(lines))
    try:
        values = json.loads(lines[at])
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or not values:
        return None
    match rng.randrange(4):
        case 0:
            old, new = rng.choice(RESPELLED)
            lines[at] = lines[at].replace(old, new, rng.choice((1, -1)))
        case 1:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        case _:
            lines[at] = _written(_with_other_field(values, rng))
    return b"".join(lines)[:size_max]


def _with_other_field(values: dict[str, Any], rng: Random) -> dict[str, Any]:
    key = rng.choice([*values, *_KEYS])
    old = values.get(key)
    match rng.randrange(5):
        case 0:
            return {name: value for name, value in values.items() if name != key}
        case 1 if isinstance(old, int):
            return values | {key: old + rng.choice((-1, 1, rng.randrange(2**53)))}
        case 2 if isinstance(old, str) and old:
            place = rng.randrange(len(old))
            return values | {key: old[:place] + chr(rng.randrange(0x80)) + old[place + 1 :]}
        case 3 if isinstance(old, str) and old:
            return values | {key: (old * rng.randrange(1, 40))[: rng.randrange(1, 300)]}
    return values | {key: rng.choice(ODD_VALUES)}


def _written(values: dict[str, Any]) -> bytes:
    order = [key for key in ("v", "node", "seq", "ts", "user") if key in values]
    arranged = {key: values[key] for key in (*order, *values)}
    text = json.dumps(arranged, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="surrogatepass") + b"\n"


_WORDS: Final = (
    *(f'"{key}":'.encode() for key in _KEYS),
    *(b'"llm"', b'"vm"', b'"hero_os_hourly"', b"null", b"true", b"1e0", b"\\u0000", b"\\ud800"),
    *(b"2026-11-21T13:05:00Z", b".123456Z", b".000000Z", b"9007199254740991", b"\r\n"),
    *(b'"refund"', b'"adjustment"', b'"USD"', b'"accept_tip"', b'"choose"', b'"withdraw"'),
)

TARGETS: Final = (
    *(
        Target(
            f"decode-{folder}",
            partial(check_segment, folder),
            [vector.data for vector in EVERY if vector.folder is folder],
            _WORDS,
            _SIZE_MAX,
            mutate_line,
        )
        for folder in Folder
    ),
    Target("record-input", check_input, _INPUT_SEEDS, _WORDS, _SIZE_MAX, mutate_line),
)
