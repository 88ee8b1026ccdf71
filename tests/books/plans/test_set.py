"""`books plan set`: what it writes by default, once, and what it refuses before it is written."""

from datetime import timedelta

import pytest

from books.errors import AccountError
from tests.books.plans.shop import CYCLE, HOUR, NOON, PLANS, Shop
from tests.wire_format.test_writers import DESK


def test_a_period_is_one_cycle_from_the_hour_of_now_for_the_fee_of_the_plan(shop: Shop) -> None:
    done = shop.set("alice", "pro", reason="letter")
    line = done.line
    assert not done.repeated
    assert (line.plan, line.from_, line.until, line.fee_usd) == ("pro", HOUR, HOUR + CYCLE, "30.00")
    assert (line.ts, line.reason, line.instead_of) == (NOON, "letter", None)
    assert shop.lines() == [line]


def test_the_fee_is_that_of_the_version_at_its_beginning(shop: Shop) -> None:
    begins = HOUR.replace(month=12)
    assert shop.set("alice", "pro", from_=begins).line.fee_usd == "35.00"


def test_a_fee_and_an_end_can_be_stated(shop: Shop) -> None:
    """The amount of a fee does not bind the books."""
    ends = HOUR + timedelta(hours=5)
    line = shop.set("alice", "pro", fee_usd="1", until=ends).line
    assert (line.fee_usd, line.until) == ("1", ends)


def test_a_plan_without_a_fee_has_no_end(shop: Shop) -> None:
    line = shop.set("alice", "free").line
    assert (line.until, line.fee_usd) == (None, None)


def test_the_same_again_writes_nothing(shop: Shop) -> None:
    """Also later in the same hour; from the next hour on it would be another period."""
    first = shop.set("alice", "pro").line
    shop.now += timedelta(minutes=20)
    again = shop.set("alice", "pro")
    assert (again.line, again.repeated) == (first, True)
    shop.now += timedelta(hours=1)
    with pytest.raises(AccountError, match="has the plan pro until 2025-12-10T12:00:00Z"):
        shop.set("alice", "pro")
    assert shop.lines() == [first]


def test_an_upgrade_costs_the_difference_and_keeps_the_cycle(shop: Shop) -> None:
    shop.set("alice", "starter")
    shop.now += timedelta(hours=5)
    line = shop.set("alice", "pro", is_upgrade=True).line
    assert (line.instead_of, line.fee_usd) == ("starter", "10.00")
    assert (line.from_, line.until) == (HOUR + timedelta(hours=5), HOUR + CYCLE)
    shop.now += timedelta(hours=9)
    again = shop.set("alice", "pro", is_upgrade=True)
    assert (again.line, again.repeated) == (line, True)
    assert len(shop.lines()) == 2


def test_an_upgrade_of_a_period_of_several_cycles_ends_with_the_cycle(shop: Shop) -> None:
    shop.set("alice", "starter", until=HOUR + 3 * CYCLE)
    shop.now += CYCLE
    line = shop.set("alice", "pro", is_upgrade=True).line
    assert line.until == HOUR + 2 * CYCLE
    assert line.fee_usd == "15.00"


@pytest.mark.parametrize(
    ("before", "plan", "stated", "says"),
    [
        ("pro", "starter", {}, "another period begins when it has ended"),
        ("pro", "starter", {"is_upgrade": True}, "no higher than that of the plan in force"),
        ("pro", "week", {"is_upgrade": True}, "cycles of its plan have another length"),
        (None, "pro", {"is_upgrade": True}, "nothing to upgrade"),
        ("starter", "pro", {"is_upgrade": True, "until": HOUR + CYCLE}, "ends with the cycle"),
        (None, "free", {"until": HOUR + CYCLE}, "its plan has no fee"),
        (None, "gold", {}, "there is no plan gold in rules/plans.toml: free, pro, starter, week"),
        (None, "pro", {"from_": HOUR.replace(year=2024)}, "begins at 2025-01-01T00:00:00Z"),
        (None, "pro", {"fee_usd": "1,5"}, "fee_usd: must be dollars"),
        (None, "pro", {"until": HOUR}, "until: must be later than from"),
        (None, "pro", {"reason": "é"}, "reason: must be"),
    ],
)
def test_what_would_not_count_is_refused_before_it_is_written(
    shop: Shop, before: str | None, plan: str, stated: dict[str, object], says: str
) -> None:
    if before:
        shop.set("alice", before)
    written = shop.lines()
    with pytest.raises(AccountError, match=says):
        shop.set("alice", plan, **stated)
    assert shop.lines() == written


