"""A billed repo whose history is then rewritten, and what must hold of it before and after."""

from pathlib import Path

from aggregator.incidents.advice import advice
from aggregator.incidents.kinds import IncidentKind
from cursors.position import HeadOutcome
from tests.support.ledger.world import DAY, World, segment_path, usage_line
from tests.support.repos import RepoWriter

PATHS = [segment_path(DAY, seq) for seq in range(10)]


def line(seq: int, units: int = 1) -> bytes:
    """A record of the one hour."""
    return usage_line(seq=seq, units=units, ts="2025-01-01T00:30:00Z")


def billed_world(tmp_path: Path) -> World:
    """Two commits of a node are billed; another node and the books stand beside it."""
    made = World(tmp_path)
    made.rules()
    made.usage(usage_line(node="node-2", user="b:2"), repo="node-2")
    made.repo("node-1").commits([{PATHS[1]: line(1)}, {PATHS[2]: line(2)}])
    made.pull()
    return made


def first_commit(writer: RepoWriter) -> str:
    """The root of the branch."""
    return str(list(writer.repo.walk(writer.repo.references["refs/heads/main"].target))[-1].id)


def unrelated(writer: RepoWriter) -> str:
    """A history that shares nothing with the one before."""
    return writer.orphan({PATHS[3]: line(3)})


def others_go_on(world: World) -> None:
    """Another node's record is billed in the same pass."""
    number = world.node("node-2")["highest_seq"] + 1
    world.usage(usage_line(node="node-2", seq=number, user="b:2"), repo="node-2")
    assert world.pull()["node-2"].admitted == 1


def held(world: World, kind: IncidentKind) -> None:
    """The repo stands where it stood, with one incident that a decision ends."""
    cursor, digest = world.node()["cursor"], world.digest()
    report = world.pull()["node-1"]
    assert (report.incident, report.commits, report.retry) == (kind, 0, False)
    assert world.open_kinds() == [("node-1", kind)]
    assert "books decide accept-tip" in advice(kind)
    assert (world.node()["cursor"], world.digest()) == (cursor, digest)
    others_go_on(world)
    assert world.open_kinds() == [("node-1", kind)]


def sound(world: World, records: int, gone: tuple[str, ...] = ()) -> None:
    """At rest, with that many records, and the same again from git, however it is made."""
    report = world.pull()["node-1"]
    assert (report.outcome, report.incident) == (HeadOutcome.UNCHANGED, None)
    assert world.open_kinds() == []
    assert world.node()["records"] == records
    assert world.verify().matches
    digest = world.digest()
    mirror = world.state.mirrors.open_named("node-1")
    assert mirror.kept == set(gone)
    assert mirror.applied == world.node()["cursor"]
    world.forget()
    world.pull()
    assert world.digest() == digest
    assert world.verify().matches
