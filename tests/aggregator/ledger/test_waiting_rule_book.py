"""A rule book that needs lines which cannot be read waits; everything else is billed."""

from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.proof.verify import WaitingError
from tests.support.ledger.world import PRICES, World, decision_line, money_line, usage_line

OLD = "node-old"
USED = 1_000_000
"""What a unit costs under the rule book of the world, in nano-dollars."""

UNITS = 100_000
LIMIT_USD = 500
"""Above what the old node's record costs, and below ten times as much."""

DEARER = PRICES.replace(b"3.60", b"36.00")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A dear record of a node that is no longer configured, with its mirror moved away."""
    made = World(tmp_path, charge_cost_max_usd=LIMIT_USD)
    made.rules()
    made.usage(usage_line(node=OLD, units=UNITS, user="bob"), repo=OLD)
    made.usage(usage_line())
    made.pull()
    made.drop(OLD)
    made.move_mirror_away(OLD)
    return made


def waits(world: World) -> None:
    """What the books bring beside the rule book is billed, under the one so far."""
    assert world.open_kinds() == [(OLD, "rule book waits")]
    assert world.balance("carol")["credit_nano"] > 0
    assert world.balance()["billed_cost_nano"] == USED
    assert world.balance("bob")["billed_cost_nano"] == UNITS * USED
    with pytest.raises(WaitingError):
        world.verify()


def test_the_books_go_on_and_the_prices_come_into_force_with_the_mirror_back(world: World) -> None:
    world.rules(DEARER)
    world.pay(money_line(user="carol"))
    report = world.pull()["books"]
    assert (report.incident, report.noticed) == (None, (IncidentKind.RULE_BOOK_WAITS,))
    waits(world)
    world.usage(usage_line(seq=2, user="dora"))
    world.pull()
    assert world.balance("dora")["billed_cost_nano"] == USED
    waits(world)
    world.bring_back(OLD)
    world.pull()
    assert [kind for _, kind in world.open_kinds()] == ["record beyond limit"]
    assert [row["reason"] for row in world.held()] == ["beyond_limit"]
    assert world.balance()["billed_cost_nano"] == 10 * USED
    assert world.verify().matches
    digest = world.digest()
    world.forget()
    world.pull()
    assert world.digest() == digest


def test_a_change_that_is_taken_back_ends_the_wait(world: World) -> None:
    world.rules(DEARER)
    world.pull()
    world.rules(PRICES)
    world.pull()
    assert world.open_kinds() == []
    world.bring_back(OLD)
    assert world.balance("bob")["billed_cost_nano"] == UNITS * USED
    assert world.verify().matches


def test_of_several_changes_the_newest_comes_into_force(world: World) -> None:
    """One that needs none of the lines does so at once."""
    world.rules(DEARER)
    world.pull()
    world.rules(PRICES.replace(b"3.60", b"7.20"))
    world.pull()
    assert world.open_kinds() == []
    assert world.balance("bob")["billed_cost_nano"] == 2 * UNITS * USED
    world.bring_back(OLD)
    assert world.verify().matches


def test_decisions_of_the_same_batch_are_carried_out(world: World) -> None:
    world.rules(DEARER)
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=1))
    world.pull()
    assert world.open_kinds() == [(OLD, "rule book waits")]
    assert world.balance("bob")["billed_cost_nano"] == UNITS * USED
    with world.reading() as store:
        assert store.repos.is_rule_book_waiting()
    assert [row["reason"] for row in world.held()] == ["excluded"]
    world.bring_back(OLD)
    world.pull()
    assert world.verify().matches


def test_the_first_rule_book_waits_too(tmp_path: Path) -> None:
    """Then there is none so far, and all usage stays without a price."""
    world = World(tmp_path, charge_cost_max_usd=LIMIT_USD)
    world.usage(usage_line(node=OLD, units=10 * UNITS, user="bob"), repo=OLD)
    world.usage(usage_line())
    world.pull()
    world.drop(OLD)
    world.move_mirror_away(OLD)
    world.rules()
    world.pay(money_line())
    world.pull()
    assert (OLD, "rule book waits") in world.open_kinds()
    assert world.balance()["credit_nano"] > 0
    assert world.balance()["billed_cost_nano"] == 0
    world.bring_back(OLD)
    world.pull()
    assert world.balance()["billed_cost_nano"] == USED
    assert world.verify().matches


def test_a_rebuild_without_that_mirror_is_refused_as_ever(world: World) -> None:
    world.rules(DEARER)
    world.pull()
    digest = world.digest()
    assert world.run("rebuild").code == 1
    assert world.digest() == digest
    assert world.open_kinds() == [(OLD, "rule book waits")]
