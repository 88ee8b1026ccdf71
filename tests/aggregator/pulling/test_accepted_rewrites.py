"""What happens to a repo when the operator accepts its new history, with real repos.

What was billed stays billed, what is new is added, and everything that was accepted is kept.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from cursors.position import HeadOutcome
from tests.aggregator.broken_variants.scenarios_accepted import accept
from tests.support.ledger.rewritten_repos import (
    PATHS,
    billed_world,
    first_commit,
    held,
    line,
    sound,
    unrelated,
)
from tests.support.ledger.world import BOOKS, DAY, World, decision_line, segment_path
from tests.support.repos import RepoWriter

MANY = 9
"""Segments: one more than a commit may add."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return billed_world(tmp_path)


def shorter_and_on(writer: RepoWriter) -> str:
    return writer.commit({PATHS[3]: line(3)}, parents=(first_commit(writer),))


def edited(writer: RepoWriter) -> str:
    return writer.commit({PATHS[1]: line(1, units=0), PATHS[3]: line(3)})


def deleted(writer: RepoWriter) -> str:
    return writer.commit({PATHS[1]: None, PATHS[3]: line(3)})


def evil_merge(writer: RepoWriter) -> str:
    tip = str(writer.tip())
    side = writer.commit({PATHS[3]: line(3)}, parents=(first_commit(writer),))
    return writer.commit({PATHS[2]: line(2)}, parents=(side, tip))


def oversized(writer: RepoWriter) -> str:
    at = {segment_path(DAY, 10 + n): line(3) for n in range(MANY)}
    return writer.commit(at)


SHAPES: tuple[tuple[Callable[[RepoWriter], str], IncidentKind, int], ...] = (
    (shorter_and_on, IncidentKind.REWRITTEN, 3),
    (unrelated, IncidentKind.REWRITTEN, 3),
    (edited, IncidentKind.EDITED_HISTORY, 3),
    (deleted, IncidentKind.EDITED_HISTORY, 3),
    (evil_merge, IncidentKind.REWRITTEN, 3),
    (oversized, IncidentKind.OVERSIZED_COMMIT, 3),
)


@pytest.mark.parametrize(
    ("rewrite", "kind", "records"), SHAPES, ids=lambda value: getattr(value, "__name__", None)
)
def test_each_shape_is_held_until_it_is_accepted(
    world: World, rewrite: Callable[[RepoWriter], str], kind: IncidentKind, records: int
) -> None:
    """The pull that reads the decision bills the history; then the node's pushes are as always."""
    old = world.node()["cursor"]
    head = rewrite(world.repo("node-1"))
    held(world, kind)
    world.decide(accept(head))
    report = world.pull()["node-1"]
    is_new_history = kind is IncidentKind.REWRITTEN
    expected = HeadOutcome.ACCEPTED if is_new_history else HeadOutcome.FAST_FORWARD
    assert (report.outcome, report.incident) == (expected, None)
    gone = (old,) if is_new_history else ()
    sound(world, records, gone)
    world.repo("node-1").commit({PATHS[9]: line(9)})
    assert world.pull()["node-1"].outcome is HeadOutcome.FAST_FORWARD
    sound(world, records + 1, gone)


@pytest.mark.parametrize(
    ("rewrite", "kind", "records"), SHAPES, ids=lambda value: getattr(value, "__name__", None)
)
def test_the_decision_may_come_before_the_history(
    world: World, rewrite: Callable[[RepoWriter], str], kind: IncidentKind, records: int
) -> None:
    """If one pull reads both, no incident is opened."""
    head = rewrite(world.repo("node-1"))
    world.decide(accept(head))
    world.pull()
    assert (world.node()["records"], world.incidents(closed=True)) == (records, [])
    assert world.verify().matches
    assert kind


def test_accepting_a_branch_that_was_set_back_changes_nothing(world: World) -> None:
    """All of it is billed, so there is nothing to accept; the next new commit must be accepted."""
    writer = world.repo("node-1")
    old = world.node()["cursor"]
    writer.force(first_commit(writer))
    world.decide(accept(str(writer.tip())))
    world.pull(BOOKS)
    assert world.pull()["node-1"].incident is IncidentKind.SET_BACK
    world.decide(accept(writer.commit({PATHS[3]: line(3)}), seq=2))
    world.pull()
    sound(world, 3, (old,))


def test_a_middle_commit_is_accepted_and_what_follows_builds_on_it(world: World) -> None:
    writer = world.repo("node-1")
    old = world.node()["cursor"]
    middle = writer.orphan({PATHS[3]: line(3)})
    writer.commit({PATHS[4]: line(4)})
    held(world, IncidentKind.REWRITTEN)
    world.decide(accept(middle))
    assert world.pull()["node-1"].commits == 2
    sound(world, 4, (old,))


def test_what_follows_an_accepted_commit_is_judged_as_always(world: World) -> None:
    """An edit above it is a new incident."""
    writer = world.repo("node-1")
    middle = writer.orphan({PATHS[3]: line(3)})
    edit = writer.commit({PATHS[3]: line(3, units=0)})
    world.decide(accept(middle))
    report = world.pull()["node-1"]
    assert (report.commits, report.incident) == (1, IncidentKind.EDITED_HISTORY)
    assert world.node()["cursor"] == middle
    assert edit in report.detail
    world.decide(accept(edit, seq=2))
    world.pull()
    assert world.charges()[0]["quantity"] == 2, "of the two lines the smaller one counts"


@pytest.mark.parametrize("is_of_the_shared_past", [True, False])
def test_accepting_what_is_not_new_accepts_nothing(
    world: World, *, is_of_the_shared_past: bool
) -> None:
    """A commit that was billed long ago, and one that does not exist."""
    writer = world.repo("node-1")
    tip = first_commit(writer) if is_of_the_shared_past else "f" * 40
    shorter_and_on(writer)
    held(world, IncidentKind.REWRITTEN)
    world.decide(accept(tip))
    world.pull(BOOKS)
    held(world, IncidentKind.REWRITTEN)


def test_accepting_for_another_repo_accepts_nothing(world: World) -> None:
    head = unrelated(world.repo("node-1"))
    world.decide(accept(head, repo="node-2"))
    world.pull(BOOKS)
    held(world, IncidentKind.REWRITTEN)


def test_an_acceptance_that_is_withdrawn_stays_accepted(world: World) -> None:
    """What it added is billed, and git does not show when the decision was withdrawn."""
    old = world.node()["cursor"]
    world.decide(accept(unrelated(world.repo("node-1"))))
    world.decide(decision_line(seq=2, kind="withdraw", refers_to=1))
    world.pull()
    sound(world, 3, (old,))


def test_a_head_that_moved_on_before_the_pull_is_read_to_its_end(world: World) -> None:
    writer = world.repo("node-1")
    old = world.node()["cursor"]
    head = unrelated(writer)
    held(world, IncidentKind.REWRITTEN)
    world.decide(accept(head))
    writer.commit({PATHS[4]: line(4)})
    world.pull()
    sound(world, 4, (old,))
