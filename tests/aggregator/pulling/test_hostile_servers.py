"""A misbehaving server stops its own repo alone: it is shown, retried, and clears itself."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.incidents.kinds import BACKED_OFF
from aggregator.pulling.fetching import fetch_repo
from aggregator.pulling.passes import Puller
from gitmeter.support.backoff import Backoff
from tests.support.git_http import GitHttpServer
from tests.support.ledger.world import World
from tests.support.repos import usage_line

NEVER_ENDS = ("mute", "hang", "drip_head", "drip_body")
GONE = ("404", "410", "redirect")
PROBED = (*NEVER_ENDS, "slam", "garbage", "redirect", "401", "403", "404", "410", "429", "504")
FETCHED = ("hang", "drip_body", "cut", "garbage_git", "redirect", "403", "404", "429", "503")
"""`tests/gitmeter/git_remote/test_faulty_servers.py` has every fault by itself."""

FETCHING = "POST /node-1.git/git-upload-pack"
SHORT = {"connect_timeout_s": 1, "fetch_timeout_s": 1}
LONG = {"connect_timeout_s": 60, "fetch_timeout_s": 60}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remotes") as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, server: GitHttpServer) -> World:
    """A node with its repo on the server, another with its repo on disk, and prices."""
    found = World(tmp_path)
    found.rules()
    found.repo("node-1", url=server.url("node-1.git"))
    found.settings |= LONG
    found.repo("node-1").commit({"readme": b"a"})
    found.usage(usage_line(seq=1))
    found.pull()
    return found


def held(world: World, fault: str) -> None:
    """Check that the other repo is billed in the same pass, and this one stays at its cursor."""
    cursor = world.node()["cursor"]
    world.usage(usage_line(seq=2))
    world.usage(usage_line(node="node-2", user="bob"), repo="node-2")
    world.settings |= SHORT if fault in NEVER_ENDS else LONG
    report = world.pull()["node-1"]
    kind = "repo gone" if fault in GONE else "unreachable"
    assert world.open_kinds() == [("node-1", kind)], report.detail
    assert world.node()["cursor"] == cursor
    assert world.balance("bob")["list_cost_nano"] > 0
    assert report.incident in BACKED_OFF


def over(world: World) -> None:
    """Check that the next answer ends the incident without intervention."""
    world.settings |= LONG
    world.pull()
    assert world.open_kinds() == []
    assert world.charges()[0]["records"] == 2
    assert world.verify().matches


@pytest.mark.parametrize("fault", PROBED)
def test_a_fault_in_the_answer_to_the_probe_holds_the_repo_until_it_is_over(
    world: World, server: GitHttpServer, fault: str
) -> None:
    server.misbehave(fault)
    held(world, fault)
    server.behave()
    over(world)


@pytest.mark.parametrize("fault", FETCHED)
def test_a_fault_during_the_fetch_holds_the_repo_until_it_is_over(
    world: World, server: GitHttpServer, fault: str
) -> None:
    """The probe was answered and found a new head."""
    server.misbehave(fault, where=FETCHING)
    held(world, fault)
    server.behave()
    over(world)


def objects_of(world: World, *, blobs: bool) -> bytes:
    """A pack of what the newest commit of the node adds, with or without the segment itself."""
    writer = world.repo("node-1")
    command = ["git", "rev-list", "--objects", "--no-object-names", "main~1..main"]
    names = run(command, writer.path).split()
    kinds = {name: writer.repo[name.decode()].type_str for name in names}
    listed = [name for name in names if blobs or kinds[name] != "blob"]
    assert (len(listed) < len(names)) is not blobs
    return run(["git", "pack-objects", "--stdout", "-q"], writer.path, b"\n".join(listed))


def run(command: list[str], where: Path, text: bytes = b"") -> bytes:
    return subprocess.run(command, cwd=where, input=text, capture_output=True, check=True).stdout


def test_a_pack_that_lacks_a_segment_bills_nothing_until_a_whole_one_comes(
    world: World, server: GitHttpServer
) -> None:
    """The mirror is left as it was, so that the same commit can be fetched again."""
    cursor = world.node()["cursor"]
    world.usage(usage_line(seq=2))
    world.usage(usage_line(node="node-2", user="bob"), repo="node-2")
    server.pack = objects_of(world, blobs=False)
    for _ in range(2):
        assert "did not receive expected object" in world.pull()["node-1"].detail
        assert world.open_kinds() == [("node-1", "content refused")]
        assert world.node()["cursor"] == cursor
        assert world.balance("bob")["list_cost_nano"] > 0
    server.pack = objects_of(world, blobs=True)
    over(world)


def test_a_sound_pack_without_the_new_commit_is_not_believed(
    world: World, server: GitHttpServer
) -> None:
    """That of the commit before; git's own fetch then brings the right one."""
    server.pack = objects_of(world, blobs=True)
    world.usage(usage_line(seq=2))
    over(world)


@pytest.mark.parametrize("fault", NEVER_ENDS)
def test_others_are_billed_while_one_server_is_slow(
    world: World, server: GitHttpServer, fault: str
) -> None:
    """They are in the database before the slow fetch has ended, even with two workers for all."""
    names = {f"quick-{number}" for number in range(5)}
    for name in names:
        world.usage(usage_line(node=name, user=name), repo=name)
    server.misbehave(fault)
    waiting = {"books", *names}
    with world.ledger() as ledger:
        for report in Puller(world.state, ledger, lambda: world.now).pull():
            if report.name in names:
                assert world.balance(report.name)["list_cost_nano"] > 0
            waiting.discard(report.name)
            if not waiting:
                server.behave()  # until here nothing but its time limit would end the slow one
            assert report.name != "node-1" or not waiting


def test_a_failing_server_is_retried_at_growing_intervals(
    world: World, server: GitHttpServer
) -> None:
    """As the daemon does: a minute after the first failure, two after the second."""
    backoff, asked = Backoff(), []
    server.misbehave("503")
    with world.ledger() as ledger:
        for tick in range(9):
            if tick == 8:
                server.behave()
            before = server.count()
            puller = Puller(world.state, ledger, lambda: world.now)
            for report in puller.pull(skip=lambda name: backoff.is_waiting(name, world.now)):
                if report.incident is None:
                    backoff.succeeded(report.name)
                else:
                    backoff.failed(report.name, world.now, wait=report.incident in BACKED_OFF)
            asked.append(server.count() - before)
            world.now += timedelta(seconds=30) if tick != 7 else timedelta(hours=1)
    assert asked == [1, 0, 1, 0, 0, 0, 1, 0, 1]
    assert world.open_kinds() == []


def test_the_wait_that_a_server_asks_for_is_in_the_result(
    world: World, server: GitHttpServer
) -> None:
    server.headers["Retry-After"] = "240"
    server.misbehave("429")
    repo = next(repo for repo in world.config.repo if repo.name == "node-1")
    assert fetch_repo(world.state, repo, None).retry_after_s == 240
