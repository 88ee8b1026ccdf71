"""Which repo a command acts on: number, creation time, name and history must agree."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pygit2
import pytest

from aggregator.config.nodes_dir import (
    RegistrationError,
    load_registrations,
    read_registrations,
    write_registration,
)
from aggregator.config.registration import RegisteredRepo
from aggregator.fleet.history import Histories, Kind
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.provision import Provisioner
from aggregator.fleet.setup.registry import forge_config
from aggregator.fleet.setup.repo_setup import Step
from aggregator.forge import open_forge
from tests.aggregator.fleet.fleet import Fleet
from tests.aggregator.forge.place import Place
from tests.support.ledger.world import DAY
from tests.support.repos import segment_path, usage_line

NODE = "vm-60"
NAME = "billing-vm-60"
ACTS: dict[str, Callable[[Place], object]] = {
    "retire": lambda p: p.provisioner().retire(NODE),
    "rotate": lambda p: p.provisioner().rotate(NODE, p.key("next")),
    "close": lambda p: p.provisioner().close(NODE),
}
"""Every act that takes a right away or gives one."""


@pytest.fixture
def added(place: Place) -> Place:
    place.provisioner().add(NODE, place.key("first"))
    return place


def _forget_creation(place: Place) -> None:
    """Leave the registration as an earlier version wrote it: with the address alone."""
    file = place.config().nodes_dir / f"{NODE}.toml"
    lines = [line for line in file.read_text().splitlines() if "created_at" not in line]
    url = f'url = "{place.forge.clone_url(NAME)}"'
    lines = [url if line.startswith("forge_name") else line for line in lines]
    file.write_text("\n".join(lines))


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
@pytest.mark.parametrize("is_gone", [True, False])
def test_a_repo_that_got_the_number_of_a_lost_one_is_left_alone(
    added: Place, act: Callable[[Place], object], *, is_gone: bool
) -> None:
    """A restored backup gives numbers again: what has ours now is not ours."""
    number = added.forge.repo(NAME).id
    if is_gone:
        added.forge.delete(NAME)
    else:
        added.forge.renumber(NAME, 900)
    added.forge.org.next_number = number
    docs = added.forge.create("docs")
    docs.created_at += timedelta(days=1)
    added.client().add_deploy_key("docs", "theirs", added.key("first"))
    before = added.state()[0]["docs"]
    if is_gone:
        act(added)
    else:
        with pytest.raises(FleetError, match="is number 900 on the forge now") as caught:
            act(added)
        assert "aggregator forge move" in caught.value.hint
    assert added.state()[0]["docs"] == before


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_without_a_creation_time_the_name_must_agree_too(
    added: Place, act: Callable[[Place], object]
) -> None:
    """Registrations of earlier versions have the number and the name alone."""
    _forget_creation(added)
    added.forge.rename(NAME, "docs")
    before = added.state()[0]
    with pytest.raises(FleetError, match="is named docs on the forge now"):
        act(added)
    assert added.state()[0] == before


def test_the_next_act_notes_the_creation_time(added: Place) -> None:
    _forget_creation(added)
    assert added.registrations()[NODE].repos[0].created_at is None
    added.provisioner().rotate(NODE, added.key("next"))
    assert added.registrations()[NODE].repos[0].created_at == added.forge.repo(NAME).created_at


def test_one_repo_is_never_written_for_two_nodes(added: Place) -> None:
    """After a migration the numbers of two repos overlap; advice followed in any order is safe."""
    added.provisioner().add("vm-61", added.key("other"))
    first, second = added.forge.repo(NAME), added.forge.repo("billing-vm-61")
    _forget_creation(added)
    taken = first.id
    added.forge.renumber(NAME, 900)
    added.forge.renumber("billing-vm-61", taken)
    before = added.registrations()
    with pytest.raises(FleetError, match=r"vm-60 also has the forge's repo|registered as"):
        added.provisioner().add("vm-61", adopt=True)
    assert added.registrations() == before
    assert (first.id, second.id) == (900, taken)


def test_a_number_that_is_given_again_is_no_conflict(tmp_path: Path, added: Place) -> None:
    """Repos of one number that were made at different times are different repos."""
    known = added.registrations()[NODE]
    later = known.repos[0].model_copy(
        update={
            "name": "vm-61",
            "forge_name": "billing-vm-61",
            "created_at": added.forge.repo(NAME).created_at + timedelta(days=1),
        }
    )
    write_registration(tmp_path / "n", known)
    write_registration(
        tmp_path / "n", known.model_copy(update={"node": "vm-61", "repos": (later,)})
    )
    assert load_registrations(tmp_path / "n").keys() == {NODE, "vm-61"}


@pytest.mark.parametrize("same", ["forge_id", "forge_name"])
def test_a_bad_registration_stops_itself_alone(added: Place, same: str) -> None:
    added.provisioner().add("vm-61", added.key("other"))
    added.provisioner().add("vm-62", added.key("third"))
    known = added.registrations()
    first, second = known[NODE].repos[0], known["vm-61"].repos[0]
    values: dict[str, object] = {"forge_id": first.forge_id, "created_at": None}
    if same == "forge_name":
        values = {"forge_name": first.forge_name.upper()}
    bad = RegisteredRepo.model_validate(second.model_dump() | values)
    nodes_dir = added.config().nodes_dir
    write_registration(nodes_dir, known["vm-61"].model_copy(update={"repos": (bad,)}))
    assert read_registrations(nodes_dir).faults.keys() == {"vm-61"}
    for act in (ACTS["rotate"], lambda p: p.provisioner().retire("vm-62")):
        act(added)
    with pytest.raises(RegistrationError, match="vm-60 also has the forge's repo"):
        added.provisioner().retire("vm-61")
    assert [drift.repo for drift in added.drifts()] == ["vm-61"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A node of which three commits were billed; its registration has no creation time."""
    with Fleet(tmp_path) as made:
        made.register("node-1")
        for _ in range(3):
            made.use("node-1")
            made.sweep()
        yield made


