"""A commit of a till or desk that may write the past holds its repo, and no other one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from gitmeter.roles.role import Role
from tests.support.ledger.world import World, decision_line
from tests.support.repos import RepoWriter

AT = datetime(2025, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def before_its_parent(writer: RepoWriter) -> str:
    """A commit that is dated before the one below."""
    return writer.commit({"b": b"2"}, when=AT - HOUR)


def a_merge(writer: RepoWriter) -> str:
    """Dated after both of its sides, which nobody looks at."""
    below = writer.tip()
    assert below is not None
    side = writer.commit({"b": b"2"}, when=AT + HOUR, parents=(below,), branch="side")
    return writer.commit({"c": b"3"}, when=AT + 2 * HOUR, parents=(below, side))


@pytest.mark.parametrize("commits", [before_its_parent, a_merge], ids=lambda made: made.__name__)
@pytest.mark.parametrize("role", ["till", "desk"])
def test_it_holds_its_repo_until_it_is_accepted(
    role: Role, commits: Callable[[RepoWriter], str], tmp_path: Path
) -> None:
    """A later repo of the same writer is read on meanwhile."""
    world = World(tmp_path)
    first = world.repo("first", node="writer-1", role=role)
    first.commit({"a": b"1"}, when=AT)
    tip = commits(first)
    first.commit({"d": b"4"}, when=AT + 3 * HOUR)
    world.repo("next", node="writer-1", role=role).commit({"a": b"1"}, when=AT + HOUR)
    reports = world.pull()
    held = reports["first"]
    assert (held.incident, held.commits) == (IncidentKind.COMMIT_DATED_BACK, 1)
    assert (reports["next"].incident, reports["next"].commits) == (None, 1)
    world.decide(decision_line(kind="accept_tip", repo="first", tip=tip))
    world.pull()
    freed = world.pull()["first"]
    assert (freed.incident, freed.behind) == (None, 0)
    assert world.open_kinds() == []


def test_a_node_may_do_both(tmp_path: Path) -> None:
    world = World(tmp_path)
    writer = world.repo("node-1")
    writer.commit({"a": b"1"}, when=AT)
    a_merge(writer)
    before_its_parent(writer)
    report = world.pull()["node-1"]
    assert (report.incident, report.commits) == (None, 3)
