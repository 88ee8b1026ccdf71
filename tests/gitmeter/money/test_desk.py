"""Which lines of a desk stand, and which wait."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.counting.held import HeldReason
from tests.gitmeter.money.desk_telling import (
    BEGIN,
    SORRY,
    THANKS,
    WELCOME,
    adjust,
    claim,
    desk_story,
    give,
    judged,
    reasons,
    settle,
    void,
)
from tests.support.money_cases import answer
from tests.support.money_story import Story, at

WAITS = "over_budget"
THANKS_UNPAID = {name: value for name, value in THANKS.items() if name != "after_payment_usd"} | {
    "budget_usd": "2.00"
}

PRECEDENCE = (
    HeldReason.EXCLUDED,
    HeldReason.CUT_OFF,
    HeldReason.AHEAD_OF_COMMIT,
    HeldReason.BACK_DATED,
    HeldReason.NOT_ALLOWED,
    HeldReason.UNLIKE_TEMPLATE,
    HeldReason.NUMBER_REUSED,
    HeldReason.NOT_PAID,
    HeldReason.SAME_MOVEMENT,
    HeldReason.OVER_BUDGET,
)


@pytest.mark.parametrize("first", range(len(PRECEDENCE) + 1))
def test_the_first_of_several_faults_is_told(first: int) -> None:
    """A grant of alice with one fault and all those after it in the order of the checks."""
    faults = PRECEDENCE[first:]
    s = desk_story(THANKS | {"budget_usd": "4.00"})
    for user in ("alice", "bob", "carol"):
        if user != "alice" or HeldReason.NOT_PAID not in faults:
            s.pay("till-1", f"pi_{user}", "10.00", 1, user=user)
    first_tip = s.commit("desk-1", 1)
    if HeldReason.OVER_BUDGET in faults:
        give(s, "desk-1", "bob", 2, THANKS)
        give(s, "desk-1", "carol", 2, THANKS)
    if HeldReason.SAME_MOVEMENT in faults:
        give(s, "desk-1", "alice", 3, THANKS)
    seq = s.next_seq("desk-1")
    more: dict[str, Any] = {"committed": 12}
    if HeldReason.NUMBER_REUSED in faults:
        settle(s, "desk-1", "suspend", 12, seq=seq)
    if HeldReason.UNLIKE_TEMPLATE in faults:
        more["priority"] = 31
    if HeldReason.NOT_ALLOWED in faults:
        more["by"] = "somebody"
    day = 10.5 if HeldReason.BACK_DATED in faults else 11.5
    day = 13 if HeldReason.AHEAD_OF_COMMIT in faults else day
    give(s, "desk-1", "alice", day, THANKS, seq=seq, amount="2.000", **more)
    if HeldReason.CUT_OFF in faults:
        s.decide("only", 20, of="desk-1", tip=first_tip)
    if HeldReason.EXCLUDED in faults:
        s.decide("exclude", 20, of="desk-1", of_seq=seq)
    expected = str(faults[0]) if faults else None
    assert reasons(s)[f"desk-1:{seq}:2.000"] == expected


@pytest.mark.parametrize(
    ("template", "more"),
    [
        (WELCOME, {"external_ref": "welcome:bob"}),
        (WELCOME, {"external_ref": "welcome"}),
        (WELCOME, {"external_ref": "welcomes:alice"}),
        (WELCOME, {"amount": "5.01"}),
        (WELCOME, {"amount": "4.99"}),
        (WELCOME, {"category": "paid"}),
        (WELCOME, {"priority": 49}),
        (WELCOME, {"scope": ["llm/*"]}),
        (WELCOME, {"from": "2026-11-10T04:00:00Z", "until": "2026-11-20T04:00:00Z"}),
        (WELCOME, {"from": "2026-11-10T06:00:00Z", "until": "2026-11-20T06:00:00Z"}),
        (WELCOME, {"until": "2026-11-20T04:00:00Z"}),
        (WELCOME, {"until": None}),
        (WELCOME, {"of_provider": "stripe", "of_ref": "pi_1"}),
        (THANKS, {"until": "2026-11-20T05:00:00Z"}),
        (THANKS, {"from": "2026-11-10T04:00:00Z"}),
        (THANKS, {"scope": ["llm/*"]}),
        (THANKS, {"scope": None}),
    ],
)
def test_a_grant_is_exactly_what_its_template_says(
    template: dict[str, Any], more: dict[str, Any]
) -> None:
    s = desk_story()
    s.pay("till-1", "pi_1", "10.00", 1)
    when = datetime(2026, 11, 10, 5, 31, tzinfo=UTC)
    give(s, "desk-1", "alice", when, template)
    give(s, "desk-2", "alice", when, template, **more)
    found = reasons(s)
    (other,) = [reason for name, reason in found.items() if name.startswith("desk-2")]
    assert found[f"desk-1:1:{template['usd']}"] is None
    assert other == "unlike_template"


def test_a_template_that_changes_in_between() -> None:
    """The version at the commit holds, of several commits the first that allows the line."""
    later = WELCOME | {"from": "2026-11-10T00:00:00Z", "usd": "3.00", "budget_usd": "12.00"}
    s = desk_story(WELCOME, later)
    give(s, "desk-1", "alice", 9.5)
    give(s, "desk-1", "carol", 9.75, later)
    line = s.lines[-1]
    give(s, "desk-1", "bob", 9.5, committed=10)
    again = s.commit("desk-1", 10.25)
    s.lines.append({**line, "commit": again, "commit_ts": s.commits[again]["ts"]})
    give(s, "desk-1", "dave", 11, later)
    give(s, "desk-1", "erin", 11, later)
    assert list(reasons(s).values()) == [None, None, "unlike_template", None, WAITS]


def test_before_its_first_version_a_template_allows_nothing() -> None:
    late = WELCOME | {"from": "2026-11-10T00:00:00Z"}
    s = desk_story(late)
    give(s, "desk-1", "alice", 9)
    give(s, "desk-1", "bob", 10)
    assert reasons(s) == {"desk-1:1:5.00": "unlike_template", "desk-1:2:5.00": None}


def test_a_budget_is_summed_by_number_for_each_desk_apart() -> None:
    """Not by time; without what is held, excluded, said twice or of another template."""
    s = desk_story(WELCOME, THANKS_UNPAID)
    give(s, "desk-1", "alice", 5, seq=4)
    give(s, "desk-1", "bob", 5.5, seq=3)
    give(s, "desk-1", "carol", 6, seq=2)
    give(s, "desk-1", "carol", 6.5, seq=1)
    give(s, "desk-1", "dave", 7, seq=5, priority=1)
    give(s, "desk-1", "dave", 7, THANKS_UNPAID, seq=6)
    give(s, "desk-2", "dave", 7)
    assert reasons(s) == {
        "desk-1:1:5.00": None,
        "desk-1:2:5.00": "same_movement",
        "desk-1:3:5.00": None,
        "desk-1:4:5.00": WAITS,
        "desk-1:5:5.00": "unlike_template",
        "desk-1:6:2.00": None,
        "desk-2:1:5.00": None,
    }
    s.decide("exclude", 8, of="desk-1", of_seq=3)
    assert reasons(s)["desk-1:4:5.00"] is None


def test_what_waits_is_in_the_sum_and_keeps_its_movement() -> None:
    s = desk_story(WELCOME)
    give(s, "desk-1", "bob", 5)
    give(s, "desk-1", "carol", 5)
    give(s, "desk-1", "alice", 5)
    give(s, "desk-1", "alice", 6)
    assert list(reasons(s).values()) == [None, None, WAITS, "same_movement"]
    s = desk_story(adjusts=(SORRY | {"budget_usd": "6.00", "per_account_month_usd": "100.00"},))
    for number, amount in enumerate(("4.00", "-3.00", "0.50"), start=1):
        adjust(s, "desk-1", f"sorry:{number}", amount, 5)
    assert list(reasons(s).values()) == [None, WAITS, WAITS]


def test_what_was_reconciled_waits_no_more() -> None:
    s = desk_story()
    for user in ("bob", "carol", "alice", "dave"):
        give(s, "desk-1", user, 5)
    s.reconcile("desk-1", 3, 3, 6)
    assert list(reasons(s).values()) == [None, None, None, WAITS]


def test_a_reconciled_line_stands_before_one_with_a_smaller_number() -> None:
    s = desk_story()
    give(s, "desk-1", "alice", 5)
    give(s, "desk-1", "alice", 6)
    s.reconcile("desk-1", 2, 2, 7)
    assert list(reasons(s).values()) == ["same_movement", None]


def test_adjustments_within_a_line_a_month_and_a_budget() -> None:
    """Amounts count whatever their sign; a month is that of the commit, for each account."""
    s = desk_story()
    end = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    adjust(s, "desk-1", "sorry:1", "5.00", 5)
    adjust(s, "desk-1", "sorry:2", "5.01", 5)
    adjust(s, "desk-1", "sorry:2", "-5.01", 5)
    adjust(s, "desk-1", "sorry:3", "-1.01", 5)
    adjust(s, "desk-1", "sorry:4", "-5.00", 5, user="bob")
    adjust(s, "desk-1", "sorry:5", "4.00", end, committed=31)
    adjust(s, "desk-1", "sorry:", "1.00", 31)
    adjust(s, "desk-1", "sorry", "1.00", 31)
    adjust(s, "desk-1", "pity:1", "1.00", 31)
    s.line("desk-1", 31, user="bob", kind="adjustment", provider="manual", amount="1.00",
           currency="USD", status="succeeded", reason="none is named")  # fmt: skip
    adjust(s, "desk-1", "sorry:6", "4.98", 31, user="carol")
    adjust(s, "desk-1", "sorry:7", "0.02", 31, user="carol")
    unlike = "unlike_template"
    expected = [
        None,
        unlike,
        unlike,
        WAITS,
        None,
        None,
        unlike,
        unlike,
        unlike,
        unlike,
        None,
        WAITS,
    ]
    assert list(reasons(s).values()) == expected


def test_adjustments_of_two_desks_are_two_sums() -> None:
    s = desk_story()
    adjust(s, "desk-1", "sorry:1", "5.00", 5)
    adjust(s, "desk-2", "sorry:2", "5.00", 5)
    found = answer(s.case())
    assert found["counts"] == ["desk-1:1", "desk-2:1"]
    assert next(iter(found["pool"]["alice"].values())) == 10 * 10**9


def _plan(s: Story, node: str, user: str, day: float, **more: Any) -> int:  # noqa: ANN401
    values = {"user": user, "plan": "pro", "from": "2026-11-20T00:00:00Z", "fee_usd": "2.00"}
    return settle(s, node, "plan", day, **(values | more))


def test_fees_are_summed_by_the_day_of_the_commit() -> None:
    """A period that is bought again is one, and waits with the first line about it."""
    s = desk_story(fees="4.00")
    _plan(s, "desk-1", "alice", 5.5)
    _plan(s, "desk-1", "alice", 5.75, fee_usd="2.0")
    _plan(s, "desk-1", "bob", 5.75)
    _plan(s, "desk-1", "carol", 5.75)
    _plan(s, "desk-1", "carol", 6.25)
    _plan(s, "desk-1", "dave", 5.75, committed=6.25)
    _plan(s, "desk-2", "carol", 5.75)
    expected = [None, None, None, "over_fees", "over_fees", None, None]
    assert list(reasons(s).values()) == expected
    assert len(judged(s).plans) == 5
    assert answer(s.case())["waits"] == ["desk-1:4", "desk-1:5"]


def test_a_free_plan_does_not_wait_beyond_the_fees_of_its_day() -> None:
    s = desk_story(fees="1.00")
    _plan(s, "desk-1", "alice", 5)
    _plan(s, "desk-1", "bob", 5, plan="free", fee_usd=None)
    assert list(reasons(s).values()) == ["over_fees", None]


def test_a_grant_after_a_payment() -> None:
    """So much must be left of what its account paid by then; what is taken later ends it too."""
    s = desk_story()
    give(s, "desk-1", "alice", 5, THANKS)
    s.pay("till-1", "pi_1", "6.00", 5)
    s.pay("till-1", "pi_2", "9.00", 5 + 1 / 24)
    s.pay("till-2", "pi_3", "90.00", 4, user="bob")
    assert reasons(s)["desk-1:1:2.00"] == "not_paid"
    s.pay("till-1", "pi_4", "4.00", 5, committed=6)
    assert reasons(s)["desk-1:1:2.00"] is None
    s.about("refund", "till-1", "re_1", "pi_4", "0.01", 20)
    assert reasons(s)["desk-1:1:2.00"] == "not_paid"
    s.about("refund_reversal", "till-1", "re_1", "pi_4", "0.01", 21)
    assert reasons(s)["desk-1:1:2.00"] is None


def test_a_refund_that_comes_before_its_payment() -> None:
    s = desk_story()
    s.about("refund", "till-2", "re_1", "pi_1", "1.00", 3)
    give(s, "desk-1", "alice", 5, THANKS)
    s.pay("till-1", "pi_1", "10.99", 5)
    assert reasons(s)["desk-1:1:2.00"] == "not_paid"
    s.pay("till-1", "pi_2", "0.01", 5)
    assert reasons(s)["desk-1:1:2.00"] is None


def test_what_is_not_paid_takes_neither_budget_nor_name() -> None:
    """A later grant of the account counts instead, until the payment turns up."""
    s = desk_story(THANKS | {"budget_usd": "2.00"})
    give(s, "desk-1", "alice", 5, THANKS)
    s.pay("till-1", "pi_1", "10.00", 6)
    give(s, "desk-1", "alice", 7, THANKS)
    assert list(reasons(s).values())[-2:] == ["not_paid", None]
    s.pay("till-1", "pi_2", "10.00", 4, committed=8)
    assert list(reasons(s).values())[-2:] == [None, "same_movement"]


def test_a_bonus_of_a_desk_asks_for_its_own_payment() -> None:
    """Whoever paid it, and when; other payments do not help."""
    s = desk_story()
    s.pay("till-1", "pi_1", "90.00", 1)
    on = {"of_provider": "stripe", "of_ref": "pi_2"}
    give(s, "desk-1", "alice", 5, THANKS, **on)
    assert reasons(s)["desk-1:1:2.00"] == "not_paid"
    s.pay("till-1", "pi_2", "10.00", 6, user="bob")
    assert reasons(s)["desk-1:1:2.00"] is None
    s.about("refund", "till-1", "re_1", "pi_2", "0.01", 7)
    assert reasons(s)["desk-1:1:2.00"] == "not_paid"


def test_a_number_that_is_used_twice() -> None:
    """The line stands that leaves its account with less, and it alone is summed."""
    s = desk_story()
    give(s, "desk-1", "alice", 5, seq=1)
    adjust(s, "desk-1", "sorry:1", "-1.00", 5, seq=1)
    give(s, "desk-1", "bob", 5)
    give(s, "desk-1", "carol", 5)
    assert reasons(s) == {
        "desk-1:1:5.00": "number_reused",
        "desk-1:1:-1.00": None,
        "desk-1:2:5.00": None,
        "desk-1:3:5.00": None,
    }


@pytest.mark.parametrize(
    ("kind", "more", "allowed"),
    [
        ("open", {"user": "customer-0001"}, True),
        ("open", {"user": "cust-01"}, False),
        ("open", {"user": "Customer-0001"}, False),
        ("open", {"user": "-customer-0001"}, False),
        ("open", {"user": "c" * 64}, True),
        ("open", {"user": "c" * 65}, False),
        ("suspend", {"user": "bob@example.com"}, False),
        ("suspend", {"reason": "ask bob@example.com"}, False),
        ("suspend", {"by": "staff:7"}, True),
        ("suspend", {"by": "customer:customer-0001"}, True),
        ("suspend", {"by": "staff:"}, False),
        ("suspend", {"by": "staff:a@b"}, False),
        ("suspend", {"by": "customer:a@b"}, False),
        ("suspend", {"by": "me"}, False),
        ("staff", {"identity": "staff:7", "staff_role": "support"}, False),
        ("consent", {"amount_usd": "5.00"}, False),
        ("key", {"scopes": ["llm", "staff"]}, False),
        ("key", {"scopes": ["staff:support"]}, False),
        ("key", {"scopes": ["sta*"]}, False),
        ("key", {"scopes": ["staff*"]}, False),
        ("key", {"scopes": ["staffing"]}, True),
        ("key", {"scopes": ["search*"]}, True),
    ],
)
def test_what_a_desk_may_say_about_an_account(
    kind: str, more: dict[str, Any], *, allowed: bool
) -> None:
    s = desk_story()
    if kind == "key":
        claim(s, "desk-1", "a", 5, **more)
    else:
        settle(s, "desk-1", kind, 5, **more)
    assert list(reasons(s).values()) == [None if allowed else "not_allowed"]
    assert bool(answer(s.case())["counts"]) is allowed


def test_no_address_gets_into_git_through_a_desk() -> None:
    s = desk_story()
    adjust(s, "desk-1", "sorry:a@b.example", "1.00", 5)
    void(s, "desk-1", "welcome:a@b.example", at(5), 5)
    assert list(reasons(s).values()) == ["not_allowed", "not_allowed"]


def test_a_desk_without_an_entry_gives_nothing() -> None:
    s = desk_story()
    s.writers["desks"][0] |= {"from": BEGIN, "until": at(4)}
    give(s, "desk-1", "alice", 3.5)
    give(s, "desk-1", "bob", 4)
    give(s, "desk-9", "carol", 3)
    assert list(reasons(s).values()) == [None, "not_allowed", "not_allowed"]


_USERS = ("alice", "bob", "carol")


def _random_story(chance: random.Random) -> Story:
    """Two desks with narrow budgets, a till, and the books, who say whatever they like."""
    changed = WELCOME | {"from": at(6), "usd": chance.choice(("5.00", "4.00"))}
    s = desk_story(
        WELCOME, changed, THANKS | {"budget_usd": "4.00"}, fees=chance.choice(("2.00", "4.00"))
    )
    day = 1.0
    for number in range(chance.randint(4, 16)):
        day += chance.choice((0, 0.25, 0.5, 1))
        node, user = chance.choice(("desk-1", "desk-2")), chance.choice(_USERS)
        seq = chance.choice((None, None, None, chance.randint(1, 4)))
        before = s.next_seq(node)
        match chance.randint(0, 8):
            case 0 | 1:
                template = chance.choice((WELCOME, changed))
                give(s, node, user, day, template, seq=seq)
            case 2:
                on: dict[str, Any] = {"of_provider": "stripe", "of_ref": "pi_1"}
                give(s, node, user, day, THANKS, seq=seq, **chance.choice((on, {})))
            case 3:
                ref, amount = f"sorry:{chance.randint(1, 3)}", chance.choice(("5.00", "-2.00"))
                adjust(s, node, ref, amount, day, user=user, seq=seq)
            case 4:
                writer = chance.choice((node, "books"))
                ref = f"{chance.choice(('welcome', 'thanks'))}:{user}"
                void(s, writer, ref, at(int(day)), day, reason=f"number {number}")
            case 5:
                amount = chance.choice(("8.00", "10.00"))
                s.pay("till-1", f"pi_{chance.randint(1, 3)}", amount, day, user=user)
            case 6:
                ref = f"pi_{chance.randint(1, 3)}"
                s.about("refund", "till-1", f"re_{number}", ref, "3.00", day, user=user)
            case 7:
                claim(s, node, chance.choice("ab"), day, user=user, seq=seq)
                _plan(s, node, user, day)
            case _:
                kind = chance.choice(("suspend", "reopen"))
                settle(s, chance.choice((node, "books")), kind, day, user=user)
        s.set_next_seq(node, max(before, s.next_seq(node)))
    if chance.random() < 1 / 2:
        s.decide("exclude", day, of="desk-1", of_seq=chance.randint(1, 4))
    return s


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_judging_is_a_function_of_the_set_of_lines(seed: int, order: int) -> None:
    s = _random_story(random.Random(seed))
    found = answer(s.case())
    shuffled = answer(s.case(random.Random(order)))
    assert shuffled == found
    assert not set(found["counts"]) & set(found["waits"])
