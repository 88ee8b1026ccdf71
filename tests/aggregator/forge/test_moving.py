"""A forge that was moved, restored or renamed: repos are taken over by their history alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.config.nodes_dir import load_registrations, read_registrations
from aggregator.fleet.setup.moving import Outcome, move
from aggregator.fleet.setup.registry import forge_config
from aggregator.forge import open_forge
from tests.aggregator.fleet.fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Two nodes with billed records, and one that has pushed nothing."""
    with Fleet(tmp_path) as made:
        made.register("node-1", "node-2", "node-3")
        made.use("node-1", "node-2")
        made.sweep()
        yield made


def _move(fleet: Fleet, *, dry_run: bool = False) -> dict[str, Outcome]:
    config = fleet.state.config
    moves = move(open_forge(forge_config(config)), config, dry_run=dry_run)
    return {each.name or each.node: each.outcome for each in moves}


def _migrate(fleet: Fleet) -> None:
    """Let the numbers and times be those of a new server, overlapping with the old ones."""
    numbers = [fleet.forge.repo(f"billing-node-{n}").id for n in (1, 2, 3)]
    for n in (1, 2, 3):
        repo = fleet.forge.repo(f"billing-node-{n}")
        fleet.forge.renumber(repo.name, 900 + n)
        repo.created_at = fleet.now.replace(microsecond=0)
    for n, number in zip((1, 2, 3), numbers[::-1], strict=True):
        fleet.forge.renumber(f"billing-node-{n}", number)


def test_after_a_move_each_repo_is_taken_over_by_its_history(fleet: Fleet) -> None:
    """Numbers of two nodes are swapped: no order of commands could have done it one by one."""
    _migrate(fleet)
    before = {node: r.repos for node, r in load_registrations(fleet.nodes_dir).items()}
    wanted = {
        "node-1": Outcome.TAKEN_OVER,
        "node-2": Outcome.TAKEN_OVER,
        "node-3": Outcome.NOT_PROVEN,
    }
    assert _move(fleet, dry_run=True) == wanted
    assert {node: r.repos for node, r in load_registrations(fleet.nodes_dir).items()} == before
    assert _move(fleet) == wanted
    read = read_registrations(fleet.nodes_dir)
    assert read.faults.keys() == {"node-3"}, "it still has the number that node-1 has now"
    after = read.nodes
    for node in ("node-1", "node-2"):
        repo = fleet.forge.repo(f"billing-{node}")
        (entry,) = after[node].repos
        assert (entry.forge_id, entry.created_at) == (repo.id, repo.created_at)
    assert _move(fleet)["node-1"] is Outcome.UNCHANGED


def test_nothing_is_billed_again_and_new_records_are(fleet: Fleet) -> None:
    _migrate(fleet)
    fleet.sweep()
    assert fleet.incidents()["repo created anew"] == {"node-1", "node-3"}
    _move(fleet)
    fleet.use("node-1")
    fleet.sweep()
    assert fleet.reports["node-1"].admitted == 1
    assert "node-1" not in fleet.incidents().get("repo created anew", set())


def test_a_repo_with_another_history_is_not_taken_over(fleet: Fleet) -> None:
    _migrate(fleet)
    fleet.forge.delete("billing-node-1")
    fleet.forge.create("billing-node-1")
    fleet.forge.commit("billing-node-1", {"README.md": b"another"})
    fleet.forge.delete("billing-node-2")
    found = _move(fleet)
    assert found["node-1"] is Outcome.NOT_PROVEN
    assert found["node-2"] is Outcome.MISSING


def test_registrations_that_name_one_number_twice_are_put_right(fleet: Fleet) -> None:
    """What was written for two nodes stops neither this command nor the others."""
    first = fleet.forge.repo("billing-node-1").id
    file = fleet.nodes_dir / "node-2.toml"
    second = fleet.forge.repo("billing-node-2").id
    file.write_text(file.read_text().replace(f"forge_id = {second}", f"forge_id = {first}"))
    assert _move(fleet)["node-2"] is Outcome.TAKEN_OVER
    assert load_registrations(fleet.nodes_dir)["node-2"].repos[0].forge_id == second


def test_a_broken_registration_is_reported_and_stops_no_other(fleet: Fleet) -> None:
    (fleet.nodes_dir / "node-3.toml").write_text("?")
    assert _move(fleet) == {
        "node-1": Outcome.TAKEN_OVER,
        "node-2": Outcome.TAKEN_OVER,
        "node-3": Outcome.NOT_PROVEN,
    }


@pytest.mark.parametrize("is_forge_moved", [True, False])
def test_an_address_that_moves_strands_no_registration(
    tmp_path: Path, *, is_forge_moved: bool
) -> None:
    """The organisation has another name, or the forge another address: [forge] alone is edited."""
    with Fleet(tmp_path) as fleet:
        fleet.register("node-1")
        fleet.use("node-1")
        fleet.sweep()
        config = fleet.folder / "aggregator.toml"
        text = config.read_text()
        if is_forge_moved:
            text = text.replace("127.0.0.1", "localhost")
        else:
            fleet.forge.rename_org("other")
            text = text.replace('org = "ops"', 'org = "other"')
        config.write_text(text)
        fleet.restart()
        fleet.use("node-1")
        assert fleet.sweep() == {"node-1"}
        assert fleet.reports["node-1"].admitted == 1
        assert not fleet.incidents().keys() & {"repo vanished", "repo created anew"}


def test_a_forge_with_another_root_url_is_listed_beyond_the_first_page(tmp_path: Path) -> None:
    """Its links name its own ROOT_URL; the page is asked for at the address that is configured."""
    with Fleet(tmp_path, root_url="http://forge.invalid/") as fleet:
        for number in range(51):
            fleet.forge.create(f"r{number}")
        fleet.register("node-1")
        fleet.use("node-1")
        assert fleet.sweep() == {"node-1"}
        assert "listing failed" not in fleet.incidents()
