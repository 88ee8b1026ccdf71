"""What a till that charges is told: its form, its limits and its signature."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.http_edge.signature import signature
from wire_format import fields
from wire_format.money import format_usd
from wire_format.posts.topup_due import (
    ACCOUNTS_MAX,
    BODY_BYTES_MAX,
    PAID_MAX,
    SEEN_MAX,
    AccountBelow,
    DueAnswer,
    TopupDue,
    decode_answer,
    decode_due,
    encode,
)

ACCOUNT: dict[str, Any] = {
    "user": "alice",
    "amount_usd": "20.00",
    "below_usd": "5.00",
    "month_usd": "100.00",
    "balance_usd": "3.41",
    "provider": "stripe",
    "payment": "pi_3Q",
    "paid": ["pi_3Q"],
}
DUE: dict[str, Any] = {
    "v": 1,
    "id": "5f0c6a3e-1b1f-4c53-9e4d-0a1b2c3d4e5f",
    "at": "2026-11-21T13:05:00Z",
    "seen": {"charger-1": 41, "till-1": 4711},
    "accounts": [ACCOUNT],
}


def read(due: dict[str, Any]) -> TopupDue:
    return decode_due(json.dumps(due).encode())


def test_a_post_is_read_as_it_was_written() -> None:
    """An example of the form; its bytes are the same however it was made."""
    found = read(DUE)
    assert (found.at, found.seen["till-1"]) == (datetime(2026, 11, 21, 13, 5, tzinfo=UTC), 4711)
    assert found.accounts == (AccountBelow(**ACCOUNT | {"paid": ("pi_3Q",)}),)
    other = read({**DUE, "seen": dict(reversed(DUE["seen"].items()))})
    assert encode(found) == encode(other)
    assert decode_due(encode(found)) == found


ACCOUNTS = st.builds(
    AccountBelow,
    user=st.from_regex(fields.USER_PATTERN, fullmatch=True),
    amount_usd=st.from_regex(fields.USD_PATTERN, fullmatch=True),
    below_usd=st.from_regex(fields.USD_PATTERN, fullmatch=True),
    month_usd=st.from_regex(fields.USD_PATTERN, fullmatch=True),
    balance_usd=st.integers(-(10**38), 10**38).map(format_usd),
    provider=st.from_regex(fields.PROVIDER_PATTERN, fullmatch=True),
    payment=st.from_regex(fields.REFERENCE_PATTERN, fullmatch=True),
    paid=st.lists(st.from_regex(fields.REFERENCE_PATTERN, fullmatch=True), max_size=3).map(tuple),
)


@given(st.lists(ACCOUNTS, max_size=3))
def test_every_account_can_be_told(accounts: list[AccountBelow]) -> None:
    """Whatever its name, its settings and its balance, also one far below zero."""
    due = TopupDue(1, DUE["id"], datetime(2026, 11, 21, tzinfo=UTC), {}, tuple(accounts))
    assert decode_due(encode(due)) == due


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": "1"},
        {"id": "5F0C6A3E-1B1F-4C53-9E4D-0A1B2C3D4E5F"},
        {"id": ""},
        {"at": "2026-11-21T13:05:00"},
        {"at": "yesterday"},
        {"seen": {"Till-1": 1}},
        {"seen": {"till-1": 0}},
        {"seen": {"till-1": 2**53}},
        {"seen": {f"till-{n}": 1 for n in range(SEEN_MAX + 1)}},
        {"accounts": [ACCOUNT] * (ACCOUNTS_MAX + 1)},
        {"accounts": [{**ACCOUNT, "user": "a b"}]},
        {"accounts": [{**ACCOUNT, "amount_usd": "-20.00"}]},
        {"accounts": [{**ACCOUNT, "amount_usd": 20}]},
        {"accounts": [{**ACCOUNT, "balance_usd": "1e3"}]},
        {"accounts": [{**ACCOUNT, "provider": "Stripe"}]},
        {"accounts": [{**ACCOUNT, "payment": ""}]},
        {"accounts": [{**ACCOUNT, "paid": ["pi_1"] * (PAID_MAX + 1)}]},
        {"accounts": [{**ACCOUNT, "card": "4242"}]},
        {"accounts": None},
        {"more": 1},
    ],
)
def test_what_has_not_the_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read({**DUE, **changes})


@pytest.mark.parametrize("missing", [*DUE, *(f"accounts.{name}" for name in ACCOUNT)])
def test_nothing_may_be_missing(missing: str) -> None:
    within, _, name = missing.rpartition(".")
    account = {key: value for key, value in ACCOUNT.items() if not within or key != name}
    due = {**DUE, "accounts": [account]}
    with pytest.raises(ValueError, match="missing required field"):
        read({key: value for key, value in due.items() if within or key != name})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_post_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        decode_due(body)


def test_the_largest_post_is_within_the_limit_of_its_bytes() -> None:
    """With the longest names everywhere."""
    account = AccountBelow(
        user="u" * 256,
        amount_usd="123456789.123456789",
        below_usd="123456789.123456789",
        month_usd="123456789.123456789",
        balance_usd=f"-{'9' * 30}.{'9' * 9}",
        provider="p" * 32,
        payment="r" * 128,
        paid=("r" * 128,) * PAID_MAX,
    )
    seen = {f"{n:063}": fields.INT_MAX for n in range(SEEN_MAX)}
    at = datetime(2026, 11, 21, 13, 5, 0, 123456, tzinfo=UTC)
    due = TopupDue(1, DUE["id"], at, seen, (account,) * ACCOUNTS_MAX)
    body = encode(due)
    assert decode_due(body) == due
    assert len(body) <= BODY_BYTES_MAX


def test_a_signature_is_of_the_secret_and_of_every_byte() -> None:
    """HMAC-SHA256 in hexadecimal digits, by the example of RFC 4231."""
    body = encode(read(DUE))
    found = signature(b"secret", body)
    assert re.fullmatch("[0-9a-f]{64}", found)
    assert found != signature(b"Secret", body)
    assert found != signature(b"secret", body + b" ")
    told = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature(b"Jefe", b"what do ya want for nothing?") == told


@pytest.mark.parametrize("answer", [DueAnswer(), DueAnswer("20 attempts within an hour")])
def test_an_answer_is_read_as_it_was_written(answer: DueAnswer) -> None:
    """What a later version adds is left aside."""
    assert decode_answer(encode(answer)) == answer
    assert decode_answer(b'{"stopped":"x","since":"now"}') == DueAnswer("x")
    with pytest.raises(ValueError, match="stopped"):
        decode_answer(b'{"stopped":1}')
