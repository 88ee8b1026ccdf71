"""The digest depends on the content of the ledger, not on how it was made."""

from contextlib import closing
from pathlib import Path

import pytest

from aggregator.proof.digest import BESIDE, SECTIONS, differences
from aggregator.store.store import open_for_writing
from tests.support.ledger.world import World, decision_line, money_line, usage_line


def pulled_in_order(folder: Path, order: list[str]) -> World:
    """Three repos, first pulled in this order: their ids differ, their facts do not."""
    world = World(folder)
    world.repo("books")
    world.rules()
    world.pay(money_line(), money_line(seq=2, user="z"))
    world.decide(decision_line(seq=3, kind="exclude", of="node-1", of_seq=9))
    for name in ("node-1", "node-2"):
        world.usage(
            usage_line(node=name, user=f"u-{name}"),
            usage_line(node=name, seq=2, resource=f"r-{name}", user="z"),
            usage_line(node="other", seq=3),
            b"rotten\n",
            repo=name,
        )
    for name in order:
        world.pull(name)
    return world


def test_ids_do_not_affect_the_digest(tmp_path: Path) -> None:
    """Nodes, accounts and resources get their ids in order of arrival."""
    names = ["books", "node-1", "node-2"]
    one, other = (
        pulled_in_order(tmp_path / "a", names),
        pulled_in_order(tmp_path / "b", names[::-1]),
    )
    assert one.digest() == other.digest()
    with one.reading() as ours, other.reading() as theirs:
        assert list(differences(ours, theirs)) == []
        assert [*ours._connection.execute("SELECT user FROM account ORDER BY id")] != [
            *theirs._connection.execute("SELECT user FROM account ORDER BY id")
        ]


TAMPERED = {
    "charges": "UPDATE charge SET quantity = quantity + 1",
    "money": "UPDATE money SET state = 'not_succeeded'",
    "balances": "UPDATE account SET first_paid_us = 1",
    "seen": "UPDATE seen_range SET last_seq = last_seq + 1",
    "decisions": "DELETE FROM decision",
    "held": "DELETE FROM held",
    "rejected": "DELETE FROM reject",
    "rule_book": "DELETE FROM rule_book",
    "counted": "INSERT INTO counted SELECT account_id, resource_id, applies_to, hour, 0, 1"
    " FROM charge LIMIT 1",
    "drawn": "INSERT INTO drawn SELECT account_id, hour, resource_id, applies_to, 'manual:x', 1"
    " FROM charge LIMIT 1",
    "account_nodes": "UPDATE account_node SET first_commit_s = first_commit_s + 1",
}


@pytest.mark.parametrize("section", TAMPERED)
def test_a_change_in_any_part_is_found(tmp_path: Path, section: str) -> None:
    """By `verify`, which names the section and a row of it; by the digest if it moves money."""
    world = pulled_in_order(tmp_path, ["books", "node-1", "node-2"])
    assert world.verify().matches
    before = world.digest()
    with closing(open_for_writing(world.config.database_path)) as store:
        assert store._connection.execute(TAMPERED[section]).rowcount > 0
    found = world.verify()
    assert (world.digest() == before) == (section in BESIDE)
    assert not found.matches
    assert found.recomputed_digest == before
    assert {difference.section for difference in found.differences} == {section}


def test_a_row_that_refers_to_nothing_is_found(tmp_path: Path) -> None:
    """By `verify` alone: canonical rows are joined by ids, so the digest does not show it."""
    world = pulled_in_order(tmp_path, ["books", "node-1", "node-2"])
    with closing(open_for_writing(world.config.database_path)) as store:
        store._connection.execute("UPDATE segment SET node_id = 99 WHERE id = 1")
    found = world.verify()
    assert (found.matches, found.broken_references) == (False, 1)


def test_all_parts_are_tampered_with() -> None:
    assert set(TAMPERED) == set(SECTIONS)
