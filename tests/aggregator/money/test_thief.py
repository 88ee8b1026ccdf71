"""A stolen key of a till, through a real ledger: what it does, who sees it, what is left of it."""

import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import pytest

from tests.support.ledger.told_case import committing, outcome, tell
from tests.support.ledger.world import World
from tests.support.money_story import Story

USD: Final = 10**9
LIMIT: Final = Decimal("15.00")
STOLEN: Final = "till-3"
HONEST_POOL: Final = {"alice": 195 * USD, "bob": 120 * USD, "carol": 13 * USD}
BLOCKED: Final = Decimal("30.00")
"""The payment that is not reconciled, and of which the thief states another amount."""


class Theft(NamedTuple):
    """A story of a theft.

    Attributes:
        story: all of it, up to the decision and its withdrawal.
        written: the thief's lines, as (number, reference).
        stolen, decided: the last commit before the operator looked, and that of his decision.
    """

    story: Story
    written: set[tuple[int, str]]
    stolen: str
    decided: str


def theft(*, is_withdrawn: bool = True) -> Theft:
    """Some three hundred lines of a key that was stolen on the fourth of November."""
    limits = {"unconfirmed_max_usd": str(LIMIT), "payment_max_usd": "50.00"}
    story = Story({"till-1": {}, STOLEN: limits})
    first = story.commit("till-1", 2)
    for number in range(1, 11):
        story.pay("till-1", f"pi_{number}", "20.00", 2, commit=first)
    story.about("refund", "till-1", "re_1", "pi_1", "5.00", 2, commit=first)
    story.pay(STOLEN, "pi_31", "4.00", 1, user="carol")
    story.pay(STOLEN, "pi_32", "6.00", 1.5, user="carol")
    story.reconcile("till-1", 1, 11, 2.5)
    story.reconcile(STOLEN, 1, 2, 2.5)
    for number in range(11, 15):
        story.pay("till-1", f"pi_{number}", "30.00", 3, user="bob")
    story.pay(STOLEN, "pi_33", "3.00", 3, user="carol")
    tip, honest = story.tip(STOLEN), len(story.lines)
    story.pay(STOLEN, "pi_11", "0.01", 3.5, user="mallory")
    story.pay(STOLEN, "pi_1", "0.01", 1, committed=3.5, user="mallory")
    after = story.next_seq(STOLEN)
    for seq in (1, 2):  # which are reconciled
        story.pay(STOLEN, f"pi_again{seq}", "0.01", 1, committed=3.5, seq=seq, user="mallory")
    story.set_next_seq(STOLEN, after)
    for number in range(10):
        story.pay(STOLEN, f"pi_first{number}", "0.50", 3.5, user="mallory")
    _steal(story, Random(7))
    lines = [line for line in story.lines[honest:] if line["node"] == STOLEN]
    written = {(line["seq"], line["external_ref"]) for line in lines}
    stolen = story.tip(STOLEN)
    seq = story.decide("only", 9, of=STOLEN, tip=tip)
    decided = story.tip("books")
    if is_withdrawn:
        story.decide("withdraw", 10, refers_to=seq)
    return Theft(story, written, stolen, decided)


def _steal(story: Story, chance: Random) -> None:
    for turn in range(10):
        day = 4 + turn / 4
        commit = story.commit(STOLEN, day)
        for number in range(30):
            back = day - chance.randint(0, 3)
            next_seq = story.next_seq(STOLEN)
            is_again = number % 6 == 1
            _false_line(
                story,
                chance,
                number % 6,
                back,
                commit=commit,
                seq=chance.randint(1, next_seq - 1) if is_again else None,
            )
            if is_again:
                story.set_next_seq(STOLEN, next_seq)


def _false_line(story: Story, chance: Random, way: int, day: float, **more: Any) -> None:  # noqa: ANN401 - any field of a line
    own, of = f"t{chance.randint(0, 10**9)}", f"pi_{chance.randint(1, 14)}"
    more["user"] = "mallory"
    if way == 0:  # what others told of, with another amount
        story.pay(STOLEN, of, f"{chance.randint(1, 4000) / 100:.2f}", day, **more)
    elif way == 1:  # under a number that is used
        story.pay(STOLEN, f"pi_{own}", chance.choice(("0.01", "3", "9")), day, **more)
    elif way == 2:  # beyond what one payment may be
        story.pay(STOLEN, f"pi_{own}", "50.01", day, **more)
    elif way == 3:
        story.pay(STOLEN, f"pi_{own}", "0.50", day, **more)
    elif way == 4:
        kind = chance.choice(("refund", "dispute"))
        ref = f"{'re_' if kind == 'refund' else 'txn_'}{own}"
        story.about(kind, STOLEN, ref, of, "1.00", day, **more)
    else:
        story.about("refund_reversal", STOLEN, "re_1", "pi_1", "5.00", day, **more)


class Seen(NamedTuple):
    """What an aggregator says at one time."""

    outcome: dict[str, Any]
    lines: list[dict[str, Any]]
    unconfirmed: list[dict[str, Any]]
    incidents: set[tuple[str, str]]


def look(world: World) -> Seen:
    """Ask for everything."""
    world.pull()
    lines, unconfirmed = (
        json.loads(world.run("payments", *more, "--json").out)["lines"]
        for more in ((), ("--unconfirmed",))
    )
    return Seen(outcome(world), lines, unconfirmed, set(world.open_kinds()))


