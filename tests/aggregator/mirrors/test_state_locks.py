"""One writer at a time, and no writer but the owner: others are refused, and readers are not."""

import os
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
from tests.support.programs import run_aggregator
from tests.support.repos import usage_line

WRITERS = ("pull", "run", "rebuild")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("told"))
    tell_a_little(made)
    made.pull()
    return made


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    return told.copied_to(tmp_path)


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_is_told_the_line_that_runs_as_the_owner(world: World) -> None:
    """What root wrote there the daemon could not open any more."""
    config = world.write_config()
    state = world.folder / "state"
    for file in (state, *state.rglob("*")):
        os.chown(file, 65534, 65534)
    said = run_aggregator("--config", str(config), "pull")
    assert said.code == ExitCode.FAILED
    assert f"{state} belongs to nobody, and this runs as root" in said.err
    assert f"hint: runuser -u nobody -- aggregator --config {config} pull\n" in said.err
    assert {file.stat().st_uid for file in state.rglob("*")} == {65534}


@pytest.mark.parametrize("content", [b"", bytes(23)])
def test_a_mirror_whose_head_was_lost_is_mended(world: World, content: bytes) -> None:
    """A power cut leaves the file empty; the git program then takes the folder for no repo."""
    head = world.folder / "state" / "mirrors" / "node-1.git" / "HEAD"
    head.write_bytes(content)
    world.usage(usage_line(seq=1000))
    assert world.pull()["node-1"].admitted == 1
    assert head.read_bytes() == b"ref: refs/heads/main\n"