def test_a_period_follows_on_another(shop: Shop) -> None:
    """Written while the first one runs; a third one in between is refused."""
    shop.set("alice", "pro")
    shop.set("alice", "starter", from_=HOUR + CYCLE)
    with pytest.raises(AccountError, match="has the plan starter until"):
        shop.set("alice", "pro", from_=HOUR + CYCLE)
    assert len(shop.lines()) == 2


def test_a_clock_that_went_back_writes_nothing(shop: Shop) -> None:
    """Which of two lines was first must be certain."""
    shop.set("alice", "pro")
    shop.now -= timedelta(seconds=1)
    with pytest.raises(AccountError, match="this machine's clock says"):
        shop.set("alice", "starter", from_=HOUR + CYCLE)
    shop.set("bob", "pro")


def test_an_excluded_line_does_not_stand_in_the_way(shop: Shop) -> None:
    line = shop.set("alice", "pro").line
    shop.say("decide", "exclude", "books", str(line.seq), "--reason", "mistake").ok()
    done = shop.set("alice", "starter")
    assert not done.repeated
    assert [each["seq"] for each in shop.say("plan", "list", "--json").ok().json] == [done.line.seq]


def test_what_is_pushed_is_known_as_well(shop: Shop) -> None:
    said = shop.say("plan", "set", "alice", "pro", "--json").ok().json
    shop.say("push").ok()
    again = shop.say("plan", "set", "alice", "pro", "--from", said["from"], "--json").ok().json
    assert (again["seq"], again["repeated"]) == (said["seq"], True)
    refused = shop.say("plan", "set", "alice", "starter")
    assert refused.code == 1
    assert f"--from {said['until']}, or --upgrade" in refused.err


def test_the_command_says_what_it_wrote_and_what_it_cannot_see(shop: Shop) -> None:
    said = shop.say("plan", "set", "alice", "pro", "--from", "2027-01-01", "--reason", "x").ok()
    assert said.out == (
        "books seq 1: plan pro from 2027-01-01T00:00:00Z until 2027-01-31T00:00:00Z for 35.00 USD,"
        " alice; next: `books push`\n"
    )
    assert said.err == ""
    shop.books.set_rules("writers.toml", DESK)
    said = shop.say("plan", "set", "bob", "pro").ok()
    assert "these books do not read their lines" in said.err
    assert (
        "not the start of a clock hour"
        in shop.say("plan", "set", "bob", "pro", "--from", "2027-01-01T00:30:00Z").err
    )


def test_a_list_says_which_lines_count(shop: Shop) -> None:
    """One that does not was written before the plan had this version, by these books or others."""
    shop.set("alice", "pro")
    shop.set("bob", "starter")
    shop.now += timedelta(hours=1)
    shop.say("plan", "end", "alice").ok()
    found = shop.say("plan", "list", "alice", "--json").ok().json
    assert [(each["kind"], each["counts"], each["status"]) for each in found] == [
        ("plan", True, "counts"),
        ("setting", True, "stated"),
    ]
    shown = shop.say("plan", "list").ok().out
    assert "setting: next_plan none" in shown
    assert "plan starter from 2025-11-10T12:00:00Z" in shown
    shop.books.set_rules("plans.toml", PLANS.replace('"starter"', '"begin"'), "--reason", "tests")
    (bob,) = shop.say("plan", "list", "bob", "--json").ok().json
    assert (bob["counts"], bob["fault"], bob["stands_seq"]) == (False, "no_version", None)
    assert bob["advice"]


def test_an_end_is_a_setting_and_says_what_becomes_of_the_period(shop: Shop) -> None:
    said = shop.say("plan", "end", "alice", "--reason", "asked").ok()
    assert "goes on until its end" in said.out
    (line,) = shop.lines()
    assert (line.kind, line.next_plan, line.user, line.reason) == (
        "setting",
        "none",
        "alice",
        "asked",
    )


def test_plans_are_a_rule_file_like_the_others(shop: Shop) -> None:
    """They are exported, to be changed and set again."""
    shown = shop.say("rules", "export", "plans.toml").ok().out
    assert shown.partition("\n")[2] == PLANS
