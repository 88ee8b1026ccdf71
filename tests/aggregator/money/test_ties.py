"""A line may change what somebody has whom it does not name; the ledger follows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.store.money.money_rows import MoneyRows
from tests.gitmeter.money.desk_telling import BEGIN, void
from tests.support.case_rules import rule_files
from tests.support.ledger.told_case import committing, outcome
from tests.support.ledger.world import World
from tests.support.money_cases import answer
from tests.support.money_story import END, Story
from tests.support.repos import money_line

_TZS = {"provider": "clickpesa-tz", "currency": "TZS"}


def a_refund_under_another_name() -> Story:
    """It names carol, and takes from the payment of bob."""
    story = Story()
    story.pay("till-1", "pi_1", "10", 2)
    story.pay("till-2", "pi_2", "10", 2, user="bob")
    story.about("refund", "till-2", "re_1", "pi_2", "5", 3, user="carol")
    return story


def a_refund_that_names_nobody_of_its_payment() -> Story:
    """The books say that it is of alice's payment; so bob's, which it took from, is whole again."""
    story = a_refund_under_another_name()
    story.about("refund", "books", "re_1", "pi_1", "4", 4, v=2)
    return story


def a_payment_that_turns_out_to_be_in_dollars() -> Story:
    """The books' refund of it then counts, and no longer bob's under the same name."""
    story = Story()
    story.pay("till-1", "CP1", "26000", 2, credited_usd="10", **_TZS)
    story.pay("till-2", "CP2", "10", 2, user="bob", provider="clickpesa-tz")
    story.about("refund", "books", "R1", "CP1", "4", 3, v=2, provider="clickpesa-tz")
    story.about("refund", "till-2", "R1", "CP2", "5", 3, user="bob", provider="clickpesa-tz")
    story.pay("books", "CP1", "10", 4, v=2, provider="clickpesa-tz")
    return story


def a_refund_at_a_rate_beyond_all_numbers() -> Story:
    """Nothing that a till states stops the ledger; the refund waits."""
    story = Story()
    story.pay("till-1", "CP1", "0.000000001", 2, credited_usd="1", **_TZS)
    story.about("refund", "till-1", "CR1", "CP1", "999999999.99", 3, **_TZS)
    return story


def an_undecided_payment_that_somebody_confirmed() -> Story:
    """It counts nothing all the same, and the books' decision stands."""
    story = Story()
    story.pay("till-1", "CP1", "26000", 2, status="undecided", user=None, **_TZS)
    story.reconcile("till-1", 1, 1, 3)
    story.pay("books", "CP1", "26000", 4, v=2, credited_usd="1", **_TZS)
    return story


def a_credit_that_is_stated_in_words_and_in_silence() -> Story:
    """Version 1 may state a credit in dollars beside dollars: the lines agree, and are one."""
    story = Story()
    story.pay("books", "pi_1", "20", 2, credited_usd="20")
    story.pay("till-1", "pi_1", "20.00", 1, committed=2)
    return story


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (a_refund_under_another_name, {"till-1:1", "till-2:1", "till-2:2"}),
        (a_refund_that_names_nobody_of_its_payment, {"till-1:1", "till-2:1", "books:1"}),
        (a_payment_that_turns_out_to_be_in_dollars, {"till-2:1", "books:1", "books:2"}),
        (a_refund_at_a_rate_beyond_all_numbers, {"till-1:1"}),
        (an_undecided_payment_that_somebody_confirmed, {"books:2"}),
        (a_credit_that_is_stated_in_words_and_in_silence, {"till-1:1"}),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_whoever_it_touches(told: Callable[[], Story], counts: set[str], tmp_path: Path) -> None:
    """Pulled after each commit, the ledger says what the rules say of all lines at once."""
    story = told()
    world = World(tmp_path)
    for _ in committing(world, story.case()):
        world.pull()
    found = answer(story.case())
    assert set(found["counts"]) == counts
    assert outcome(world) == {
        "counts": counts,
        "waits": set(found["waits"]),
        "pool": {user: has[END] for user, has in found["pool"].items()},
    }
    assert world.digest() == world.rebuilt_digest()


def test_were_only_users_judged_whom_lines_name_it_would_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then bob would keep what a refund of his payment took."""
    monkeypatch.setattr(MoneyRows, "users_tied_to", lambda *_: set())
    story = a_refund_under_another_name()
    world = World(tmp_path)
    for _ in committing(world, story.case()):
        world.pull()
    assert answer(story.case())["pool"]["bob"][END] == 5 * 10**9
    assert outcome(world)["pool"]["bob"] == 10 * 10**9


def test_a_void_that_names_nobody_stays_held_when_other_rules_come(tmp_path: Path) -> None:
    """All lines are judged anew then; this one is of no account, and tied to no other."""
    story = Story()
    void(story, "books", "nobodys", "2026-11-03T00:00:00Z", 2)
    world = World(tmp_path)
    for _ in committing(world, story.case()):
        world.pull()
    story.writers["desks"] = [{"node": "desk-1", "from": BEGIN}]
    world.repo("books").commit(rule_files(story.case()["rules"]))
    world.pull()
    assert [(row["node"], row["reason"]) for row in world.held()] == [("books", "no_grant")]
    assert world.digest() == world.rebuilt_digest()


@pytest.mark.parametrize("turned", [False, True])
def test_of_payments_under_one_number_a_refund_means_that_of_its_own_user(
    tmp_path: Path, *, turned: bool
) -> None:
    """Lines of the books under one number are several where their times differ."""
    number = {"seq": 1, "kind": "payment", "amount": "2.00"}
    lines = [
        money_line(**number, ts="2025-01-06T12:00:00Z", user="bob"),
        money_line(**number, ts="2025-01-06T12:00:01Z", user="alice"),
        money_line(
            seq=2, kind="refund", refers_to=1, amount="0.50", ts="2025-01-07T12:00:00Z", user="bob"
        ),
    ]
    world = World(tmp_path)
    world.rules()
    for line in reversed(lines) if turned else lines:
        world.pay(line)
        world.pull()
    has = {user: world.balance(user)["balance_usd"] for user in ("alice", "bob")}
    assert has == {"alice": "2.00", "bob": "1.50"}
    assert world.held() == []
    assert world.digest() == world.rebuilt_digest()
