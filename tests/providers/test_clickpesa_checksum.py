"""Both sums over a body are those that JavaScript makes: the vectors are node's."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.clickpesa.checksum import (
    DEPTH_MAX,
    VALUES_MAX,
    UnreadableBodyError,
    is_signed,
    new_sum,
    old_sum,
    read_body,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "clickpesa_checksums.json").read_bytes())
KEY = VECTORS["key"]
CASES = {case["name"]: case for case in VECTORS["cases"]}


@pytest.mark.parametrize("name", CASES)
def test_the_new_sum_is_nodes(name: str) -> None:
    case = CASES[name]
    assert new_sum(KEY, read_body(case["body"].encode())) == case["new"]


@pytest.mark.parametrize("name", CASES)
def test_the_old_sum_is_nodes(name: str) -> None:
    case = CASES[name]
    assert old_sum(KEY, read_body(case["body"].encode())) == case["old"]


@pytest.mark.parametrize("way", ["new", "old"])
@pytest.mark.parametrize("name", CASES)
def test_a_body_with_its_sum_in_it_is_signed_by_any_of_our_keys(name: str, way: str) -> None:
    case = CASES[name]
    fields = json.loads(case["body"])
    extra = {"checksum": case[way], "checksumMethod": "canonical"}
    body = case["body"][:-1] + ("," if fields else "") + json.dumps(extra)[1:]
    assert is_signed(read_body(body.encode()), ["another", KEY])
    assert not is_signed(read_body(body.encode()), ["another"])
    assert not is_signed(read_body(body.encode()), [])


def test_the_order_of_keys_does_not_matter_but_every_byte_of_a_value_does() -> None:
    assert CASES["a payment"]["new"] == CASES["its keys in another order"]["new"]
    changed = CASES["a payment"]["body"].replace("10000", "10001").encode()
    assert new_sum(KEY, read_body(changed)) != CASES["a payment"]["new"]


@pytest.mark.parametrize("given", [None, 5, "", "\u00e9", "0" * 64, "0" * 65, "A" * 64, ["x"]])
def test_a_sum_of_any_other_form_signs_nothing(given: object) -> None:
    assert not is_signed({"event": "x", "checksum": given}, [KEY])


@pytest.mark.parametrize("given", [None, "", "0" * 63, "0" * 65, "x" * 64, "0" * 64 + "\n"])
def test_a_body_is_not_summed_for_what_is_no_sum(given: object) -> None:
    assert not is_signed({"event": object(), "checksum": given}, [KEY])  # it has no sum


def nested(depth: int) -> bytes:
    return b'{"a": ' + b"[" * depth + b"]" * depth + b"}"


def test_a_body_has_so_many_values_and_levels_and_no_more() -> None:
    assert read_body(nested(DEPTH_MAX))
    with pytest.raises(UnreadableBodyError, match="deeply"):
        read_body(nested(DEPTH_MAX + 1))
    for names in (0, VALUES_MAX // 2):
        fields: dict[str, Any] = {str(name): 1 for name in range(names)}
        most: dict[str, Any] = fields | {"a": [[]] * (VALUES_MAX - names - 1)}
        assert read_body(json.dumps(most).encode())
        with pytest.raises(UnreadableBodyError, match="many"):
            read_body(json.dumps(most | {"b": 1}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000,
    ],
)
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        read_body(body)


def test_a_number_of_many_digits_is_a_text() -> None:
    body = b'{"a": ' + b"9" * 5000 + b"}"
    assert len(new_sum(KEY, read_body(body))) == 64


@given(st.dictionaries(st.text(), st.text() | st.none() | st.booleans() | st.lists(st.text())))
def test_what_python_writes_has_a_sum_that_can_be_made_again(fields: dict[str, Any]) -> None:
    body = json.dumps({**fields, "checksum": new_sum(KEY, fields)}).encode()
    assert is_signed(read_body(body), [KEY])
