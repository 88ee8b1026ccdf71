"""What the operator is shown of desks, keys and plans, and how it follows what others write."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.store.money import money_rows
from aggregator.store.money.money_rows import MoneyRows
from tests.gitmeter.money.desk_telling import (
    BEGIN,
    THANKS,
    USD,
    WELCOME,
    claim,
    desk_story,
    give,
    settle,
    void,
)
from tests.support.case_rules import rule_files
from tests.support.ledger.told_case import committing, outcome, terms
from tests.support.ledger.world import World, decision_line
from tests.support.money_story import Story

PRO = {"name": "pro", "from": BEGIN, "cycle_hours": 240, "fee_usd": "8.00", "sold_by": ["desk"]}


def sell(story: Story, node: str, day: int, **more: Any) -> int:  # noqa: ANN401 - any field
    """The plan `pro` for alice, from an hour on."""
    period = {"from": f"2026-11-{day:02d}T00:00:00Z", "until": f"2026-11-{day + 10:02d}T00:00:00Z"}
    return settle(story, node, "plan", day, plan="pro", fee_usd="8.00", **(period | more))


def told(world: World, story: Story) -> Iterator[str]:
    """Commit a story step by step, with the plan in the rules, pulled after each commit."""
    story.plans = [PRO]
    for name in committing(world, story.case()):
        world.pull()
        yield name


def all_told(folder: Path, story: Story) -> World:
    """An aggregator that has read a story."""
    world = World(folder)
    list(told(world, story))
    assert world.digest() == world.rebuilt_digest()
    return world


def shown(world: World) -> dict[str, str]:
    """The kind of each open incident, with its subject."""
    return {row["kind"]: row["subject"] for row in world.incidents()}


def test_a_budget_is_told_before_it_is_used_up_and_what_is_beyond_waits(tmp_path: Path) -> None:
    """Ten dollars in all, five to each."""
    story = desk_story()
    for number, user in enumerate(("alice", "bob", "carol")):
        give(story, "desk-1", user, 2 + number)
    story.decide("exclude", 6, of="desk-1", of_seq=1)
    story.decide("exclude", 7, of="desk-1", of_seq=2)
    world = World(tmp_path)
    found = [shown(world) for _ in told(world, story)]
    nearly = {"budget nearly used": "grant welcome of 10.00 USD"}
    assert found == [{}, nearly, nearly | {"over budget": "seq 3"}, nearly, {}]
    assert terms(world)["carol"][1][0].amount_nano == 5 * USD


def test_another_budget_is_told_of_anew(tmp_path: Path) -> None:
    story = desk_story({**WELCOME, "budget_usd": "6.00"})
    give(story, "desk-1", "alice", 2)
    world = all_told(tmp_path, story)
    subject = "grant welcome of 6.00 USD"
    assert shown(world) == {"budget nearly used": subject}
    row = world.incidents()[0]
    assert (row["repo"], row["detail"]) == (
        "desk-1",
        "desk-1 has given 5.00 of 6.00 USD by welcome",
    )
    assert "`books rules set`" in row["advice"]
    acknowledged = {"repo": "desk-1", "incident": row["kind"], "subject": subject}
    world.decide(decision_line(kind="acknowledge", **acknowledged))
    world.pull()
    assert world.incidents() == []
    for budget, told_of in (("5.50", {row["kind"]: "grant welcome of 5.50 USD"}), ("100", {})):
        story.writers["grants"] = [{**WELCOME, "budget_usd": budget}]
        world.repo("books").commit(rule_files(story.case()["rules"]))
        world.pull()
        assert shown(world) == told_of


def test_whoever_claims_a_key_is_told_until_one_claim_is_excluded(tmp_path: Path) -> None:
    """The desk that wrote first is named too, though nothing of it is new."""
    story = desk_story()
    claim(story, "desk-1", "a", 2)
    claim(story, "desk-2", "a", 3, user="bob")
    story.decide("exclude", 4, of="desk-2", of_seq=1)
    world = World(tmp_path)
    found = []
    for _ in told(world, story):
        rows = world.incidents()
        found.append({(row["repo"], row["kind"], row["subject"]) for row in rows})
    both = {(f"desk-{number}", "key claimed twice", "seq 1") for number in (1, 2)}
    assert found == [set(), both, set()]
    assert outcome(world)["counts"] == {"desk-1:1"}


def test_a_plan_that_was_sold_without_money_is_shown_with_why(tmp_path: Path) -> None:
    """And one whose payment no longer counts; the books' lines too."""
    story = desk_story()
    sell(story, "desk-1", 2)
    story.pay("till-1", "pi_1", "10", 3)
    sell(story, "desk-1", 4)
    sell(story, "books", 6)
    story.decide("exclude", 8, of="till-1", of_seq=1)
    world = World(tmp_path)
    found = []
    for _ in told(world, story):
        states = {f"{row['node']}:{row['seq']}": row["reason"] for row in world.held()}
        plans = [line.node for line in terms(world).get("alice", ((), ()))[0]]
        found.append((states, plans, outcome(world)["pool"].get("alice")))
    poor = {"desk-1:1": "no_money"}
    late = poor | {"books:1": "period_runs"}
    assert found == [
        (poor, [], 0),
        (poor, [], 10 * USD),
        (poor, ["desk-1"], 2 * USD),
        (late, ["desk-1"], 2 * USD),
        ({**poor, "desk-1:2": "no_money", "till-1:1": "excluded"}, ["books"], -8 * USD),
    ]
    assert world.digest() == world.rebuilt_digest()
    assert {row["subject"] for row in world.incidents()} == {"seq 1..2"}
    said = world.run("held").ok().out
    assert "the account did not have the money for its fee before its commit" in said


