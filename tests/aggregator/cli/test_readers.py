"""Whoever may only read the state directory can ask everything, and leaves nothing there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.daemon.test_daemon import daemon
from tests.conftest import ROOT
from tests.support.ledger.world import World, money_line, usage_line

NOBODY = 65534
_WITHOUT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
QUESTIONS = (
    ("balance",),
    ("charges", "alice"),
    ("explain", "alice", "hero_os/seconds", "2025-01-01T00"),
    ("verify",),
    ("nodes",),
    ("incidents",),
    ("rejects",),
    ("held",),
    ("rewrites",),
    ("decisions",),
)


ASKING = """
import json, sys
from tests.support.programs import run_aggregator

config, questions = sys.argv[1], json.loads(sys.argv[2])
found = {words[0]: run_aggregator("--config", config, *words) for words in questions}
print(json.dumps({name: [said.code, said.out + said.err] for name, said in found.items()}))
"""
"""One process that runs the program for each question: starting it ten times costs ten times."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Of one who pulled; with a line that conflicts."""
    made = World(tmp_path, pull_every_s=5, pull_jitter_s=0, silent_after_s=0)
    made.rules()
    made.pay(money_line())
    made.usage(usage_line(seq=1))
    made.usage(usage_line(seq=1, units=2))
    made.pull()
    yield made
    close(made, writable=True)


def close(world: World, *, writable: bool = False) -> None:
    """Take everybody's right to write, or give it back."""
    for path in (world.config.state, *world.config.state.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200 if writable else path.stat().st_mode & ~0o222)


def answers(world: World) -> dict[str, tuple[int, str]]:
    """What a user is told who may only read: even root, without the right to write all the same."""
    config = world.write_config()
    before = sorted(map(str, world.config.state.rglob("*")))
    command = [sys.executable, "-c", ASKING, str(config), json.dumps(QUESTIONS)]
    said = subprocess.run(
        [*(_WITHOUT if os.getuid() == 0 else ()), *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = {name: (code, text) for name, (code, text) in json.loads(said.stdout).items()}
    assert found.keys() == {words[0] for words in QUESTIONS}
    assert sorted(map(str, world.config.state.rglob("*"))) == before
    return found


def failed(found: dict[str, tuple[int, str]]) -> dict[str, str]:
    return {command: text for command, (code, text) in found.items() if code}


def test_every_question_is_answered_while_the_daemon_is_stopped(world: World) -> None:
    """After a pull, and after a command of the daemon's own user that read."""
    for _ in range(2):
        close(world)
        found = answers(world)
        close(world, writable=True)
        assert failed(found) == {}
        assert world.run("balance").ok().out == found["balance"][1]
    assert not list(world.config.state.glob("ledger.db-*"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_mirrors_may_belong_to_the_daemon_s_user(world: World) -> None:
    for path in (world.config.state, *world.config.state.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    found = answers(world)
    for path in (world.config.state, *world.config.state.rglob("*")):
        os.chown(path, 0, 0)
    assert failed(found) == {}


@pytest.mark.skipif(os.getuid() != 0, reason="one user cannot both write and be unable to")
def test_every_question_is_answered_beside_the_daemon(world: World) -> None:
    with daemon(world) as running:
        running.listen(lambda: any("repos," in text for text in running.messages))
        close(world)
        found = answers(world)
        close(world, writable=True)
        assert failed(found) == {}
        world.usage(usage_line(seq=2))
        running.listen(lambda: world.node()["records"] == 2)
        assert running.leave()[0] == 0
    assert not list(world.config.state.glob("ledger.db-*"))
