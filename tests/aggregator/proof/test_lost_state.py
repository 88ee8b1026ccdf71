"""What the aggregator lost of its own state is recovered if it can be, and otherwise named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.cli.context import opening
from aggregator.incidents.advice import advice
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.mirror import MirrorError
from cursors.position import HeadOutcome
from tests.support.ledger.rewritten_repos import PATHS, billed_world, line
from tests.support.ledger.world import World, usage_line


@pytest.fixture
def world(tmp_path: Path) -> World:
    return billed_world(tmp_path)


def rewritten(world: World) -> str:
    return world.repo("node-1").orphan({PATHS[3]: line(3)})


def lose_mirror(world: World) -> None:
    shutil.rmtree(world.config.mirror_path("node-1"))


def lose_mirrors(world: World) -> None:
    shutil.rmtree(world.config.mirrors_path)


def lose_database(world: World) -> None:
    world.forget()


def lose_everything(world: World) -> None:
    world.forget(mirrors=True)


@pytest.mark.parametrize("lose", [lose_mirror, lose_mirrors, lose_database, lose_everything])
def test_with_the_remote_intact_nothing_is_lost(
    world: World, lose: Callable[[World], None]
) -> None:
    """The ledger is the same without intervention, and the next commit is read as always."""
    digest = world.digest()
    lose(world)
    assert all(report.incident is None for report in world.pull().values())
    assert world.digest() == digest
    assert world.verify().matches
    world.repo("node-1").commit({PATHS[3]: line(3)})
    report = world.pull()["node-1"]
    assert (report.outcome, report.admitted) == (HeadOutcome.FAST_FORWARD, 1)
    assert world.verify().matches


@pytest.mark.parametrize("lose", [lose_mirror, lose_mirrors])
def test_a_lost_history_is_named_and_its_repo_held(
    world: World, lose: Callable[[World], None]
) -> None:
    """The ledger stays as it is, and `verify` refuses to prove it."""
    cursor, digest = world.node()["cursor"], world.digest()
    head = rewritten(world)
    lose(world)
    for _ in range(2):
        report = world.pull()["node-1"]
        assert (report.incident, report.commits, report.retry) == (
            IncidentKind.LOST_HISTORY,
            0,
            False,
        )
        assert cursor in report.detail
        assert world.open_kinds() == [("node-1", "lost history")]
        assert (world.node()["cursor"], world.digest()) == (cursor, digest)
    assert "backup" in advice(IncidentKind.LOST_HISTORY)
    world.usage(usage_line(node="node-2", seq=2, user="b:2"), repo="node-2")
    assert world.pull()["node-2"].admitted == 1
    for refused in (world.verify, lambda: opening(world.state).rebuild_in_place()):
        with pytest.raises(MirrorError) as error:
            refused()
        assert "node-1" in str(error.value)
        assert error.value.hint
    assert world.node()["cursor"] == cursor
    assert head


def test_restoring_the_mirror_from_a_backup_ends_the_incident(world: World) -> None:
    """The history is then a rewritten one like any other."""
    mirror = world.config.mirror_path("node-1")
    shutil.copytree(mirror, world.folder / "backup.git")
    rewritten(world)
    lose_mirror(world)
    assert world.pull()["node-1"].incident is IncidentKind.LOST_HISTORY
    shutil.rmtree(mirror)
    shutil.copytree(world.folder / "backup.git", mirror)
    assert world.pull()["node-1"].incident is IncidentKind.REWRITTEN
    assert world.open_kinds() == [("node-1", "rewritten")]
    assert world.verify().matches


def test_restoring_the_old_history_on_the_remote_ends_the_incident(world: World) -> None:
    old = str(world.repo("node-1").tip())
    rewritten(world)
    lose_mirror(world)
    world.pull()
    world.repo("node-1").force(old)
    assert world.pull()["node-1"].incident is None
    assert world.open_kinds() == []
    assert world.verify().matches


def test_with_mirrors_and_database_gone_the_ledger_is_what_the_remotes_have(world: World) -> None:
    """A rewritten remote is then billed as a new one: nothing is left that shows the rewrite."""
    rewritten(world)
    lose_everything(world)
    report = world.pull()["node-1"]
    assert (report.outcome, report.admitted) == (HeadOutcome.FAST_FORWARD, 1)
    assert world.verify().matches


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_a_remote_and_a_mirror_that_are_both_gone_leave_the_ledger_as_it_is(
    world: World, *, is_rewritten: bool
) -> None:
    """A repo that is gone from the forge and has lost its mirror is not taken for an empty one."""
    digest = world.digest()
    writer = world.repo("node-1")
    lose_mirror(world)
    if is_rewritten:
        writer.delete_branch()
    else:
        writer.path.rename(writer.path.with_name("away"))
    report = world.pull()["node-1"]
    assert report.incident is not None
    assert report.outcome in {HeadOutcome.REPO_GONE, HeadOutcome.BRANCH_MISSING} or (
        report.incident is IncidentKind.LOST_HISTORY
    )
    assert world.digest() == digest
    with pytest.raises(MirrorError):
        opening(world.state).rebuild_in_place()


def test_with_a_lost_database_and_a_lost_mirror_the_remote_is_billed_again(world: World) -> None:
    """Everything else is rebuilt from the other mirrors."""
    digest = world.digest()
    lose_mirror(world)
    lose_database(world)
    assert all(report.incident is None for report in world.pull().values())
    assert world.digest() == digest