def test_the_books_are_told_of_their_own_plans(tmp_path: Path) -> None:
    story = desk_story()
    sell(story, "books", 2)
    sell(story, "books", 4)
    story.decide("exclude", 5, of="books", of_seq=2)
    world = World(tmp_path)
    found = [shown(world) for _ in told(world, story)]
    assert found == [{}, {"plans held": "seq 2"}, {}]


def test_a_grant_that_asks_for_a_payment_follows_it(tmp_path: Path) -> None:
    """It is held before the payment and after the refund, whoever wrote them."""
    story = desk_story()
    give(story, "desk-1", "alice", 4, THANKS)
    story.pay("till-1", "pi_1", "12", 3, committed=5)
    story.about("refund", "till-2", "re_1", "pi_1", "5", 6, user="bob")
    story.about("refund_reversal", "till-2", "re_1", "pi_1", "5", 7, user="bob")
    world = World(tmp_path)
    found = ["desk-1:1" in outcome(world)["counts"] for _ in told(world, story)]
    assert found == [False, True, False, True]
    assert world.digest() == world.rebuilt_digest()


def bonus_of_bob() -> Story:
    """On a payment of alice, of which something is taken back."""
    story = desk_story()
    story.pay("till-1", "pi_1", "20", 2)
    bonus = {"of_provider": "stripe", "of_ref": "pi_1"}
    give(story, "desk-1", "bob", 3, THANKS, **bonus)
    story.about("refund", "till-1", "re_1", "pi_1", "5", 4)
    return story


def bonus_on_an_old_payment() -> Story:
    """It and its refund are of version 1."""
    story = desk_story()
    seq = story.pay("books", "cash", "20", 2, provider="manual")
    bonus = {"of_provider": "manual", "of_ref": "cash"}
    give(story, "desk-1", "bob", 3, THANKS, **bonus)
    more = {"provider": "manual", "refers_to": seq, "kind": "refund"}
    story.pay("books", "back", "5", 4, **more)
    return story


@pytest.mark.parametrize("story_of", [bonus_of_bob, bonus_on_an_old_payment])
def test_a_bonus_shrinks_with_the_payment_of_somebody_else(
    story_of: Callable[[], Story], tmp_path: Path
) -> None:
    world = World(tmp_path)
    worth = []
    for _ in told(world, story_of()):
        grants = terms(world).get("bob", ((), ()))[1]
        worth += [grant.amount_nano for grant in grants]
    assert worth == [2 * USD, USD * 3 // 2]


def no_bonuses(patch: pytest.MonkeyPatch) -> None:
    """Users of bonuses on a payment that is touched are not judged."""
    patch.setattr(money_rows, "_BONUS_ON", f"{money_rows._ABOUT} AND 0")


def no_lines_that_are_referred_to(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks which payment a refund of version 1 is about."""
    patch.setattr(MoneyRows, "_movements_at", lambda *_: [])


@pytest.mark.parametrize(
    ("breaks", "story_of"),
    [(no_bonuses, bonus_of_bob), (no_lines_that_are_referred_to, bonus_on_an_old_payment)],
)
def test_were_a_bonus_not_followed_it_would_be_found(
    breaks: Callable[[pytest.MonkeyPatch], None],
    story_of: Callable[[], Story],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaks(monkeypatch)
    world = World(tmp_path)
    list(told(world, story_of()))
    assert terms(world)["bob"][1][0].amount_nano == 2 * USD


def test_a_consent_of_a_till_counts_and_is_no_trouble(tmp_path: Path) -> None:
    """A desk may not state one."""
    story = desk_story()
    for node in ("till-1", "desk-1"):
        settle(story, node, "consent", 2, amount_usd="20.00")
    world = all_told(tmp_path, story)
    assert outcome(world)["counts"] == {"till-1:1"}
    assert [(row["node"], row["reason"]) for row in world.held()] == [("desk-1", "not_allowed")]


def test_payments_show_grants_voids_plans_and_keys(tmp_path: Path) -> None:
    story = desk_story()
    story.pay("till-1", "pi_1", "10", 2)
    give(story, "desk-1", "alice", 3)
    void(story, "desk-1", "welcome:alice", "2026-11-04T00:00:00Z", 4, by="staff:7")
    void(story, "desk-2", "welcome:alice", "2026-11-04T00:00:00Z", 4)
    sell(story, "desk-1", 5)
    claim(story, "desk-1", "a", 6)
    world = all_told(tmp_path, story)
    rows = json.loads(world.run("payments", "--json").ok().out)["lines"]
    found = [(row["kind"], row["state"], row["credit_usd"]) for row in rows]
    assert found == [
        ("payment", "counted", "10.00"),
        ("grant", "counted", "5.00"),
        ("void", "counted", None),
        ("void", "no_grant", None),
        ("plan", "counted", "-8.00"),
        ("key", "counted", None),
    ]
    assert [rows[4][name] for name in ("plan", "from", "fee_usd")] == [
        *("pro", "2026-11-05T00:00:00Z", "8.00")
    ]
    table = world.run("payments").ok().out
    for words in ("manual welcome:alice", "8.00 USD", "a" * 16):
        assert words in table
