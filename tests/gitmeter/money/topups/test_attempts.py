"""Attempts to charge a card: functions of the set of lines about them."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.topups.attempts import (
    NOT_TRIED,
    AttemptLine,
    TopupAttempt,
    attempt_name,
    attempts_of,
    is_automatic,
)
from tests.gitmeter.money.topups.telling import USD, attempt_line, us
from wire_format.fields import REFERENCE_PATTERN, USER_PATTERN

A = "auto:alice:1"
BEGUN = TopupAttempt(A, "stripe", 20 * USD, us(0))


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([("pending", 0)], BEGUN),
        ([("pending", 3), ("pending", 0)], BEGUN),
        ([("pending", 0), ("ended", 2)], BEGUN._replace(ended_us=us(2), reason="card_declined")),
        ([("ended", 4), ("ended", 2), ("pending", 0)],
         BEGUN._replace(ended_us=us(2), reason="card_declined")),
        ([("pending", 0), ("payment", 1)], BEGUN._replace(ended_us=us(1))),
        ([("pending", 0), ("payment", 5), ("ended", 1)], BEGUN._replace(ended_us=us(5))),
        ([("payment", 5)], BEGUN._replace(began_us=us(5), ended_us=us(5))),
        ([("ended", 5)],
         TopupAttempt(A, "stripe", 0, us(5), us(5), "card_declined")),
    ],
)  # fmt: skip
def test_an_attempt_ends_as_its_lines_say(
    lines: list[tuple[str, float]], found: TopupAttempt
) -> None:
    """A payment outdoes all else; what is said again changes nothing; no beginning is needed."""
    assert attempts_of(attempt_line(kind, A, hours) for kind, hours in lines) == [found]


def test_lines_that_are_about_no_automatic_attempt_are_left_aside() -> None:
    others = [
        attempt_line("pending", "topup:alice:1", 0),
        attempt_line("payment", A, 0, status="undecided"),
        attempt_line("payment", A, 0, attempt=None),
        attempt_line("refund", A, 0, external_ref="re_1", of_ref="pi_1"),
    ]
    assert attempts_of(others) == []


def test_a_name_is_of_one_account_at_a_provider() -> None:
    lines = [attempt_line("pending", A, 0), attempt_line("pending", A, 1, provider="stripe-eu")]
    found = attempts_of([*lines, attempt_line("ended", A, 2)])
    assert [(each.provider, each.is_open) for each in found] == [
        ("stripe", False),
        ("stripe-eu", True),
    ]


def test_an_attempt_that_was_paid_twice_counts_twice() -> None:
    """A line that is there again does not; a promise of less than was paid does not help."""
    paid = [attempt_line("payment", A, 1, external_ref=f"pi_{n}") for n in (1, 2)]
    again = attempt_line("payment", A, 2, external_ref="pi_2", node="till-2")
    lines = [attempt_line("pending", A, 0, amount="1.00"), *paid, again]
    (found,) = attempts_of(lines)
    assert (found.credit_nano, found.is_paid) == (40 * USD, True)


def test_what_a_charge_in_another_currency_credits_is_what_is_promised() -> None:
    line = attempt_line("pending", A, 0, amount="50000", currency="TZS", credited_usd="20.00")
    assert attempts_of([line]) == [BEGUN]


@pytest.mark.parametrize(
    ("reason", "is_open", "is_paid", "has_failed"),
    [
        ("card_declined", False, False, True),
        ("authentication_required", False, False, True),
        (NOT_TRIED, False, False, False),
        (None, False, True, False),
    ],
)
def test_what_became_of_an_attempt(
    reason: str | None, *, is_open: bool, is_paid: bool, has_failed: bool
) -> None:
    ended = BEGUN._replace(ended_us=us(1), reason=reason)
    assert (ended.is_open, ended.is_paid, ended.has_failed) == (is_open, is_paid, has_failed)
    assert (BEGUN.is_open, BEGUN.is_paid, BEGUN.has_failed) == (True, False, False)


LINES = st.builds(
    attempt_line,
    st.sampled_from(["pending", "ended", "payment"]),
    st.sampled_from(["auto:a", "auto:b", "topup:c"]),
    st.integers(0, 3),
    seq=st.integers(1, 2),
    provider=st.sampled_from(["stripe", "stripe-eu"]),
)


@given(lines=st.lists(LINES, max_size=8), seed=st.integers(0, 99))
def test_attempts_are_a_function_of_the_set_of_lines(lines: list[AttemptLine], seed: int) -> None:
    """In whatever order they come, and however often."""
    found = attempts_of(lines)
    rng = random.Random(seed)
    again = [*lines, *rng.choices(lines, k=4)] if lines else []
    rng.shuffle(again)
    assert attempts_of(again) == found
    assert [each.began_us for each in found] == sorted(each.began_us for each in found)
    assert all(each.ended_us is None or each.reason or each.is_paid for each in found)


@given(lines=st.lists(LINES, max_size=6), more=LINES)
def test_another_line_never_opens_an_attempt_again(
    lines: list[AttemptLine], more: AttemptLine
) -> None:
    """Nor makes one go away, nor a payment be none."""
    after = {(each.provider, each.name): each for each in attempts_of([*lines, more])}
    for before in attempts_of(lines):
        now = after[before.provider, before.name]
        assert before.is_open or not now.is_open
        assert now.is_paid or not before.is_paid


@given(user=st.from_regex(USER_PATTERN, fullmatch=True))
def test_the_name_of_an_attempt_is_a_reference_for_every_user(user: str) -> None:
    """As long as a user's name may be; another nonce or user gives another name."""
    name, other = attempt_name(user, "0" * 16), attempt_name(user, "1" * 16)
    assert is_automatic(name)
    assert name != other
    assert re.fullmatch(REFERENCE_PATTERN, name)


def test_long_users_that_begin_alike_have_names_of_their_own() -> None:
    names = {attempt_name("x" * 255 + end, "0" * 16) for end in "ab"}
    assert len(names) == 2
    assert attempt_name("x" * 106, "0" * 16) == f"auto:{'x' * 106}:{'0' * 16}"
    assert all(len(name) < 128 for name in names)
