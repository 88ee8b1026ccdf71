"""The daemon as systemd runs it: it is ready, alive, pulls, and ends when it is signalled."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from aggregator.reports.repos import nodes
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
    web = {"starlette", "uvicorn", "anyio", "httptools", "prometheus_client"}
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


def test_it_goes_on_when_nobody_reads_its_log(world: World) -> None:
    """Whoever read it is gone, as a journal that was started again; or its disk is full."""
    with daemon(world) as running:
        running.listen(lambda: records(world) == 1)
        assert running.process.stderr is not None
        running.process.stderr.close()
        running.process.stderr = None
        for seq in (2, 3):
            world.usage(usage_line(seq=seq))
            running.listen(lambda seq=seq: records(world) == seq)  # type: ignore[misc]
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 0


def test_a_full_log_ends_no_daemon(world: World) -> None:
    words = [sys.executable, "-c", PROGRAM, "--config", str(world.write_config()), "run"]
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(words, stderr=full)
        try:
            end = time.monotonic() + PATIENCE_S
            while records(world) < 1:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.05)
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


def test_sighup_takes_the_configuration_over(world: World) -> None:
    """A repo that was added is read, in the same process; systemd hears that it is ready again."""
    with daemon(world) as running:
        running.listen(lambda: records(world) == 1)
        world.usage(usage_line(node="node-9", user="zoe"), repo="node-9")
        world.write_config()
        running.process.send_signal(signal.SIGHUP)
        running.listen(lambda: running.messages.count("READY=1") == 2)
        running.listen(lambda: ("node-9", 1) in billed(world))
        assert "RELOADING=1" in running.messages
        code, log = running.leave()
    assert code == 0
    assert "reloading the configuration" in log
    assert world.verify().matches


def billed(world: World) -> list[tuple[str, int]]:
    with world.reading() as store:
        return [(row["repo"], row["records"]) for row in nodes(store)]


def test_sighup_with_a_configuration_that_cannot_be_used_changes_nothing(world: World) -> None:
    config = world.write_config()
    with running_daemon(world.folder, config) as running:
        running.listen(lambda: records(world) == 1)
        config.write_text("state = ")
        running.process.send_signal(signal.SIGHUP)
        world.usage(usage_line(seq=2))
        running.listen(lambda: records(world) == 2)
        code, log = running.leave()
    assert code == 0
    assert "configuration not reloaded" in log


def test_a_signal_after_a_reload_still_drains(world: World) -> None:
    with daemon(world) as running:
        for ready in (1, 2, 3):
            running.listen(lambda ready=ready: running.messages.count("READY=1") == ready)  # type: ignore[misc]
            if ready < 3:
                running.process.send_signal(signal.SIGHUP)
        code, log = running.leave()
    assert code == 0
    assert "draining" in log


@pytest.mark.parametrize("replaced", [False, True])
def test_a_ledger_that_is_deleted_under_it_is_made_again(world: World, *, replaced: bool) -> None:
    """Or replaced by another file: it never goes on writing into one that nobody can see."""
    with daemon(world) as running:
        running.listen(lambda: records(world) == 1)
        if replaced:
            copy = world.folder / "copy.db"
            with world.reading() as store:
                store.copy_to(copy)
        world.forget()
        if replaced:
            copy.rename(world.config.database_path)
        world.usage(usage_line(seq=2))
        running.listen(lambda: records(world) == 2)
        assert running.leave()[0] == 0
    assert world.verify().matches


def test_a_person_can_make_it_look_at_once(world: World) -> None:
    """At one repo or at all, although the next pull is a day away."""
    world.settings.update(pull_every_s=86_400, silent_after_s=0)
    with daemon(world) as running:
        running.listen(lambda: records(world) == 1)
        running.listen(lambda: any("repos," in text for text in running.messages))
        world.usage(usage_line(seq=2))
        said = asked(world, running, "node-1")
        assert said.startswith("node-1: fast-forward at 20")
        assert records(world) == 2
        world.usage(usage_line(seq=3))
        world.pay(money_line(seq=2))
        assert len(asked(world, running).splitlines()) == 2
        assert (records(world), world.node("books")["records"]) == (3, 2)
        assert world.run("pull-now", "node-7").code == 1
        assert running.leave()[0] == 0
    refused = world.run("pull-now")
    assert refused.code == 1
    assert "no daemon works on" in refused.err


def asked(world: World, running: Daemon, *names: str) -> str:
    """What `pull-now` prints."""
    words = [sys.executable, "-c", PROGRAM, "--config", str(world.write_config()), "pull-now"]
    process = subprocess.Popen([*words, *names], stdout=subprocess.PIPE, text=True)
    running.listen(lambda: process.poll() is not None)
    assert process.stdout is not None
    with process:
        assert process.returncode == 0
        return process.stdout.read()
