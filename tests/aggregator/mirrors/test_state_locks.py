"""One writer at a time: a second one is refused for now, and readers are not."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitmeter.support.errors import ExitCode
from tests.aggregator.daemon.test_daemon import daemon
from tests.support.git_http import GitHttpServer
from tests.support.ledger.copied import tell_a_little
from tests.support.ledger.running import PATIENCE_S, PROGRAM
from tests.support.ledger.world import World

WRITERS = ("pull", "run", "rebuild")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    tell_a_little(made)
    made.pull()
    return made


@contextmanager
def pulling(world: World, server: GitHttpServer) -> Iterator[subprocess.Popen[str]]:
    """`aggregator pull` that waits for a server and holds the state's lock meanwhile."""
    world.settings["connect_timeout_s"] = 600
    world.repo("node-3", url=server.url("node-3.git"))
    server.misbehave("hang")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--config", str(world.write_config()), "pull"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while server.count() == 0:
            assert process.poll() is None, process.communicate()
        yield process
    finally:
        server.behave()
        process.communicate(timeout=PATIENCE_S)


def test_beside_a_pull_no_other_process_writes(world: World, tmp_path: Path) -> None:
    """Each is refused with the code for trying later; with the first one gone it works."""
    with GitHttpServer(tmp_path / "remotes") as server:
        with pulling(world, server):
            for command in WRITERS:
                said = world.run(command)
                assert (command, said.code) == (command, ExitCode.TRY_LATER)
                assert f"another aggregator works on {world.config.state}" in said.err
                assert "hint: " in said.err
                assert said.out == ""
        assert world.run("rebuild").code == 0


def test_beside_a_daemon_no_other_process_writes_or_restores(world: World, tmp_path: Path) -> None:
    file = str(tmp_path / "backup.tar")
    with daemon(world) as running:
        running.listen(lambda: "READY=1" in running.messages)
        assert world.run("backup", file).code == 0
        for command in (*((name,) for name in WRITERS), ("restore", "--force", file)):
            assert world.run(*command).code == ExitCode.TRY_LATER
        assert running.leave()[0] == 0
    assert world.run("restore", "--force", file).code == 0


def test_readers_are_not_refused_beside_a_pull(world: World, tmp_path: Path) -> None:
    digest = world.digest()
    with GitHttpServer(tmp_path / "remotes") as server, pulling(world, server):
        verified = world.run("verify", "--json")
        assert verified.code == 0
        assert verified.json["digest"] == digest
        saved = world.run("backup", "--json", str(tmp_path / "backup.tar"))
        assert saved.code == 0
        assert saved.json["digest"] == digest
        assert world.run("balance").code == 0


def test_the_lock_of_a_killed_process_is_free(world: World, tmp_path: Path) -> None:
    with GitHttpServer(tmp_path / "remotes") as server:
        with pulling(world, server) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert world.run("pull").code == 0


@pytest.mark.parametrize(
    "lock",
    [
        "packed-refs.lock",
        "gc.pid.lock",
        "objects/info/commit-graph.lock",
        "objects/pack/multi-pack-index.lock",
    ],
)
def test_what_a_killed_gc_left_locked_does_not_stop_the_next_one(world: World, lock: str) -> None:
    mirror = world.config.mirror_path("node-1")
    (mirror / lock).parent.mkdir(exist_ok=True)
    (mirror / lock).touch()
    commands = (
        ["gc", "--quiet"],
        ["commit-graph", "write", "--reachable"],
        ["multi-pack-index", "write"],
    )
    with world.state.locked():
        done = [subprocess.run(["git", *words], cwd=mirror, check=False) for words in commands]
    assert [command.returncode for command in done] == [0, 0, 0]
    assert world.verify().matches
