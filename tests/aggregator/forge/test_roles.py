"""A till or desk is set up like a node, and keeps its role from the forge to the ledger."""

import shlex
import subprocess
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from pydantic import ValidationError

from aggregator.config.nodes_dir import registration_file
from aggregator.config.settings import Config
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.tables import add_table
from aggregator.forge.interface import ForgeError
from gitmeter.roles.role import HOMES, PROGRAMS, ROLES, NodeRole, Role
from gitmeter.signing.allowed_signers import format_entry
from gitmeter.signing.keys import read_public_key
from gitmeter.support.errors import ExitCode
from tests.aggregator.forge.place import Place
from tests.aggregator.forge.test_fleet_cli import Machines
from tests.support.tills import RoleProgram, take
from tests.support.writers import DESK_TEXT, account_text, till_text

OWN: Final[tuple[Role, ...]] = ("till", "desk")
WRITERS: Final = (
    account_text("stripe", "acct_1")
    + till_text("stripe", payment_max_usd="100.00", unconfirmed_max_usd="1000.00")
    + DESK_TEXT
)


class Till(Machines):
    """An aggregator, the books, and a till or desk on a machine of its own."""

    def __init__(self, place: Place, role: Role) -> None:
        super().__init__(place)
        self.role = role
        self.name = f"{role}-1"
        self.own = RoleProgram(role, self.home)

    def paste_here(self, command: str) -> None:
        """Run what was printed: the shell's part in a shell, and the program's in this process."""
        *before, last = command.split(" && ")
        for part in before:
            subprocess.run(["/bin/sh", "-c", part], check=True)
        program, *words = shlex.split(last)
        assert program == PROGRAMS[self.role]
        self.own(*words).ok()

    def set_up(self) -> None:
        """From nothing to a home that pushes to the forge."""
        line = self.own("show-key", "--node", self.name).ok().out
        home = ("--home", str(self.home))
        added = self.aggregator(
            "node", "add", self.name, "--role", self.role, "--key", line, *home
        ).ok()
        self.paste_here(added.out.splitlines()[-1])

    def allow_writers(self) -> None:
        """Let the books name both as writers of money."""
        rules = self.place.folder / "writers.toml"
        rules.write_text(WRITERS)
        assert self.books("rules", "set", str(rules)).code == 0
        assert self.books("push").code == 0

    def take(self, count: int = 1) -> list[int]:
        """Record payments and push them."""
        seqs = take(self.home, self.role, datetime.now(UTC).replace(microsecond=0), count)
        assert self.own.json("push")["retired"] == count
        return seqs

    def of_ledger(self) -> dict[str, dict[str, Any]]:
        """What the ledger says of each repo of the till, after a pull."""
        self.aggregator("pull").ok()
        rows = self.aggregator("nodes", "--json").json
        return {row["repo"]: row for row in rows if row["node"] == self.name}


@pytest.fixture(params=OWN)
def till(request: pytest.FixtureRequest, ssh_place: Place) -> Till:
    """A till, and a desk, whose machine is empty yet."""
    till = Till(ssh_place, request.param)
    till.keep_books()
    till.allow_writers()
    return till


def test_from_an_empty_organisation_to_the_ledger_the_next_repo_and_the_archive(till: Till) -> None:
    """Every line that its repo may carry is read; both repos have the role, also in the archive."""
    till.set_up()
    assert till.aggregator("forge", "check").code == ExitCode.OK
    assert till.take(2) == [1, 2]
    row = till.of_ledger()[till.name]
    assert (row["role"], row["rejected"], row["behind"]) == (till.role, 0, 0)
    assert row["highest_seq"] == 2
    assert row["cursor"] == row["head"]

    home = ("--home", str(till.home))
    rolled = till.aggregator("node", "rollover", till.name, "2027", *home).ok()
    till.paste_here(rolled.out.splitlines()[-1])
    assert till.take() == [3]
    rows = till.of_ledger()
    following = f"{till.name}.2027"
    assert {name: row["role"] for name, row in rows.items()} == {
        till.name: till.role,
        following: till.role,
    }
    assert [row["rejected"] for row in rows.values()] == [0, 0]
    assert till.aggregator("forge", "check").code == ExitCode.OK
    (listed,) = till.aggregator("node", "list", "--json").json["nodes"]
    assert (listed["role"], [repo["name"] for repo in listed["repos"]]) == (
        till.role,
        [till.name, following],
    )
    assert f" {till.role} " in till.aggregator("node", "list").out

    till.aggregator("node", "retire", till.name, "--repo", till.name).ok()
    till.aggregator("archive", till.name).ok()
    assert till.aggregator("verify").code == ExitCode.OK
    assert till.of_ledger()[till.name]["role"] == till.role
    assert till.aggregator("forge", "check").code == ExitCode.OK


