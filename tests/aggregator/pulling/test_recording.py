"""The mirrors record what was billed beside the thread that bills, and none is left out."""

from pathlib import Path

import pytest

from aggregator.mirrors.mirror import Mirror
from aggregator.pulling.passes import Puller
from aggregator.pulling.recording import Recording
from tests.support.ledger.world import World, usage_line

NODES = ("node-1", "node-2", "node-3")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.rules()
    for node in NODES:
        made.usage(usage_line(node=node), repo=node)
    made.pull()
    return made


def applied(world: World, name: str) -> str | None:
    return world.state.mirrors.open_named(name).applied


def test_when_a_pass_is_over_every_mirror_has_its_cursor(world: World) -> None:
    """So a ledger that is lost right then is made again to the same digest."""
    for node in NODES:
        for seq in (2, 3):
            world.usage(usage_line(node=node, seq=seq), repo=node)
    world.pull()
    assert {node: applied(world, node) for node in NODES} == {
        node: world.node(node)["cursor"] for node in NODES
    }
    assert world.rebuilt_digest() == world.digest()


def test_a_pass_that_is_not_read_to_its_end_records_what_it_billed(world: World) -> None:
    for node in NODES:
        world.usage(usage_line(node=node, seq=2), repo=node)
    with world.ledger() as ledger:
        reports = Puller(world.state, ledger, lambda: world.now).pull()
        billed = [next(reports).name for _ in range(2)]
        del reports
    for name in billed:
        assert applied(world, name) == world.node(name)["cursor"]


def test_a_repo_that_is_pushed_to_within_a_pass_is_read_again_after_its_recording(
    world: World,
) -> None:
    """Two at once would be in each other's way at the lock of the ref."""
    pushed = 1

    def also() -> set[str]:
        nonlocal pushed
        if pushed < 6:
            pushed += 1
            world.usage(usage_line(seq=pushed))
            return {"node-1"}
        return set()

    with world.ledger() as ledger:
        found = Puller(world.state, ledger, lambda: world.now).pull(also=also)
        assert [report.incident for report in found if report.incident] == []
    assert world.node()["highest_seq"] == pushed
    assert applied(world, "node-1") == world.node()["cursor"]


def test_recordings_of_one_mirror_follow_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order in which they were given, whichever thread has them."""
    commits = [world.usage(usage_line(seq=seq)) for seq in range(2, 12)]
    world.fetch()
    order: list[str] = []
    advance = Mirror.advance_applied

    def noted(mirror: Mirror, commit: str) -> None:
        advance(mirror, commit)
        order.append(str(mirror.applied))

    monkeypatch.setattr(Mirror, "advance_applied", noted)
    recording = Recording(world.state)
    repo = world.state.repos.named("node-1")
    for commit in commits:
        recording.start(repo, commit)
    last = recording.of_repo("node-1")
    recording.finish(lambda: None)
    assert order == commits
    assert last is not None
    assert last.done()
    assert recording.of_repo("node-1") is None


def test_a_mirror_that_cannot_record_stops_no_pass(world: World) -> None:
    """What is wrong with it is filed by its next fetch."""
    recording = Recording(world.state)
    mirror = world.config.mirror_path("node-1")
    (mirror / "refs/aggregator/applied").write_bytes(b"\xff\xfe\n")
    recording.start(world.state.repos.named("node-1"), world.usage(usage_line(seq=2)))
    recording.finish(lambda: None)
    assert world.pull()["node-1"].incident == "bad mirror"