class Acting:
    """The actions on the nodes of a fleet.

    Attributes:
        steps: those that were reported.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.steps: list[Step] = []
        self._config = fleet.state.config
        forge = open_forge(forge_config(self._config))
        self.histories = Histories(forge, self._config)
        self.actions = Provisioner(forge, self._config, fleet.now, self.steps.append)
        self._repo = forge.find_repo("billing-node-1")

    def look(self) -> Kind:
        """What the forge has of what was billed."""
        assert self._repo is not None
        return self.histories.look("node-1", self._repo, "main").kind


def _set_back(fleet: Fleet) -> None:
    """Lose the newest commit on the forge, objects and all."""
    path = fleet.forge.path("billing-node-1")
    tip = fleet.forge.writer("billing-node-1").tip("main")
    parent = pygit2.Repository(str(path))[str(tip)].peel(pygit2.Commit).parent_ids[0]
    fleet.forge.set_back("billing-node-1", str(parent))
    subprocess.run(["git", "gc", "-q", "--prune=now"], cwd=path, check=True)


def test_a_repo_with_the_billed_history_is_the_nodes(fleet: Fleet) -> None:
    acting = Acting(fleet)
    assert acting.look() is Kind.BILLED
    acting.actions.retire("node-1")
    assert fleet.forge.repo("billing-node-1").archived_at is not None


def test_an_older_state_of_it_is_the_nodes_too(fleet: Fleet) -> None:
    _set_back(fleet)
    acting = Acting(fleet)
    assert acting.look() is Kind.OLDER
    acting.actions.retire("node-1")
    assert fleet.forge.repo("billing-node-1").archived_at is not None


def test_another_history_under_the_same_number_and_name_is_left_alone(fleet: Fleet) -> None:
    _set_back(fleet)
    line = usage_line(node="node-1", seq=9)
    fleet.forge.writer("billing-node-1").commit({segment_path(DAY, 9): line}, when=fleet.now)
    acting = Acting(fleet)
    assert acting.look() is Kind.ANOTHER
    with pytest.raises(FleetError, match="has another history, so it is not this node's repo"):
        acting.actions.retire("node-1")
    assert fleet.forge.repo("billing-node-1").archived_at is None


def test_a_ledger_that_cannot_be_read_is_reported_and_then_the_creation_time_decides(
    fleet: Fleet,
) -> None:
    database = fleet.state.config.database_path
    fleet.close()
    database.write_bytes(b"not a database" * 100)
    acting = Acting(fleet)
    assert acting.look() is Kind.UNKNOWN
    with pytest.raises(FleetError, match="cannot be read here") as caught:
        acting.actions.retire("node-1")
    assert "no creation time" in caught.value.hint
    assert fleet.forge.repo("billing-node-1").archived_at is None
    node = load_registrations(fleet.nodes_dir)["node-1"]
    made = {"created_at": fleet.forge.repo("billing-node-1").created_at}
    repos = (node.repos[0].model_copy(update=made),)
    write_registration(fleet.nodes_dir, node.model_copy(update={"repos": repos}))
    acting = Acting(fleet)
    acting.actions.retire("node-1")
    assert "history not compared" in {step.what for step in acting.steps}
    assert fleet.forge.repo("billing-node-1").archived_at is not None


def test_without_a_ledger_there_is_nothing_to_compare(fleet: Fleet) -> None:
    fleet.close()
    for file in fleet.state.config.state.glob("ledger.db*"):
        file.unlink()
    assert Acting(fleet).look() is Kind.NOTHING_BILLED
