"""An accepted rewrite over time: further rewrites, the old history restored, what must be kept.

The ledger is made from the accepted tips, so none of them may be lost silently.
"""

import shutil
from pathlib import Path

import pytest

from aggregator.cli.context import opening
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.mirror import MirrorError
from gitmeter.git_remote.runner import run_git
from tests.aggregator.broken_variants.scenarios_accepted import accept
from tests.support.ledger.rewritten_repos import (
    PATHS,
    billed_world,
    held,
    line,
    others_go_on,
    sound,
    unrelated,
)
from tests.support.ledger.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return billed_world(tmp_path)


def test_a_second_rewrite_needs_a_second_decision(world: World) -> None:
    """Each old tip is kept."""
    writer = world.repo("node-1")
    tips = [world.node()["cursor"]]
    for seq, number in ((3, 1), (4, 2)):
        head = writer.orphan({PATHS[seq]: line(seq)})
        held(world, IncidentKind.REWRITTEN)
        world.decide(accept(head, seq=number))
        world.pull()
        tips.append(head)
    sound(world, 4, tuple(tips[:2]))


def test_restoring_the_old_history_after_an_acceptance_is_a_rewrite_too(world: World) -> None:
    """Its records are billed; the operator must decide again which history continues."""
    writer = world.repo("node-1")
    old = str(writer.tip())
    new = unrelated(writer)
    world.decide(accept(new))
    world.pull()
    writer.force(old)
    back = writer.commit({PATHS[4]: line(4)})
    held(world, IncidentKind.REWRITTEN)
    world.decide(accept(back, seq=2))
    report = world.pull()["node-1"]
    assert (report.commits, report.admitted, report.duplicates) == (1, 1, 0)
    assert world.node()["records"] == 4
    assert world.verify().matches
    digest = world.digest()
    world.forget()
    world.pull()
    assert world.digest() == digest


def test_restoring_the_old_history_instead_clears_the_incident(world: World) -> None:
    """A decision that comes later then has no effect."""
    writer = world.repo("node-1")
    old = str(writer.tip())
    new = unrelated(writer)
    held(world, IncidentKind.REWRITTEN)
    writer.force(old)
    assert world.pull()["node-1"].incident is None
    world.decide(accept(new))
    sound(world, 2)


def test_garbage_collection_does_not_remove_the_old_tip(world: World) -> None:
    """After an accepted rewrite only our own ref names it, and `verify` always needs it."""
    old = world.node()["cursor"]
    world.decide(accept(unrelated(world.repo("node-1"))))
    world.pull()
    mirror = world.config.mirror_path("node-1")
    for command in (["reflog", "expire", "--expire=now", "--all"], ["gc", "--prune=now", "-q"]):
        assert run_git(command, cwd=mirror, timeout_s=60).returncode == 0
    refs = run_git(["for-each-ref", "--format=%(refname)"], cwd=mirror, timeout_s=60).stdout
    assert f"refs/aggregator/kept/{old}" in refs.decode()
    sound(world, 3, (old,))


@pytest.mark.parametrize("rewrites", [1, 2])
def test_an_older_copy_of_the_database_is_noticed(world: World, rewrites: int) -> None:
    """Of a time before the acceptance: the mirrors show that, and the ledger is rebuilt.

    With two rewrites, the remote alone would not show the one in between.
    """
    path = world.config.database_path
    writer = world.repo("node-1")
    shutil.copyfile(path, world.folder / "copy.db")
    gone = []
    for number in range(1, rewrites + 1):
        gone.append(world.node()["cursor"])
        head = writer.orphan({PATHS[2 + number]: line(2 + number)})
        world.decide(accept(head, seq=number))
        world.pull()
    writer.commit({PATHS[5]: line(5)})
    world.pull()
    digest = world.digest()
    world.forget()
    shutil.copyfile(world.folder / "copy.db", path)
    world.pull()
    assert world.digest() == digest
    sound(world, 3 + rewrites, tuple(gone))


def test_a_rebuild_reads_both_histories(world: World) -> None:
    old = world.node()["cursor"]
    world.decide(accept(unrelated(world.repo("node-1"))))
    world.pull()
    digest = world.digest()
    opening(world.state).rebuild_in_place()
    assert world.digest() == digest
    sound(world, 3, (old,))


def test_a_repo_that_was_retired_keeps_what_was_accepted(world: World) -> None:
    world.decide(accept(unrelated(world.repo("node-1"))))
    world.pull()
    digest = world.digest()
    world.drop("node-1")
    world.forget()
    world.pull()
    assert world.digest() == digest
    assert world.verify().matches


def test_a_mirror_without_the_old_history_refuses_to_verify(world: World) -> None:
    """The remote has only the new history; the loss is named, and nothing is guessed."""
    old = world.node()["cursor"]
    world.decide(accept(unrelated(world.repo("node-1"))))
    world.pull()
    digest = world.digest()
    shutil.rmtree(world.config.mirror_path("node-1"))
    report = world.pull()["node-1"]
    assert report.incident is IncidentKind.LOST_HISTORY
    assert old in report.detail
    with pytest.raises(MirrorError):
        world.verify()
    with pytest.raises(MirrorError, match="node-1"):
        opening(world.state).rebuild_in_place()
    assert world.digest() == digest
    others_go_on(world)