def test_a_renamed_repo_and_a_moved_forge_name_the_program_of_the_role(till: Till) -> None:
    till.set_up()
    till.take()
    till.of_ledger()
    forge, name = till.place.forge, f"billing-{till.name}"
    forge.rename(name, "elsewhere")
    accepted = till.aggregator("node", "accept", till.name, "--repo", "elsewhere").ok()
    words = shlex.split(accepted.out.splitlines()[-1])
    assert words[:4] == [PROGRAMS[till.role], "--home", HOMES[till.role], "set-remote"]
    forge.renumber("elsewhere", 77)
    moved = till.aggregator("forge", "move", "--home", str(till.home)).ok()
    till.paste_here(moved.out.splitlines()[-1])
    assert till.take() == [2]
    assert till.of_ledger()[till.name]["highest_seq"] == 2


@pytest.mark.parametrize("role", OWN)
def test_a_registration_states_the_role_and_that_of_a_node_does_not(
    place: Place, role: NodeRole
) -> None:
    provisioner = place.provisioner()
    provisioner.add("front-1", place.key("a"), role=role)
    provisioner.add("vm-01", place.key("b"))
    folder = place.config().nodes_dir
    assert f'role = "{role}"' in registration_file(folder, "front-1").read_text()
    assert "role" not in registration_file(folder, "vm-01").read_text()
    assert {repo.name: repo.role for repo in place.config().repo} == {
        "front-1": role,
        "vm-01": "usage",
    }
    assert place.drifts() == ()


OTHERS: Final[tuple[tuple[str, str, NodeRole], ...]] = (
    ("till-1", "a", "usage"),
    ("till-1", "a", "desk"),
    ("vm-01", "b", "till"),
)


def test_the_role_of_a_node_stays(place: Place) -> None:
    """Whatever command names another one; without one it is as registered."""
    place.provisioner().add("till-1", place.key("a"), role="till")
    place.provisioner().add("vm-01", place.key("b"))
    before = place.state()
    for node, key, role in OTHERS:
        actions = place.provisioner()
        for act in (actions.add, actions.accept):
            with pytest.raises(FleetError, match=f"{node} is registered with the role") as caught:
                act(node, place.key(key), role=role)
            assert f"give the {role} a name of its own" in caught.value.hint
    assert place.state() == before
    assert place.provisioner().add("till-1").registration.role == "till"
    assert place.provisioner().rollover("till-1", "2027").registration.role == "till"
    assert place.provisioner().retire("till-1").registration.role == "till"


def test_an_existing_repo_may_be_accepted_for_a_till(place: Place) -> None:
    place.forge.create("billing-till-1")
    outcome = place.provisioner().accept("till-1", place.key("a"), role="till")
    assert outcome.registration.role == "till"
    assert [repo.role for repo in place.config().repo] == ["till"]


def test_an_add_that_came_to_no_end_may_name_another_role(place: Place) -> None:
    """Nothing was pushed yet that the role would judge."""
    place.forge.misbehave("lose_answer", where="POST /api/v1/orgs/ops/repos", times=1)
    with pytest.raises(ForgeError):
        place.provisioner().add("till-1", place.key("a"), role="desk")
    assert place.registrations()["till-1"].role == "desk"
    outcome = place.provisioner().add("till-1", place.key("a"), role="till")
    assert outcome.registration.role == "till"
    assert place.drifts() == ()


def test_a_table_of_a_till_is_set_up_with_its_program(place: Place) -> None:
    text = place.config_file.read_text()
    url = place.forge.clone_url("billing-till-1")
    table = f'[[repo]]\nnode = "till-1"\nrole = "till"\nurl = "{url}"\n'
    place.config_file.write_text(f"{text}{table}")
    with pytest.raises(FleetError, match="no key may push") as caught:
        add_table(place.client(), place.config(), "till-1", place.steps.append)
    assert "till show-key --node till-1" in caught.value.hint
    line = format_entry("till-1", read_public_key(*place.key("till-1").split()))
    (place.folder / "allowed_signers").write_text(f"{line}\n")
    said = Machines(place).aggregator("forge", "add", "till-1").ok()
    home = HOMES["till"]
    assert shlex.split(said.out.splitlines()[-1])[:4] == ["till", "--home", home, "init"]


@pytest.mark.parametrize("first", ROLES)
@pytest.mark.parametrize("second", ROLES)
def test_a_node_has_one_role_in_all_its_repos(first: Role, second: Role) -> None:
    tables = [
        {"node": "n", "name": name, "role": role, "url": "file:///x", "allow_unsigned": True}
        for name, role in (("n", first), ("n.2", second))
    ]
    if first == second and first != "books":  # of which there is one repo alone
        assert {repo.role for repo in Config.model_validate({"repo": tables}).repo} == {first}
        return
    with pytest.raises(ValidationError, match=r"a node has one role|only one may have the role"):
        Config.model_validate({"repo": tables})


def test_a_node_with_a_table_is_not_registered_as_a_till(place: Place) -> None:
    text = place.config_file.read_text()
    table = '[[repo]]\nnode = "till-1"\nurl = "file:///x"\nallow_unsigned = true\n'
    place.config_file.write_text(f"{text}{table}")
    with pytest.raises(FleetError, match="has a \\[\\[repo\\]\\] table"):
        place.provisioner().add("till-1", place.key("a"), role="till")
