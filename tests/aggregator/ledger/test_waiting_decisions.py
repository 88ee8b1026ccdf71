"""A decision about lines that cannot be read waits; everything else is billed."""

import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.mirror import OutOfResourcesError
from aggregator.mirrors.mirrors import Mirrors
from aggregator.proof.verify import WaitingError
from tests.support.ledger.world import World, decision_line, money_line, usage_line

OLD = "node-old"
COST = 1_000_000
"""Of one usage line under the rule book of the world, in nano-dollars."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A node that is no longer configured, with its mirror moved away."""
    made = World(tmp_path)
    made.rules()
    made.usage(usage_line(node=OLD, seq=1), usage_line(node=OLD, seq=2), repo=OLD)
    made.usage(usage_line())
    made.pull()
    made.drop(OLD)
    made.move_mirror_away(OLD)
    return made


def exclude(seq: int = 1, *, own_seq: int = 1, node: str = OLD) -> bytes:
    return decision_line(kind="exclude", of=node, of_seq=seq, seq=own_seq)


def test_the_books_go_on_and_the_decision_is_carried_out_with_the_mirror_back(world: World) -> None:
    world.decide(exclude())
    world.pay(money_line(seq=2, user="bob"))
    report = world.pull()["books"]
    assert (report.incident, report.noticed) == (None, (IncidentKind.DECISION_WAITS,))
    assert world.open_kinds() == [(OLD, "decision waits")]
    assert world.balance("bob")["credit_nano"] > 0
    assert world.balance()["billed_cost_nano"] == 3 * COST
    with pytest.raises(WaitingError):
        world.verify()
    world.pay(money_line(seq=3, user="carol"))
    world.pull()
    assert world.open_kinds() == [(OLD, "decision waits")]
    world.bring_back(OLD)
    world.pull()
    assert world.open_kinds() == []
    assert world.balance()["billed_cost_nano"] == 2 * COST
    assert world.verify().matches


def test_a_decision_taken_meanwhile_waits_too_and_one_withdrawn_ends_the_wait(
    world: World,
) -> None:
    world.decide(exclude())
    world.pull()
    world.decide(exclude(2, own_seq=2))
    world.pull()
    assert [row["subject"] for row in world.incidents()] == [OLD]
    for seq in (1, 2):
        world.decide(decision_line(kind="withdraw", refers_to=seq, seq=2 + seq))
    world.pull()
    assert world.open_kinds() == []
    world.bring_back(OLD)
    assert world.balance()["billed_cost_nano"] == 3 * COST
    assert world.verify().matches


def test_new_lines_of_that_node_are_billed_meanwhile(world: World) -> None:
    """From its next repo, under the decisions that are carried out."""
    world.decide(exclude(3), exclude(1, own_seq=2))
    world.pull()
    world.usage(usage_line(node=OLD, seq=3), usage_line(node=OLD, seq=4), repo="node-new")
    world.configure("node-new", node=OLD)
    assert world.pull()["node-new"].admitted == 2
    assert world.balance()["billed_cost_nano"] == 5 * COST
    world.bring_back(OLD)
    world.pull()
    assert world.balance()["billed_cost_nano"] == 3 * COST
    assert world.verify().matches


def test_a_payment_in_books_that_are_gone_is_excluded_later(world: World, tmp_path: Path) -> None:
    """The decision is about the same node's earlier repo."""
    world.pay(money_line(seq=1))
    world.pull()
    world.drop("books")
    world.move_mirror_away("books")
    world.repo("books-2", node="books")
    world.configure("books-2", role="books")
    world.decide(decision_line(kind="exclude", of="books", of_seq=1, seq=2), repo="books-2")
    world.pay(money_line(seq=3, user="bob"), repo="books-2")
    assert world.pull()["books-2"].incident is None
    assert world.open_kinds() == [("books", "decision waits")]
    assert world.balance("bob")["credit_nano"] > 0
    assert world.balance()["credit_nano"] > 0
    world.bring_back("books")
    world.bring_back(OLD)
    world.pull()
    assert world.open_kinds() == []
    assert world.balance()["credit_nano"] == 0
    assert world.verify().matches


def test_a_rebuild_without_that_mirror_is_refused_as_ever(world: World) -> None:
    world.decide(exclude())
    world.pull()
    digest = world.digest()
    assert world.run("rebuild").code == 1
    assert world.digest() == digest
    assert world.open_kinds() == [(OLD, "decision waits")]


def test_held_and_decisions_say_what_waits(world: World) -> None:
    """And `held` shows the others with their effects."""
    world.usage(usage_line(seq=1, user="mallory"))
    world.decide(exclude())
    world.pull()
    found = world.run("decisions").ok().out
    assert "waits for a mirror" in found
    shutil.rmtree(world.config.mirror_path("node-1") / "objects")
    said = world.run("held").ok().out
    assert "books decide choose" in said
    assert "cannot be tried" in said


def test_a_machine_without_descriptors_ends_no_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision waits on, and the others are billed."""

    def full(_self: Mirrors, _name: str) -> NoReturn:
        raise OutOfResourcesError("too many open files", hint="wait")

    world.decide(exclude())
    world.pull()
    with monkeypatch.context() as patched:
        patched.setattr(Mirrors, "open_named", full)
        world.pay(money_line(seq=2, user="bob"))
        assert world.pull()["books"].incident is None
    assert world.balance("bob")["credit_nano"] > 0
    assert world.open_kinds() == [(OLD, "decision waits")]
    world.bring_back(OLD)
    world.pull()
    assert world.open_kinds() == []