class Looked(NamedTuple):
    """What an aggregator said before anybody looked, after the decision, and after all of it."""

    theft: Theft
    world: World
    before: Seen
    decided: Seen
    withdrawn: Seen


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    found, world = theft(), World(Path(tmp_path_factory.mktemp("thief")))
    seen = {
        name: look(world)
        for name in committing(world, found.story.case())
        if name in {found.stolen, found.decided}
    }
    return Looked(found, world, seen[found.stolen], seen[found.decided], look(world))


def counted(looked: Looked, *, takes: bool) -> Decimal:
    """What the thief's lines that counted add to balances, or take from them."""
    return sum(
        (
            Decimal(line["amount"])
            for line in looked.before.lines
            if line["node"] == STOLEN
            and (line["seq"], line["external_ref"]) in looked.theft.written
            and line["state"] == "counted"
            and (line["kind"] in {"refund", "dispute"}) is takes
        ),
        Decimal(0),
    )


def test_before_anybody_looks_a_thief_moves_no_more_than_his_limit(looked: Looked) -> None:
    """Either way, however he dates and numbers his lines; the true till's own are in that sum."""
    assert 0 < counted(looked, takes=False) <= LIMIT - Decimal("3.00")
    assert 0 < counted(looked, takes=True) <= LIMIT
    has = sum(looked.before.outcome["pool"].values())
    honest = sum(HONEST_POOL.values())
    assert honest - (LIMIT + BLOCKED) * USD <= has <= honest + LIMIT * USD


def test_what_was_reconciled_is_out_of_his_reach(looked: Looked) -> None:
    """His lines about the same movements and under the same numbers count nothing."""
    states = {
        (line["node"], line["seq"], line["external_ref"]): line["state"]
        for line in looked.before.lines
        if line["reconciled"]
    }
    assert len(states) == 13
    assert set(states.values()) == {"counted"}


def test_incidents_name_the_till_and_what_it_touched(looked: Looked) -> None:
    """Lines that may not be there, the sum that waits, money taken, and a payment that is denied.

    The payment's own till is named too, because neither line counts until a person decides.
    """
    assert looked.before.incidents == {
        *((STOLEN, "lines not allowed"), (STOLEN, "unconfirmed money")),
        *((STOLEN, "money taken back"), ("till-1", "money taken back")),
        *((STOLEN, "rival payments"), ("till-1", "rival payments")),
    }
    assert looked.decided.incidents == {
        *((STOLEN, "lines not allowed"), ("till-1", "money taken back")),
    }


def test_whoever_reconciles_is_shown_every_line_of_his(looked: Looked) -> None:
    """In the order of the numbers, whatever it is worth, with the commit that has it."""
    found = [
        (line["node"], line["seq"], line["external_ref"]) for line in looked.before.unconfirmed
    ]
    assert [each[:2] for each in found] == sorted(each[:2] for each in found)
    of_the_till = {each[1:] for each in found if each[0] == STOLEN}
    assert of_the_till == looked.theft.written | {(3, "pi_33")}
    assert {line["state"] for line in looked.before.unconfirmed} == {
        *("counted", "waits", "rivals", "same_movement", "not_allowed", "number_reused"),
    }
    writer = looked.world.repo(STOLEN)
    for line in looked.before.unconfirmed:
        if line["node"] == STOLEN:
            text = writer.files(line["commit"])[line["path"]].splitlines()[line["line_no"] - 1]
            assert json.loads(text)["external_ref"] == line["external_ref"]


def test_one_decision_leaves_nothing_of_it(looked: Looked) -> None:
    """Users have what they had before, and what the till itself wrote counts."""
    has = looked.decided.outcome["pool"]
    assert {user: nano for user, nano in has.items() if nano} == HONEST_POOL
    assert looked.decided.outcome["waits"] == set()
    states = {
        (line["seq"], line["external_ref"]): line["state"]
        for line in looked.decided.lines
        if line["node"] == STOLEN
    }
    assert {states.pop(key) for key in looked.theft.written} == {"cut_off"}
    assert states == dict.fromkeys([(1, "pi_31"), (2, "pi_32"), (3, "pi_33")], "counted")


def test_a_decision_that_is_withdrawn_leaves_what_was_before(looked: Looked) -> None:
    """Every line is worth again what it was, and the same incidents are open."""
    before, withdrawn = looked.before, looked.withdrawn
    assert withdrawn.outcome == before.outcome
    assert withdrawn.incidents == before.incidents
    assert [(line["commit"], line["state"]) for line in withdrawn.lines] == [
        (line["commit"], line["state"]) for line in before.lines
    ]


def test_it_does_not_matter_what_was_pulled_first(tmp_path: Path) -> None:
    """The decision before the theft, or after it: one digest, and that of a rebuild."""
    digests = set()
    for number in range(3):
        world = World(tmp_path / str(number))
        tell(world, theft(is_withdrawn=False).story.case(), Random(number))
        digests |= {world.digest(), world.rebuilt_digest()}
        has = outcome(world)["pool"]
        assert {user: nano for user, nano in has.items() if nano} == HONEST_POOL
    assert len(digests) == 1
