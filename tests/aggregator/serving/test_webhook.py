"""A post of the forge: whose it is, and what it says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.serving.webhook import BadPush, Push, read_push
from gitmeter.http_edge.signature import check_signature, signature

SECRET = b"a secret of the forge"
BODY = b'{"ref":"refs/heads/main"}'
GOOD = signature(SECRET, BODY)
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": "1" * 40,
    "repository": {
        "id": 17,
        "name": "billing-n",
        "full_name": "ops/billing-n",
        "clone_url": "https://forge.example/ops/billing-n.git",
    },
    "pusher": {"id": 1},
    "commits": [],
}


def test_the_signature_is_what_the_standard_says() -> None:
    """Vector: test case 2 of RFC 4231."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature(b"Jefe", b"what do ya want for nothing?") == expected
    assert check_signature(b"Jefe", b"what do ya want for nothing?", expected)


@pytest.mark.parametrize(
    ("secret", "body", "header"),
    [
        (SECRET, BODY, None),
        (SECRET, BODY, ""),
        (SECRET, BODY, GOOD[:-1]),
        (SECRET, BODY, GOOD + "0"),
        (SECRET, BODY, GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1")),
        (SECRET, BODY, ("0" if GOOD[0] != "0" else "1") + GOOD[1:]),
        (SECRET, BODY, GOOD.upper()),
        (SECRET, BODY, f"sha256={GOOD}"),
        (SECRET, BODY, f" {GOOD}"),
        (SECRET, BODY, f"{GOOD}\n"),
        (SECRET, BODY, "z" * 64),
        (SECRET, BODY, "é" * 64),
        (SECRET, BODY, "\N{ARABIC-INDIC DIGIT ONE}" * 64),
        (SECRET, BODY + b" ", GOOD),
        (SECRET, b"", GOOD),
        (b"another secret", BODY, GOOD),
    ],
)
def test_any_other_signature_is_refused(secret: bytes, body: bytes, header: str | None) -> None:
    assert not check_signature(secret, body, header)


def test_an_empty_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="empty"):
        check_signature(b"", BODY, signature(b"", BODY))


@given(st.binary(), st.binary(min_size=1), st.text())
def test_no_header_but_the_signature_is_good(body: bytes, secret: bytes, header: str) -> None:
    good = signature(secret, body)
    assert check_signature(secret, body, good)
    assert check_signature(secret, body, header) == (header == good)


def test_a_push_is_read() -> None:
    url = "https://forge.example/ops/billing-n.git"
    expected = Push(17, url, "ops/billing-n", "refs/heads/main", "1" * 40)
    assert read_push(json.dumps(PUSH).encode()) == expected


def _without(key: str) -> dict[str, Any]:
    return {k: v for k, v in PUSH.items() if k != key}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"ref":' * 200_000,
        b'{"x":' + b"[" * 200_000,
        b'{"x":' + b'{"a":' * 200_000,
        json.dumps(PUSH).encode().replace(b"refs", b"\xff\xfe"),
        json.dumps(_without("ref")).encode(),
        json.dumps(_without("after")).encode(),
        json.dumps(_without("repository")).encode(),
        json.dumps(PUSH | {"repository": {"id": "17", "clone_url": "x"}}).encode(),
        json.dumps(PUSH | {"repository": {"id": 17.5, "clone_url": "x"}}).encode(),
        json.dumps(PUSH | {"repository": {"id": 0, "clone_url": "x"}}).encode(),
        json.dumps(PUSH | {"repository": {"id": 2**70, "clone_url": "x"}}).encode(),
        json.dumps(PUSH | {"ref": None}).encode(),
        json.dumps(PUSH | {"ref": "r" * 5000}).encode(),
        json.dumps(PUSH).encode() + b"{}",
    ],
    ids=range(20),
)
def test_what_is_not_a_push_is_told_as_such(body: bytes) -> None:
    found = read_push(body)
    assert isinstance(found, BadPush)
    assert found.reason


@given(st.binary())
def test_no_body_breaks_the_reader(body: bytes) -> None:
    read_push(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*PUSH, "x"]), JSON))
def test_no_json_breaks_the_reader(changed: dict[str, Any]) -> None:
    read_push(json.dumps(PUSH | changed).encode())
