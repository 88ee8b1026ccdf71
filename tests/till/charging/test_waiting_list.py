"""Who waits for a charge, and who rests: bounded, each once, by what was told last."""

from datetime import timedelta

import msgspec

from tests.till.place import START
from till.charging.charger import Due
from till.charging.waiting_list import (
    REST_S,
    RESTING_MAX,
    WAITING_MAX,
    Resting,
    WaitingList,
)
from wire_format.posts.topup_due import ACCOUNTS_MAX, VERSION, AccountBelow, TopupDue

ID = "00000000-0000-4000-8000-000000000000"


def account(user: str, balance: str = "1.00") -> AccountBelow:
    return AccountBelow(user, "20.00", "5.00", "100.00", balance, "stripe", "pi_1", ("pi_1",))


def post(*accounts: AccountBelow, age: timedelta = timedelta()) -> TopupDue:
    return TopupDue(VERSION, ID, START - age, {}, accounts)


def due(user: str, balance: str = "1.00") -> Due:
    return Due(account(user, balance), START, {})


def test_a_flood_of_accounts_waits_up_to_a_bound_and_is_told_how_many_were_too_many() -> None:
    waiting = WaitingList()
    users = [f"user-{number}" for number in range(5000)]
    full = 0
    for first in range(0, len(users), ACCOUNTS_MAX):
        full += waiting.add(post(*map(account, users[first : first + ACCOUNTS_MAX])))
    assert (len(waiting), full) == (WAITING_MAX, len(users) - WAITING_MAX)
    assert waiting.add(post(account("user-1", "0.50"))) == 0, "who waits already has room"


def test_of_one_account_the_latest_post_counts_in_its_first_place() -> None:
    waiting = WaitingList()
    waiting.add(post(account("alice", "3.00"), account("bobby")))
    waiting.add(post(account("alice", "2.00")))
    waiting.add(post(account("alice", "4.00"), age=timedelta(minutes=1)))
    first = waiting.next()
    assert first is not None
    assert (first.account.user, first.account.balance_usd) == ("alice", "2.00")


def test_an_account_rests_until_its_time_or_until_anything_but_its_balance_changes() -> None:
    resting = Resting()
    assert not resting.rests(due("alice"), 100.0)
    resting.begin(due("alice"), 100.0)
    assert resting.rests(due("alice", "0.10"), 100.0 + REST_S - 1)
    assert not resting.rests(due("alice"), 100.0 + REST_S)
    assert not resting.rests(due("bobby"), 101.0)
    told = due("alice")
    for changed in ({"payment": "pi_2"}, {"paid": ("pi_1", "pi_2")}, {"amount_usd": "10.00"}):
        other = told._replace(account=msgspec.structs.replace(told.account, **changed))
        assert not resting.rests(other, 101.0)


def test_those_that_rest_are_bounded_and_forgotten() -> None:
    resting = Resting()
    for number in range(RESTING_MAX + 5):
        resting.begin(due(f"user-{number}"), 0.0)
    assert not resting.rests(due(f"user-{RESTING_MAX}"), 1.0)
    resting.begin(due("late"), REST_S + 1.0)
    assert resting.rests(due("late"), REST_S + 2.0)
