"""An incident that the operator acknowledges stays closed, and no other incident does."""

from pathlib import Path

import pytest

from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger import ingest
from tests.support.ledger.world import (
    BOOKS,
    DAY,
    PRICES,
    World,
    decision_line,
    segment_path,
    usage_line,
)

REUSED = "sequence reused"
BAD_BOOK = "bad rule book"


def acknowledge(seq: int, kind: str, subject: str, repo: str = "node-1") -> bytes:
    return decision_line(seq=seq, kind="acknowledge", repo=repo, incident=kind, subject=subject)


def reuse(world: World, seq: int) -> None:
    """Let the node give one seq to two records."""
    world.usage(usage_line(seq=seq))
    world.usage(usage_line(seq=seq, ts="2025-01-01T00:45:00Z"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("told"))
    made.rules()
    reuse(made, 1)
    made.pull()
    return made


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    """A seq was given twice, and the rule book cannot be used."""
    return told.copied_to(tmp_path)


def stays(world: World, expected: list[tuple[str, str]]) -> None:
    """Check the open incidents after more pulls, after a rebuild, and in a new ledger."""
    world.pull()
    assert sorted(world.open_kinds()) == expected
    assert world.verify().matches
    for mirrors in (False, True):
        world.forget(mirrors=mirrors)
        world.pull()
        assert sorted(world.open_kinds()) == expected


def test_what_was_acknowledged_stays_closed(world: World) -> None:
    assert world.open_kinds() == [("node-1", REUSED)]
    world.decide(acknowledge(1, REUSED, "seq 1"))
    world.pull()
    assert world.open_kinds() == []
    assert [row["kind"] for row in world.incidents(closed=True)] == [REUSED]
    stays(world, [])


def test_the_decision_may_come_first(world: World) -> None:
    world.decide(acknowledge(1, REUSED, "seq 2"))
    world.pull()
    reuse(world, 2)
    world.pull()
    assert world.open_kinds() == [("node-1", REUSED)]
    assert [row["subject"] for row in world.incidents()] == ["seq 1"]


def test_another_number_is_another_incident(world: World) -> None:
    world.decide(acknowledge(1, REUSED, "seq 1"))
    reuse(world, 7)
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["seq 7"]
    stays(world, [("node-1", REUSED)])


@pytest.mark.parametrize("repo", ["node-2", BOOKS])
def test_the_same_incident_of_another_repo_stays_open(world: World, repo: str) -> None:
    world.decide(acknowledge(1, REUSED, "seq 1", repo=repo))
    stays(world, [("node-1", REUSED)])


def test_a_withdrawn_acknowledgement_opens_it_again_in_a_new_ledger(world: World) -> None:
    """Such incidents are found when records are read, and a withdrawal does not read them again."""
    world.decide(acknowledge(1, REUSED, "seq 1"))
    world.pull()
    world.decide(decision_line(seq=2, kind="withdraw", refers_to=1))
    world.pull()
    world.forget()
    world.pull()
    assert world.open_kinds() == [("node-1", REUSED)]


def test_a_bad_rule_book_is_acknowledged_for_that_commit(world: World) -> None:
    """The next bad one is another incident; a good one closes both as always."""
    world.decide(acknowledge(1, REUSED, "seq 1"))
    bad = world.rules(b"nonsense")
    world.pull()
    assert world.open_kinds() == [(BOOKS, BAD_BOOK)]
    world.decide(acknowledge(2, BAD_BOOK, bad, repo=BOOKS))
    stays(world, [])
    world.rules(b"more nonsense")
    stays(world, [(BOOKS, BAD_BOOK)])
    world.rules(PRICES)
    stays(world, [])


def test_an_incident_about_a_head_cannot_be_acknowledged(world: World) -> None:
    """The incident ends when its cause does."""
    writer = world.repo("node-1")
    old = str(writer.tip())
    head = writer.orphan({segment_path(DAY, 3): usage_line(seq=3)})
    world.pull()
    kinds = sorted(world.open_kinds())
    assert ("node-1", IncidentKind.REWRITTEN) in kinds
    world.decide(acknowledge(1, "rewritten", head))
    world.pull()
    assert sorted(world.open_kinds()) == kinds
    assert world.pull()["node-1"].incident is IncidentKind.REWRITTEN
    writer.force(old)
    world.pull()
    assert ("node-1", IncidentKind.REWRITTEN) not in world.open_kinds()


def test_an_acknowledgement_changes_no_balance(world: World) -> None:
    before = world.balance()
    world.decide(acknowledge(1, REUSED, "seq 1"))
    world.pull()
    assert world.balance() == before


def test_neighbouring_seqs_acknowledged_one_by_one_stay_closed_in_a_new_ledger(
    world: World,
) -> None:
    """How many commits are read at once does not change what was acknowledged."""
    reuse(world, 2)
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["seq 1..2"]
    world.decide(acknowledge(1, REUSED, "seq 1"), acknowledge(2, REUSED, "seq 2"))
    stays(world, [])


def test_a_run_acknowledged_at_once_stays_closed_when_read_in_parts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reuse(world, 2)
    world.forget(mirrors=True)
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["seq 1..2"]
    world.decide(acknowledge(1, REUSED, "seq 1..2"))
    world.pull()
    monkeypatch.setattr(ingest, "BATCH_WEIGHT", 1)
    stays(world, [])


def test_however_many_seqs_are_reused_it_is_one_incident(world: World) -> None:
    """It counts them and names a few, until the operator acknowledges it."""
    later = "2025-01-01T00:31:00Z"
    world.usage(*(usage_line(seq=seq) for seq in range(3, 60)))
    world.usage(*(usage_line(seq=seq, ts=later) for seq in range(4, 58, 2)))
    world.pull()
    (incident,) = world.incidents()
    assert incident["subject"] == "seq 1..56"
    assert incident["detail"] == (
        "28 seqs of 1..56 are in records with different ts, last 4, 6, 8 and others"
    )
    world.usage(usage_line(seq=58, ts=later))
    world.pull()
    (incident,) = world.incidents()
    assert incident["subject"] == "seq 1..58"
    assert incident["detail"] == "29 seqs of 1..58 are in records with different ts, last 58"
    world.decide(acknowledge(1, REUSED, "seq 1..58"))
    stays(world, [])
    world.usage(usage_line(seq=59, ts=later))
    world.pull()
    assert [row["subject"] for row in world.incidents()] == ["seq 59"]
