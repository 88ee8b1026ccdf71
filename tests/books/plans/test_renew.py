"""`books plan renew`: each account that can pay has its next period once, and nobody another."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from books.accounts import recording
from books.errors import AccountError, NotYetError
from books.plans import renewal
from books.plans.due import BYTES_MAX, check_age, read_due
from tests.books.plans.shop import CYCLE, HOUR, NOON, Shop, due
from wire_format.instants import format_ts


def test_who_can_pay_is_renewed_and_who_cannot_is_told(shop: Shop) -> None:
    poor = due("bob", affordable=False, balance_usd="3.00", reason="it has 3.00 USD")
    ends = due(
        "carl", plan=None, until=None, fee_usd=None, affordable=False, reason="asks for none"
    )
    found = shop.renew(due(), poor, ends)
    (line,) = found.renewed
    assert (line.user, line.plan, line.from_, line.until) == ("alice", "pro", HOUR, HOUR + CYCLE)
    assert (line.fee_usd, line.ts) == ("30.00", NOON)
    assert [(each.due.user, each.why) for each in found.lapsed] == [
        ("bob", "it has 3.00 USD"),
        ("carl", "asks for none"),
    ]
    assert shop.lines() == [line]


def test_the_same_answer_again_writes_nothing_twice(shop: Shop) -> None:
    """Whether it was pushed in between or not; also where one account is in it twice."""
    found = shop.renew(due(), due())
    first = found.renewed
    assert (len(first), found.already) == (1, [])
    again = shop.renew(due())
    assert (again.renewed, again.already) == ([], first)
    shop.say("push").ok()
    shop.now += timedelta(hours=1)
    assert shop.renew(due()).already == first
    assert len(shop.say("plan", "list", "--json").ok().json) == 1


def test_a_run_that_is_interrupted_leaves_all_or_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [due(f"user-{number}") for number in range(5)]
    record: Callable[..., Any] = recording.record_lines

    def fail(*arguments: Any) -> None:  # noqa: ANN401 - of another function
        record(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(renewal, "record_lines", fail)
    with pytest.raises(KeyboardInterrupt):
        shop.renew(*answer)
    assert shop.lines() == []
    monkeypatch.undo()
    assert len(shop.renew(*answer).renewed) == 5
    assert len(shop.renew(*answer).already) == 5


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    assert len(shop.renew(due(), dry_run=True).renewed) == 1
    said = shop.say("plan", "renew", "--dry-run", "--json", stdin=shop.answer(due())).ok().json
    assert [(line["user"], line["seq"]) for line in said["renewed"]] == [("alice", None)]
    shown = shop.say("plan", "renew", "--dry-run", stdin=shop.answer(due())).ok().out
    assert "would be renewed: plan pro from" in shown
    assert shop.lines() == []


def test_a_plan_that_took_the_place_of_another_may_keep_its_fee(shop: Shop) -> None:
    """For as long as the rule book says, and no other fee."""
    later = HOUR.replace(month=12)
    stated = {"from": format_ts(later), "until": format_ts(later + CYCLE)}
    assert shop.renew(due(fee_usd="20.00", **stated)).renewed[0].fee_usd == "20.00"
    assert shop.renew(due("bob", fee_usd="20.00")).refused
    assert shop.renew(due("carl", fee_usd="19.00", **stated)).refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"plan": "gold"}, "there is no plan gold"),
        ({"until": format_ts(HOUR + 2 * CYCLE)}, "not one cycle of the plan pro"),
        ({"until": None}, "not one cycle of the plan pro"),
        ({"fee_usd": "0.01"}, "a fee of 0.01 USD, which the plan pro does not have"),
        ({"fee_usd": None}, "a fee of 0 USD"),
    ],
)
def test_what_is_no_period_of_the_rule_book_is_refused_and_the_others_are_written(
    shop: Shop, changes: dict[str, Any], says: str
) -> None:
    found = shop.renew(due(**changes), due("bob"))
    assert [line.user for line in found.renewed] == ["bob"]
    assert says in found.refused[0].why


def test_a_period_that_runs_by_these_books_is_not_written_over(shop: Shop) -> None:
    shop.set("alice", "starter")
    found = shop.renew(due())
    assert "another line with an `until` is in force" in found.refused[0].why


def test_a_setting_that_the_aggregator_may_not_know_leaves_it_to_the_next_run(shop: Shop) -> None:
    """Else who has just ended a plan would pay for another period."""
    shop.say("account", "setting", "alice", "--next-plan", "none").ok()
    shop.now = shop.lines()[0].ts + timedelta(seconds=1)
    found = shop.renew(due(), due("bob"))
    assert "settles no further period" in found.refused[0].why
    assert len(found.renewed) == 1
    shop.say("push").ok()
    assert shop.renew(due(), as_of="2025-01-01T00:00:00Z").refused
    assert shop.renew(due(), as_of=format_ts(shop.now)).renewed


def test_an_answer_by_another_rule_book_is_refused_until_it_is_known(shop: Shop) -> None:
    with pytest.raises(NotYetError, match="was reckoned by the rule book 0000") as caught:
        shop.renew(due(), rule_book="0" * 64)
    assert caught.value.exit_code == 75
    assert shop.lines() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"rule_book":"x","due":[]}',
        '{"rule_book":"' + "0" * 64 + '","due":[{"user":"alice"}]}',
        '{"rule_book":"' + "0" * 64 + '","due":[',
        " " * (BYTES_MAX + 1),
    ],
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(AccountError) as caught:
        read_due(text.encode())
    assert "aggregator accounts --due" in caught.value.hint


def test_an_old_answer_is_refused() -> None:
    old = json.dumps({"rule_book": "0" * 64, "as_of": "2025-11-10T10:00:00Z", "due": []})
    with pytest.raises(AccountError, match="is of 2025-11-10T10:00:00Z"):
        check_age(read_due(old.encode()), NOON)
    check_age(read_due(old.encode()), NOON - timedelta(hours=2))


def test_the_command_reports_each_account_and_pushes(shop: Shop) -> None:
    """The exit code is 1 when an account that could pay was not renewed."""
    poor = due("bob", affordable=False, balance_usd="3.00", reason="it has too little")
    said = shop.say("plan", "renew", "--push", stdin=shop.answer(due(), poor)).ok()
    assert "books seq 1: plan pro from 2025-11-10T12:00:00Z" in said.out
    assert "lapses: bob, pro for 30.00 USD, has 3.00 USD: it has too little" in said.out
    assert "1 renewed, 1 lapsing" in said.out
    assert all(entry["pushed"] for entry in shop.say("log", "--json").ok().json)
    said = shop.say("plan", "renew", "-", "--json", stdin=shop.answer(due(), due("carl", plan="x")))
    assert said.code == 1
    assert [len(said.json[key]) for key in ("renewed", "already", "refused")] == [0, 1, 1]
    nothing = shop.say("plan", "renew", stdin=shop.answer()).ok()
    assert nothing.out == "nothing is due\n"
    wrong = shop.say("plan", "renew", stdin=shop.answer(rule_book="0" * 64))
    assert wrong.code == 75
