"""`allow` in the configuration: what a repo may bill, and what becomes of the rest."""

from pathlib import Path

import pytest

from tests.support.ledger.world import World, decision_line, usage_line

TOKENS = "llm/acme/m1/tokens"
ALLOWED = usage_line(seq=1, resource=TOKENS, applies_to="llm")
REFUSED = usage_line(seq=2, resource="vm/small/seconds", applies_to="vm")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.rules()
    made.repo("node-1")
    made.configure("node-1", allow=["llm/*"])
    return made


def reasons(world: World) -> list[str]:
    return [row["reason"] for row in world.held()]


def billed(world: World) -> set[str]:
    with world.reading() as store:
        return {row[0] for row in store._connection.execute("SELECT user FROM account")} and {
            charge["resource"] for charge in world.charges()
        }


def test_what_a_repo_may_not_bill_is_held(world: World) -> None:
    """Its number was given, so it is no gap; the lines beside it are billed."""
    world.usage(ALLOWED, REFUSED)
    report = world.pull()["node-1"]
    assert (report.admitted, report.held, report.incident) == (1, 1, None)
    (held,) = world.held()
    assert (held["reason"], held["seq"]) == ("not_allowed", 2)
    assert "allow" in held["meaning"]
    assert billed(world) == {TOKENS}
    assert (world.node()["gaps"], world.node()["highest_seq"]) == ([], 2)
    assert world.verify().matches


@pytest.mark.parametrize(
    ("allow", "held"), [((), 0), (("*",), 0), (("vm/*", "llm/*"), 0), (("vm/*",), 1), (("x",), 2)]
)
def test_another_permission_judges_all_records_again(
    world: World, allow: tuple[str, ...], held: int
) -> None:
    """Both ways: what was held is billed, and what was billed is held."""
    world.usage(ALLOWED, REFUSED)
    world.pull()
    world.configure("node-1", allow=list(allow))
    world.pull()
    assert reasons(world) == ["not_allowed"] * held
    assert world.node()["records"] == 2 - held
    assert world.verify().matches
    fresh = World(world.folder / "fresh")
    fresh._writers, fresh._repos = world._writers, world._repos
    fresh.pull()
    assert fresh.digest() == world.digest()


def test_a_pull_says_that_records_are_judged_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.usage(ALLOWED, REFUSED)
    world.pull()
    world.configure("node-1", allow=[])
    world.pull()
    assert "again" in capsys.readouterr().err
    world.pull()
    assert capsys.readouterr().err == ""


def test_a_retired_repo_keeps_its_permission_in_its_mirror(world: World) -> None:
    """Taking a repo out of the configuration does not widen what it may bill."""
    world.usage(ALLOWED, REFUSED)
    world.pull()
    digest = world.digest()
    world.drop("node-1")
    world.pull()
    assert world.digest() == digest
    world.forget()
    world.pull()
    assert world.digest() == digest
    assert reasons(world) == ["not_allowed"]


def test_one_repo_of_a_node_may_bill_what_another_may_not(world: World) -> None:
    """The line counts from the repo that may bill it, in whichever order the repos are read."""
    digests = set()
    world.usage(ALLOWED, REFUSED)
    world.usage(REFUSED, repo="node-1-vm")
    world.configure("node-1-vm", node="node-1")
    for order in (("node-1", "node-1-vm"), ("node-1-vm", "node-1")):
        for name in order:
            world.pull(name)
        assert reasons(world) == []
        assert billed(world) == {TOKENS, "vm/small/seconds"}
        digests.add(world.digest())
        world.forget(mirrors=True)
    assert len(digests) == 1


def test_a_line_that_may_not_be_billed_displaces_no_other(world: World) -> None:
    """It claims no key: a smaller line of a resource that is refused wins no conflict."""
    world.usage(usage_line(seq=1, units=5, resource=TOKENS))
    world.pull()
    world.usage(usage_line(seq=1, units=1, resource="vm/small/seconds"))
    world.pull()
    assert billed(world) == {TOKENS}
    assert reasons(world) == ["not_allowed"]


def test_an_excluded_line_that_may_not_be_billed_is_held_for_that(world: World) -> None:
    """Once the resource may be billed, the decision is still in force."""
    world.usage(ALLOWED, REFUSED)
    world.decide(decision_line(kind="exclude", of="node-1", of_seq=2))
    world.pull()
    assert reasons(world) == ["not_allowed"]
    world.configure("node-1", allow=[])
    world.pull()
    assert reasons(world) == ["excluded"]
    assert world.verify().matches
