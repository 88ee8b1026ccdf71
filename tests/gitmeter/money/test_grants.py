"""What grants with terms come to: what they are worth, and when they pay."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.granted import EVER_HOUR, Granted, Hours
from gitmeter.money.rivals import MoneyState
from tests.gitmeter.money.desk_telling import (
    SORRY,
    THANKS,
    USD,
    WELCOME,
    adjust,
    desk_story,
    give,
    judged,
    void,
)
from tests.support.money_cases import answer
from tests.support.money_story import END, Story, at
from wire_format.instants import hour_of, parse_ts

NOVEMBER = hour_of(parse_ts(at(1)))
OF_VERSION_1: dict[str, Any] = {"v": 1, "category": None, "priority": None, "from": None}
ON_PI_1 = {"of_provider": "stripe", "of_ref": "pi_1"}


def hour(day: float) -> int:
    return NOVEMBER + round((day - 1) * 24)


def grant(s: Story, day: float, ref: str = "gift", **more: Any) -> int:  # noqa: ANN401
    """A grant of 10 USD by the books for alice, without an end."""
    values: dict[str, Any] = {"v": 2, "user": "alice", "kind": "grant", "provider": "manual"}
    values |= {"external_ref": ref, "amount": "10.00", "currency": "USD", "status": "succeeded"}
    values |= {"category": "promotional", "priority": 50, "from": at(day)}
    return s.line("books", day, **(values | more))


def granted(s: Story, user: str = "alice") -> list[Granted]:
    return list(judged(s).granted.get(user, ()))


def test_terms_are_those_of_the_line() -> None:
    s = desk_story()
    give(s, "desk-1", "alice", 5.5, WELCOME)
    grant(s, 6, category="paid", priority=7, scope=["llm/*"], amount="0.5")
    assert granted(s) == [
        Granted(
            *("manual", "gift", USD // 2, "paid", 7, hour(6), None, ("llm/*",)),
            (Hours(hour(6), EVER_HOUR),),
        ),
        Granted(
            *("manual", "welcome:alice", 5 * USD, "promotional", 50, hour(5.5), hour(15.5), None),
            (Hours(hour(5.5), hour(15.5)),),
        ),
    ]
    assert answer(s.case())["pool"]["alice"][END] == 0


def test_grants_of_version_1_have_no_terms() -> None:
    s = desk_story()
    grant(s, 6, **OF_VERSION_1)
    assert granted(s) == []
    assert answer(s.case())["pool"]["alice"][END] == 10 * USD


def test_a_bonus_is_worth_what_is_left_of_its_payment() -> None:
    """Of anybody's payment, rounded down, from the first hour on."""
    s = desk_story()
    grant(s, 2, amount="0.000000010", **ON_PI_1)
    assert granted(s) == []
    assert [line.state for line in judged(s).money] == [MoneyState.NO_PAYMENT]
    s.about("refund", "till-1", "re_1", "pi_1", "1.00", 3, user="bob")
    s.pay("till-1", "pi_1", "3.00", 4, user="bob")
    found = granted(s)
    assert [(each.amount_nano, each.spans) for each in found] == [
        (6, (Hours(hour(2), EVER_HOUR),)),
    ]
    assert granted(s, "bob") == []
    s.about("dispute", "till-1", "txn_1", "pi_1", "3.00", 5, user="bob")
    assert [each.amount_nano for each in granted(s)] == [0]
    s.about("dispute_reversal", "till-1", "txn_2", "pi_1", "3.00", 6, user="bob")
    s.about("refund_reversal", "till-1", "re_1", "pi_1", "1.00", 6, user="bob")
    assert [each.amount_nano for each in granted(s)] == [10]


def test_the_share_of_a_bonus_is_exact() -> None:
    """A third of 3 is 1, though no third of a credit is a whole number."""
    s = desk_story()
    grant(s, 2, amount="0.000000003", of_provider="clickpesa-tz", of_ref="CP1")
    tzs: dict[str, Any] = {"provider": "clickpesa-tz", "currency": "TZS"}
    s.pay("till-1", "CP1", "3000", 3, credited_usd="1.00", **tzs)
    s.about("refund", "till-1", "CR1", "CP1", "2000", 4, **tzs)
    assert [each.amount_nano for each in granted(s)] == [1]


