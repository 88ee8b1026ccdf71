"""What the aggregator lost of its own state: found again where it can be, named where it cannot."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.cli.context import opening
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
    """The same ledger, nobody has to do anything, and the next commit is read as ever."""
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
def test_a_history_that_is_nowhere_any_more_is_named_and_held(
    world: World, lose: Callable[[World], None]
) -> None:
    """The ledger stays as it is, and nothing claims that it can be proved."""
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
    assert "backup" in IncidentKind.LOST_HISTORY.advice
    world.usage(usage_line(node="node-2", seq=2, user="b:2"), repo="node-2")
    assert world.pull()["node-2"].admitted == 1
    for refused in (world.verify, lambda: opening(world.state).rebuild_in_place()):
        with pytest.raises(MirrorError) as error:
            refused()
        assert "node-1" in str(error.value)
        assert error.value.hint
    assert world.node()["cursor"] == cursor
    assert head


def test_the_mirror_from_a_backup_ends_it(world: World) -> None:
    """It is then a rewritten history like any other."""
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


def test_the_old_history_put_back_at_the_remote_ends_it(world: World) -> None:
    old = str(world.repo("node-1").tip())
    rewritten(world)
    lose_mirror(world)
    world.pull()
    world.repo("node-1").force(old)
    assert world.pull()["node-1"].incident is None
    assert world.open_kinds() == []
    assert world.verify().matches


def test_with_mirrors_and_database_gone_the_remote_is_all_there_is(world: World) -> None:
    """A rewritten remote is then a first look: nothing is left that could tell."""
    rewritten(world)
    lose_everything(world)
    report = world.pull()["node-1"]
    assert (report.outcome, report.admitted) == (HeadOutcome.FAST_FORWARD, 1)
    assert world.verify().matches


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_a_remote_and_a_mirror_that_are_both_gone_leave_the_ledger_as_it_is(
    world: World, *, is_rewritten: bool
) -> None:
    """A repo that is gone from the forge with its mirror is not taken for an empty one."""
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


def test_a_lost_database_and_one_lost_mirror_bill_the_remote_anew(world: World) -> None:
    """The other mirrors give back what they have."""
    digest = world.digest()
    lose_mirror(world)
    lose_database(world)
    assert all(report.incident is None for report in world.pull().values())
    assert world.digest() == digest
