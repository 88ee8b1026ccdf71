"""The daemon as systemd runs it: it is ready, alive, pulls, and ends when it is signalled."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from aggregator.store.errors import NoDatabaseError
from tests.support.git_http import GitHttpServer
from tests.support.ledger.running import PATIENCE_S, PROGRAM, Daemon, running_daemon
from tests.support.ledger.world import World, money_line, usage_line


def daemon(world: World, **environment: str) -> AbstractContextManager[Daemon]:
    """`aggregator run` on a world."""
    return running_daemon(world.folder, world.write_config(), **environment)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, pull_every_s=5, pull_jitter_s=0)
    made.rules()
    made.pay(money_line())
    made.usage(usage_line())
    return made


def records(world: World) -> int:
    if not world.config.database_path.exists():
        return 0
    try:
        return int(world.node()["records"])
    except (StopIteration, NoDatabaseError):  # in the making
        return 0


def test_it_pulls_at_once_and_again_and_drains_at_the_first_signal(world: World) -> None:
    """Systemd hears that it is ready, alive, at work and stopping, in that order."""
    with daemon(world) as running:
        running.listen(lambda: any("repos," in message for message in running.messages))
        assert records(world) == 1
        world.usage(usage_line(seq=2))
        running.listen(lambda: records(world) == 2)
        code, log = running.leave()
    assert code == 0
    messages = running.messages
    assert messages[0] == "READY=1"
    assert "WATCHDOG=1" in messages
    assert "STATUS=pulling" in messages
    assert messages[-1] == "STOPPING=1"
    assert "draining" in log
    assert world.verify().matches


def test_an_interrupt_drains_as_well(world: World) -> None:
    with daemon(world) as running:
        running.listen(lambda: "READY=1" in running.messages)
        code, _ = running.leave(signal.SIGINT)
    assert code == 0


@contextmanager
def kept_waiting(folder: Path) -> Iterator[tuple[Daemon, GitHttpServer]]:
    """A daemon whose only remote does not answer."""
    world = World(folder, connect_timeout_s=600)
    with GitHttpServer(folder / "remotes") as server:
        world.repo("node-1", url=server.url("node-1.git"))
        server.misbehave("hang")
        with daemon(world) as running:
            running.listen(lambda: server.count() > 0)
            yield running, server


def test_a_second_signal_ends_the_daemon_at_once(tmp_path: Path) -> None:
    """Even while it waits for a remote; nothing is lost."""
    with kept_waiting(tmp_path) as (running, server):
        running.process.send_signal(signal.SIGTERM)
        running.listen(lambda: any("finishing" in message for message in running.messages))
        running.process.send_signal(signal.SIGTERM)
        server.behave()
        running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode in {0, 130}


def test_the_daemon_reports_that_it_is_alive_while_a_remote_is_slow(tmp_path: Path) -> None:
    """A slow server must not make systemd kill it."""
    with kept_waiting(tmp_path) as (running, server):
        running.messages.clear()
        running.listen(lambda: running.messages.count("WATCHDOG=1") >= 2)
        server.behave()


def test_an_incident_of_one_repo_is_logged_and_does_not_end_the_daemon(world: World) -> None:
    """As JSON lines under systemd."""
    import json

    path = world.repo("node-2").path
    path.rename(path.with_name("away"))
    with daemon(world, JOURNAL_STREAM="8:1") as running:
        running.listen(lambda: any("1 with an incident" in text for text in running.messages))
        assert records(world) == 1
        code, log = running.leave()
    assert code == 0
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    troubled = next(event for event in events if event.get("repo") == "node-2")
    assert (troubled["level"], troubled["consecutive_errors"]) == ("warning", 1)


@pytest.mark.parametrize("listens", [False, True])
def test_a_daemon_loads_a_web_server_only_where_it_listens(world: World, *, listens: bool) -> None:
    """Dozens of megabytes that a daemon without `[listen]` has no use for."""
    config = world.write_config()
    if listens:
        config.write_text(f'{config.read_text()}\n[listen]\naddress = "127.0.0.1:0"\n')
    with running_daemon(world.folder, config, PYTHONPROFILEIMPORTTIME="1") as running:
        running.listen(lambda: any("repos," in message for message in running.messages))
        _, log = running.leave()
    imported = {line.rpartition("|")[2].strip() for line in log.splitlines()}
    assert "aggregator.daemon.loop" in imported
    web = {"starlette", "uvicorn", "anyio", "h11", "prometheus_client"}
    assert imported & web == (web if listens else set())


def test_two_daemons_do_not_write_one_ledger(world: World) -> None:
    with daemon(world) as running:
        running.listen(lambda: "READY=1" in running.messages)
        second = subprocess.run(
            [sys.executable, "-c", PROGRAM, "--config", str(world.write_config()), "run"],
            check=False,
            capture_output=True,
            text=True,
        )
        running.leave()
    assert second.returncode == 75
    assert "another aggregator" in second.stderr