def test_a_bonus_on_a_payment_with_a_refund_of_version_1() -> None:
    s = desk_story()
    s.pay("books", "cash-1", "10.00", 1, provider="manual")
    s.pay("books", "back-1", "4.00", 2, provider="manual", kind="refund", refers_to=1)
    grant(s, 3, amount="1.00", of_provider="manual", of_ref="cash-1")
    assert [each.amount_nano for each in granted(s)] == [6 * USD // 10]


def test_a_bonus_without_its_payment_rivals_nobody() -> None:
    s = desk_story(THANKS)
    s.pay("till-1", "pi_2", "10.00", 1)
    grant(s, 2, "thanks:alice", **ON_PI_1)
    give(s, "desk-1", "alice", 5, THANKS)
    assert [each.amount_nano for each in granted(s)] == [2 * USD]
    s.pay("till-1", "pi_1", "10.00", 6)
    assert [each.amount_nano for each in granted(s)] == [10 * USD]


@pytest.mark.parametrize(
    ("of", "written", "ends"),
    [
        pytest.param(3, 9, 3, id="the books may go back"),
        pytest.param(12, 9, 12, id="and ahead"),
        pytest.param(1, 9, 2, id="to before it begins"),
        pytest.param(2, 1, 2, id="and write it before the grant"),
    ],
)
def test_the_books_end_a_grant_from_any_hour_on(of: float, written: float, ends: float) -> None:
    s = desk_story()
    if written < 2:
        void(s, "books", "gift", at(of), written)
    grant(s, 2)
    if written > 2:
        void(s, "books", "gift", at(of), written)
    (found,) = granted(s)
    assert found.spans == ((Hours(hour(2), hour(ends)),) if ends > 2 else ())
    assert found.void_hour == hour(of)
    assert len(answer(s.case())["counts"]) == 2


def test_a_desk_ends_what_it_gave_and_from_now_on() -> None:
    """Not what another desk or the books gave; the void that ends it first is in force."""
    s = desk_story()
    give(s, "desk-1", "alice", 2)
    grant(s, 2)
    void(s, "desk-2", "welcome:alice", at(3), 3)
    void(s, "desk-1", "gift", at(3), 3)
    assert [each.void_hour for each in granted(s)] == [None, None]
    void(s, "desk-1", "welcome:alice", at(9), 4)
    assert granted(s)[0].spans == (Hours(hour(2), hour(9)),)
    void(s, "desk-1", "welcome:alice", at(2), 5 + 1 / 24)
    assert granted(s)[0].spans == (Hours(hour(2), hour(5 + 1 / 24)),)
    void(s, "desk-1", "welcome:alice", at(8), 6)
    assert granted(s)[0].void_hour == hour(5 + 1 / 24)
    assert answer(s.case())["counts"] == ["books:1", "desk-1:1", "desk-1:3", "desk-1:4", "desk-1:5"]


def test_a_void_from_the_end_of_a_grant_on_takes_nothing() -> None:
    s = desk_story()
    grant(s, 2, until=at(4))
    void(s, "books", "gift", at(4), 3)
    (found,) = granted(s)
    assert found.spans == (Hours(hour(2), hour(4)),)
    assert found.void_hour is None
    assert answer(s.case())["counts"] == ["books:1", "books:2"]


def test_a_void_counts_for_a_grant_with_terms_that_counts() -> None:
    s = desk_story()
    grant(s, 2, **OF_VERSION_1)
    void(s, "books", "gift", at(3), 3)
    void(s, "books", "nothing", at(3), 3)
    grant(s, 3, "bonus", **ON_PI_1)
    void(s, "books", "bonus", at(3), 3)
    adjust(s, "desk-1", "sorry:1", "1.00", 3)
    void(s, "desk-1", "sorry:1", at(3), 3)
    assert answer(s.case())["counts"] == ["books:1", "desk-1:1"]


def test_two_desks_that_agree_gave_one_grant() -> None:
    """It stands once, and either may end it; who said something else may not."""
    s = desk_story()
    give(s, "desk-1", "alice", 5)
    give(s, "desk-2", "alice", 5, amount="5.0")
    assert [line.state for line in judged(s).money] == [MoneyState.COUNTED, MoneyState.REPEATS]
    assert [each.amount_nano for each in granted(s)] == [5 * USD]
    void(s, "desk-2", "welcome:alice", at(6), 6)
    assert [each.void_hour for each in granted(s)] == [hour(6)]
    s = desk_story()
    give(s, "desk-1", "alice", 5)
    give(s, "desk-2", "alice", 4)
    void(s, "desk-1", "welcome:alice", at(6), 6)
    assert [(each.from_hour, each.void_hour) for each in granted(s)] == [(hour(4), None)]


def test_what_waits_is_no_grant() -> None:
    s = desk_story(WELCOME | {"budget_usd": "4.00"})
    give(s, "desk-1", "alice", 5)
    void(s, "desk-1", "welcome:alice", at(6), 6)
    assert granted(s) == []
    found = answer(s.case())
    assert (found["counts"], found["waits"]) == ([], ["desk-1:1"])
    adjust(s, "desk-1", "sorry:1", SORRY["per_line_usd"], 7)
    assert answer(s.case())["counts"] == ["desk-1:3"]


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_grants_are_a_function_of_the_set_of_lines(seed: int, order: int) -> None:
    chance = Random(seed)
    s = desk_story()
    for number in range(6):
        day = 2.0 + number
        grant(s, day, chance.choice(("gift", "bonus")), **chance.choice(({}, ON_PI_1)))
        give(s, chance.choice(("desk-1", "desk-2")), "alice", day)
        writer = chance.choice(("desk-1", "books"))
        ref = chance.choice(("gift", "bonus", "welcome:alice"))
        void(s, writer, ref, at(chance.randint(1, 9)), day)
        s.about("refund", "till-1", f"re_{number}", "pi_1", "1.00", day)
    s.pay("till-1", "pi_1", "3.00", 9)
    found = granted(s)
    Random(order).shuffle(s.lines)
    assert granted(s) == found
    assert found == sorted(found, key=lambda each: each.drawing_order)
