"""What a node's wrong clock left in its repo is told with a way out, and that works at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.incidents.silence import file_silence
from aggregator.reports import proposals
from aggregator.reports.rewrites import rewrites
from tests.support.ledger.world import (
    BOOKS,
    DAY,
    NOW,
    World,
    decision_line,
    money_line,
    segment_path,
    usage_line,
)

AHEAD = IncidentKind.COMMIT_AHEAD
LINES = IncidentKind.LINES_AHEAD
LATER = datetime(2031, 5, 1, tzinfo=UTC)
AT = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("told"))
    made.rules()
    made.usage(usage_line())
    made.pull()
    return made


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    """A node that was billed once."""
    return told.copied_to(tmp_path)


def accept(seq: int, tip: str) -> bytes:
    return decision_line(seq=seq, kind="accept_tip", repo="node-1", tip=tip)


def early(world: World, *seqs: int, repo: str = "node-1", when: datetime = AT) -> str:
    """Lines of an hour later in a commit of `when`."""
    return world.usage(
        *(usage_line(seq=seq, ts="2025-06-01T01:00:00Z") for seq in seqs), repo=repo, when=when
    )


def command(world: World) -> str | None:
    """What `aggregator incidents` says to run."""
    (row,) = world.incidents()
    role = "books" if row["repo"] == BOOKS else "usage"
    return proposals.of_incident(row["repo"], role, row["kind"], row["subject"])


def agreed(world: World) -> None:
    """The ledger is what a rebuild from the mirrors makes of them."""
    assert world.verify().matches
    digest = world.digest()
    world.forget()
    world.pull()
    assert world.digest() == digest


def test_a_repo_held_for_commits_of_the_future_names_the_command_that_frees_it(
    world: World,
) -> None:
    """The clock stood in 2031 for two pushes; then it was right again."""
    world.usage(usage_line(seq=2), when=LATER)
    last = world.usage(usage_line(seq=3), when=LATER + timedelta(hours=1))
    for seq in (4, 5):
        world.usage(usage_line(seq=seq), when=NOW)
    report = world.pull()["node-1"]
    assert (report.admitted, report.behind, report.incident) == (0, 4, AHEAD)
    assert command(world) == f"books decide accept-tip node-1 {last} --reason ..."
    with world.reading() as store:
        (tried,) = rewrites(world.state, store, world.now)
    assert tried.new == 4
    assert [effect.user for effect in tried.effects] == ["alice"]
    world.decide(accept(1, last))
    assert world.pull()["node-1"].admitted == 4
    assert world.incidents() == []
    agreed(world)
    world.usage(usage_line(seq=6), when=NOW)
    assert world.pull()["node-1"].admitted == 1


def test_the_acceptance_may_come_before_the_commit(tmp_path: Path) -> None:
    digests = set()
    for name, first in (("first", True), ("after", False)):
        world = World(tmp_path / name)
        world.rules()
        tip = world.usage(usage_line(seq=2), when=LATER)
        if first:
            world.decide(accept(1, tip))
        world.pull()
        if not first:
            world.decide(accept(1, tip))
        world.pull()
        assert world.node()["records"] == 1
        digests.add(world.digest())
    assert len(digests) == 1


def test_the_command_accepts_nothing_but_dates(world: World) -> None:
    """A commit that edits history, above one of the future, is for another decision."""
    writer = world.repo("node-1")
    ahead = world.usage(usage_line(seq=2), when=LATER)
    edit = writer.commit({segment_path(DAY, 1): usage_line(units=9)}, when=LATER)
    world.pull()
    assert ahead in str(command(world))
    world.decide(accept(1, ahead))
    world.pull()
    assert [row["kind"] for row in world.incidents()] == [IncidentKind.EDITED_HISTORY]
    assert edit in str(command(world))


def test_a_run_of_the_future_is_looked_at_up_to_a_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.ledger.ingest._DATED_AHEAD_MAX", 2)
    commits = [world.usage(usage_line(seq=seq), when=LATER) for seq in range(2, 7)]
    world.pull()
    assert commits[2] in str(command(world))


def test_a_commit_of_the_future_does_not_hide_that_its_node_is_silent(world: World) -> None:
    world.usage(usage_line(seq=2), when=NOW)
    tip = world.usage(usage_line(seq=3), when=LATER)
    world.decide(accept(1, tip))
    world.pull()
    assert world.node()["records"] == 3
    with world.ledger() as ledger, ledger.store.transaction():
        for later, silent in ((timedelta(hours=23), []), (timedelta(days=2), ["node-1"])):
            assert list(file_silence(ledger.store, world.config, NOW + later)) == silent


def test_lines_ahead_of_their_commit_are_an_incident_until_they_are_sent_again(
    world: World,
) -> None:
    early(world, 3, 4)
    early(world, 7)
    report = world.pull()["node-1"]
    assert report.noticed == (LINES,)
    assert [(row["kind"], row["subject"]) for row in world.incidents()] == [(LINES, "seq 3..7")]
    assert command(world) == "node-pusher resend 3..7"
    early(world, 3, 4, when=AT + timedelta(hours=1))
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["seq 7"]
    early(world, 7, when=NOW)
    world.pull()
    assert world.incidents() == []
    assert world.node()["records"] == 4
    agreed(world)
    assert world.incidents() == []


def test_a_rebuilt_ledger_tells_of_them_too(world: World) -> None:
    early(world, 3, 4)
    world.pull()
    agreed(world)
    assert [row["subject"] for row in world.incidents()] == ["seq 3..4"]


def test_they_may_be_sent_again_in_another_repo_of_the_node(tmp_path: Path) -> None:
    """After a rollover a node writes into its next repo."""
    world = World(tmp_path)
    world.rules()
    early(world, 1, 2)
    world.repo("node-1.2027", node="node-1")
    world.pull()
    assert [row["repo"] for row in world.incidents()] == ["node-1"]
    early(world, 1, 2, repo="node-1.2027", when=NOW)
    world.pull()
    assert world.incidents() == []
    assert world.node()["records"] == 2


def test_they_may_be_left_unbilled(world: World) -> None:
    early(world, 3, 4)
    world.decide(
        decision_line(
            seq=1, kind="acknowledge", repo="node-1", incident=str(LINES), subject="seq 3..4"
        )
    )
    world.pull()
    assert world.incidents() == []
    early(world, 9)
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["seq 9"]
    agreed(world)
    assert [row["subject"] for row in world.incidents()] == ["seq 9"]


def test_the_books_are_told_their_own_command(world: World) -> None:
    line = money_line(seq=1, ts="2025-06-01T01:00:00Z")
    world.pay(line, when=AT)
    world.pull()
    assert command(world) == "books resend 1"
    world.pay(line, when=NOW)
    world.pull()
    assert world.incidents() == []
