"""Faults are told in words of the field, never in those of a validation library."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from tests.wire_format import vectors
from tests.wire_format.agreed import model_of
from wire_format import fields
from wire_format.explanation import explain_line
from wire_format.lines import Folder
from wire_format.schema import MODELS, Record
from wire_format.wording import FORMS, dotted, sentences

GOOD: dict[str, Any] = {
    "v": 1,
    "node": "node-1",
    "seq": 1,
    "ts": "2026-01-01T00:00:00Z",
    "user": "alice",
    "resource": "vm/small/seconds",
    "units": 1,
}
LIBRARY_WORDS = re.compile(
    r"Input|String|Tuple|Dictionary|Field|Extra|pattern|\^|constrained|\[key]"
)


def told(**changes: object) -> str:
    line = json.dumps({**GOOD, **changes}, separators=(",", ":")).encode() + b"\n"
    fault = explain_line(line, Folder.USAGE)
    assert fault is not None
    return fault.reason


def test_every_field_with_a_form_has_words_for_it() -> None:
    patterns = {value for name, value in vars(fields).items() if name.endswith("_PATTERN")}
    assert patterns == set(FORMS)


@pytest.mark.parametrize("record", MODELS.values())
def test_every_pattern_of_a_line_has_words(record: type[Record]) -> None:
    stated = re.findall(r'"pattern": "(.*?)"[,}]', json.dumps(record.model_json_schema()))
    assert stated
    assert {json.loads(f'"{p}"').removeprefix("^(?:").removesuffix(")$") for p in stated} <= {
        *FORMS
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"user": "a b"},
            'user: must be 1 to 256 printable ASCII characters without space, " and \\',
        ),
        ({"usr": "a"}, "usr: is not a known field"),
        ({"user": 7}, "user: must be text, in quotes"),
        ({"seq": 0}, "seq: must be at least 1"),
        ({"seq": "1"}, "seq: must be a whole number"),
        ({"seq": 10**30}, f"seq: must be at most {fields.INT_MAX}"),
        ({"applies_to": "gpu"}, "applies_to: must be 'hero_os_hourly', 'llm' or 'vm'"),
        ({"meta": []}, "meta: must be an object"),
        ({"meta": {}}, "meta: must have 1 or more entries"),
        ({"meta": {"A": 1}}, "meta.A: must be 1 to 40 of a-z, 0-9, _ and ."),
        (
            {"meta": {"a": None}},
            (
                f"meta.a: must be a whole number from -{fields.INT_MAX} to {fields.INT_MAX}"
                " or text of at most 200 printable ASCII characters"
            ),
        ),
    ],
)
def test_a_fault_says_what_the_field_must_be(changes: dict[str, object], reason: str) -> None:
    """Once for each place, though the library finds two ways in which a meta value is wrong."""
    assert told(**changes) == reason


def test_an_absent_field_is_missing() -> None:
    line = b'{"v":1,"node":"node-1","seq":1,"ts":"2026-01-01T00:00:00Z","user":"alice"}\n'
    fault = explain_line(line, Folder.USAGE)
    assert fault is not None
    assert fault.reason == "resource: is missing; units: is missing"


def test_no_bad_line_of_the_vectors_is_told_in_words_of_the_library() -> None:
    for vector in vectors.invalid():
        for line_no in vector.bad:
            fault = explain_line(vector.lines[line_no - 1], vector.folder)
            if fault is not None and fault.code == "invalid_field":
                assert not LIBRARY_WORDS.search(fault.reason), fault.reason


def test_a_line_is_explained_as_the_model_of_its_fields_would() -> None:
    """Pydantic is no part of the explanation, and finds the same faults in the same order.

    But for half a surrogate pair, which its JSON parser refuses without naming a field.
    """
    compared = 0
    for vector in vectors.invalid():
        for line_no in vector.bad:
            line = vector.lines[line_no - 1]
            fault = explain_line(line, vector.folder)
            if fault is None or fault.code != "invalid_field" or b"\\ud" in line:
                continue
            with pytest.raises(ValidationError) as raised:
                model_of(line, vector.folder).model_validate_json(line)
            assert fault.reason == "; ".join(sentences(raised.value, dotted))
            compared += 1
    assert compared > 100
