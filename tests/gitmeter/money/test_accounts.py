"""What is settled about an account at an instant: settings, keys, suspension, consent, staff."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.money.accounts import AccountAt, account_at
from tests.gitmeter.money.desk_telling import claim, desk_story, judged, settle, us
from tests.support.money_cases import answer
from tests.support.money_story import Story, at

END = 29


def account(s: Story, day: float = END, user: str = "alice") -> AccountAt:
    entries = judged(s).accounts
    return account_at([each for each in entries if each.record.user == user], us(day))


def keys(s: Story, day: float = END, user: str = "alice") -> list[str | None]:
    return [record.key_id for record in account(s, day, user).keys]


def test_settings_are_the_last_field_by_field() -> None:
    """Of one instant the greater node, then the greater number; before it was said nothing is."""
    s = desk_story()
    settle(s, "desk-2", "setting", 5, cap_usd="2.00")
    settle(s, "desk-1", "suspend", 5)
    settle(s, "desk-1", "setting", 5, cap_usd="1.00", next_plan="pro")
    settle(s, "desk-1", "setting", 5, auto_topup_usd="20.00", auto_topup_below_usd="1.00")
    settle(s, "desk-1", "setting", 5, auto_topup_below_usd="3.00")
    settle(s, "desk-1", "setting", 5.5, next_plan="none", user="bob")
    settle(s, "desk-1", "setting", 6, next_plan="none", auto_topup_month_usd="50.00")
    assert account(s, 5).settings == {}
    assert account(s, 6).settings == {
        "cap_usd": "2.00",
        "next_plan": "pro",
        "auto_topup_usd": "20.00",
        "auto_topup_below_usd": "3.00",
    }
    assert account(s).settings["next_plan"] == "none"
    assert account(s).settings["auto_topup_month_usd"] == "50.00"
    assert account(s, user="carol") == AccountAt({}, is_suspended=False, keys=(), consent=None)


@pytest.mark.parametrize(
    ("told", "is_suspended"),
    [
        ([], False),
        ([("desk-1", "suspend", 5)], True),
        ([("desk-1", "suspend", 5), ("desk-1", "reopen", 6)], False),
        ([("desk-1", "suspend", 5), ("desk-2", "reopen", 6)], True),
        ([("desk-1", "suspend", 5), ("desk-2", "suspend", 5), ("desk-2", "reopen", 6)], True),
        ([("desk-1", "suspend", 5), ("books", "reopen", 6)], False),
        ([("desk-1", "suspend", 7), ("books", "reopen", 6)], True),
        ([("books", "suspend", 5), ("desk-1", "reopen", 6)], True),
        ([("books", "reopen", 5), ("books", "suspend", 6)], True),
        ([("books", "suspend", 5), ("books", "reopen", 6), ("desk-1", "reopen", 4)], False),
        ([("desk-1", "suspend", END)], False),
    ],
)
def test_an_account_is_suspended_while_any_writer_says_so(
    told: list[tuple[str, str, float]], *, is_suspended: bool
) -> None:
    s = desk_story()
    for node, kind, day in told:
        settle(s, node, kind, day)
    assert account(s).is_suspended is is_suspended


def test_a_key_opens_from_its_line_to_its_end() -> None:
    s = desk_story()
    claim(s, "desk-1", "a", 5, until=at(8))
    claim(s, "desk-1", "b", 5, user="bob")
    assert [keys(s, day) for day in (5, 5 + 1 / 24, 8 - 1 / 24, 8)] == [
        [],
        ["a" * 16],
        ["a" * 16],
        [],
    ]


@pytest.mark.parametrize(
    "more", [{"user": "bob"}, {"scopes": ["llm", "search"]}, {"rpm": 9}, {"until": at(9)}]
)
def test_a_key_that_is_claimed_for_two_things_opens_neither(more: dict[str, Any]) -> None:
    """Whoever claims it when; the claim of the books alone stands."""
    s = desk_story()
    claim(s, "desk-1", "a", 5)
    claim(s, "desk-2", "a", 6, **more)
    assert keys(s) == keys(s, 5.5) == keys(s, user="bob") == []
    claim(s, "books", "a", 7, **more)
    assert keys(s, 7, more.get("user", "alice")) == ["a" * 16]
    assert answer(s.case())["counts"] == ["books:1", "desk-2:1"]
    claim(s, "books", "a", 8)
    assert answer(s.case())["counts"] == []
    s.decide("exclude", 9, of="books", of_seq=1)
    assert answer(s.case())["counts"] == ["books:2", "desk-1:1"]


def test_claims_of_one_desk_may_contradict_each_other_too() -> None:
    s = desk_story()
    claim(s, "desk-1", "a", 5)
    claim(s, "desk-1", "a", 6, rpm=7)
    assert keys(s) == []


def test_two_desks_that_claim_the_same_agree() -> None:
    s = desk_story()
    claim(s, "desk-2", "a", 6)
    claim(s, "desk-1", "a", 5)
    assert keys(s) == ["a" * 16]
    assert [record.node for record in account(s).keys] == ["desk-1"]
    assert answer(s.case())["counts"] == ["desk-1:1", "desk-2:1"]


def test_a_key_is_revoked_for_ever_and_by_its_own_account() -> None:
    """Also before it is claimed, and when it is claimed again."""
    s = desk_story()
    claim(s, "desk-1", "a", 5)
    claim(s, "desk-1", "b", 5)
    settle(s, "desk-2", "revoke", 6, user="bob", key_id="a" * 16)
    settle(s, "desk-2", "revoke", 6, key_id="b" * 16)
    settle(s, "desk-2", "revoke", 6, key_id="c" * 16)
    claim(s, "desk-1", "b", 7)
    claim(s, "desk-1", "c", 7)
    assert keys(s, 6) == ["a" * 16, "b" * 16]
    assert keys(s) == ["a" * 16]
    assert len(answer(s.case())["counts"]) == 7


def test_a_line_under_a_number_that_is_used_again() -> None:
    """The smaller bytes stand where no money moves, and the other key opens nothing."""
    s = desk_story()
    claim(s, "desk-1", "b", 5, seq=1)
    claim(s, "desk-1", "a", 5, seq=1)
    assert keys(s) == ["a" * 16]


def test_consent_is_what_a_till_heard_last() -> None:
    s = desk_story()
    settle(s, "till-1", "consent", 5, amount_usd="20.00", month_usd="60.00")
    settle(s, "till-2", "consent", 6, amount_usd="30.00")
    settle(s, "desk-1", "consent", 7, amount_usd="900.00")
    earlier, later = account(s, 6).consent, account(s).consent
    assert earlier is not None
    assert later is not None
    assert (earlier.amount_usd, earlier.month_usd) == ("20.00", "60.00")
    assert (later.amount_usd, later.month_usd) == ("30.00", None)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_an_account_is_a_function_of_the_set_of_lines(seed: int, order: int) -> None:
    chance = random.Random(seed)
    s = desk_story()
    for number in range(8):
        node = chance.choice(("desk-1", "desk-2", "books"))
        day = 2 + number // 2
        user = chance.choice(("alice", "bob"))
        kind = chance.choice(("suspend", "reopen", "setting", "key", "revoke"))
        more: dict[str, Any] = {}
        if kind == "setting":
            more[chance.choice(("cap_usd", "auto_topup_usd"))] = f"{number}.00"
        if kind == "revoke":
            more["key_id"] = chance.choice("ab") * 16
        if kind == "key":
            claim(s, node, chance.choice("ab"), day, user=user)
        else:
            settle(s, node, kind, day, user=user, **more)
    found = [account(s, day, user) for day in (3.5, END) for user in ("alice", "bob")]
    random.Random(order).shuffle(s.lines)
    assert [account(s, day, user) for day in (3.5, END) for user in ("alice", "bob")] == found
