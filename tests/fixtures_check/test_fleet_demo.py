"""`make run-fleet` keeps what it shows, ends what it starts, and fits a terminal."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from fixtures import data
from fixtures.fleet.board import Board
from fixtures.fleet.node import Node, NodeState
from fixtures.fleet.nodes import Fleet
from fixtures.fleet.programs import DemoError
from fixtures.fleet.site import MARKER, Site, claim_folder
from fixtures.fleet.usage import DAY_S, USERS, Day, replays
from fixtures.fleet.view import picture
from tests.conftest import ROOT

STARTED_AT = datetime(2026, 11, 21, 10, 7, 3, 250_000, tzinfo=UTC)
LIMIT_S = 900
ANSWERED = {"incidents", "explain", "rewrites", "notices", "verify", "status", "log"}


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fixtures.fleet_demo", "--folder", str(folder), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that have to do with a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has just ended
            continue
        if str(folder) in words and int(path.parent.name) != os.getpid():
            found.append(words)
    return found


def test_a_small_fleet_keeps_every_promise_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """The real programs, the real daemon, three nodes; without a terminal it prints lines."""
    folder = tmp_path / "f"
    with start(folder, "--nodes", "3", "--seconds", "6") as demo:
        said, _ = demo.communicate(timeout=LIMIT_S)
    assert demo.returncode == 0, said
    promises = re.findall(r"^  [✓✗] .*$", said, re.MULTILINE)
    assert len(promises) == 6
    assert all(promise.startswith("  ✓") for promise in promises)
    assert "llm-01: silent" in said
    assert "llm-02: bad signature" in said
    assert "pending repo: billing-shadow-01" in said
    assert "dora has nothing left" in said
    assert re.search(r"ledger digest [0-9a-f]{64}\n", said)
    assert "\x1b" not in said
    assert processes_of(folder) == []
    shown = answers(said)
    assert len(shown) == 7
    assert re.search(r"bad signature.*pending repo", shown["incidents"], re.DOTALL)
    assert "books decide accept-tip" in shown["incidents"]
    assert "llm/code/output_tokens" in shown["explain"]
    assert "llm-02" in shown["rewrites"]
    assert "incident_opened" in shown["notices"]
    assert "matches git" in shown["verify"]
    assert re.search(r"not (?:committed|pushed): +[1-9]", shown["status"])
    assert "usage: llm-01 seq" in shown["log"]


def answers(said: str) -> dict[str, str]:
    """What each command shows that a demo says to try next, typed after the demo has ended.

    Returns:
        The answers by the word that tells the commands apart.
    """
    after = re.split(r"Try next .*\n", said)[1]
    first, *commands = re.findall(r"^  (\S.*)$", after, re.MULTILINE)
    assert first.startswith("export PATH=")
    found = {}
    for command in commands:
        script = f"set -e\n{first}\n{command}"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        words = (word for word in command.split() if word in ANSWERED)
        found[next(words)] = done.stdout
    return found


def test_an_interrupt_ends_everything_that_was_started(tmp_path: Path) -> None:
    """While the daemon, sshd and the set-up of nodes are running."""
    folder = tmp_path / "f"
    with start(folder, "--nodes", "3", "--seconds", "600") as demo:
        out = cast("IO[str]", demo.stdout)
        assert any("nodes are set up" in line for line in out)
        assert processes_of(folder)
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=LIMIT_S)
    assert demo.returncode == 130, rest
    assert rest.strip().endswith("everything that was started has ended")
    assert processes_of(folder) == []


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DemoError, match="is not empty"):
        claim_folder(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_folder_of_a_running_demo_is_left_alone(tmp_path: Path) -> None:
    """And one of a run that is over is emptied."""
    folder = tmp_path / "f"
    with claim_folder(folder):
        (folder / "state").mkdir()
        with pytest.raises(DemoError, match="another demo"):
            claim_folder(folder)
        assert (folder / "state").exists()
    claim_folder(folder).close()
    assert [path.name for path in folder.iterdir()] == [MARKER]


@given(st.integers(5, 600), st.floats(0, 2))
@example(seconds=60, part=1.0)
def test_no_record_lies_ahead_of_its_commit(seconds: int, part: float) -> None:
    """Whatever time has passed, what happened by then is past."""
    day = Day(STARTED_AT, seconds)
    elapsed_s = seconds * part
    behind = (day.at(day.offset_s(elapsed_s)) - STARTED_AT).total_seconds()
    assert behind <= elapsed_s


def test_every_call_of_the_traces_is_recorded_once_and_in_order() -> None:
    """With the units of the published totals, whatever the number of nodes; ids never repeat."""
    units: Counter[str] = Counter()
    day = Day(STARTED_AT, 60)
    dealt = replays(["llm-01", "llm-02", "llm-03"])
    for replay in dealt.values():
        uses = list(replay.uses)
        half = replay.due(day, DAY_S // 2)
        lines = half + replay.due(day, DAY_S)
        assert half
        assert replay.due(day, DAY_S) == []
        assert len(lines) == len(set(lines)) == len(uses)
        assert [use.offset_s for use in uses] == sorted(use.offset_s for use in uses)
        assert {use.user for use in uses} == {user.name for user in USERS}
        for use in uses:
            units[use.resource] += use.units
    published = {
        resource: amount
        for trace in (data.CODE, data.CONV)
        for (_, resource), (_, amount) in data.totals(trace).items()
    }
    assert units == published


@pytest.mark.parametrize(("width", "height"), [(100, 40), (120, 40), (80, 24)])
def test_the_picture_fits_the_terminal(width: int, height: int, tmp_path: Path) -> None:
    """With figures as large as they get, nothing is cut at 100 columns but a long sentence."""
    dealt = replays([f"llm-{number:02}" for number in range(1, 21)])
    nodes = [
        Node(name, replay, state=NodeState.RECORDING, recorded=56_370, billed=370, lag_s=12.3,
             pushed_at_s=0.0)
        for name, replay in dealt.items()
    ]  # fmt: skip
    nodes[3].state = NodeState.REFUSED
    fleet = Fleet(cast("Site", None), nodes, 60, 1, tmp_path)
    board = Board(phase="a day of LLM calls", behind={"llm-04": 17})
    board.incidents = [{"node": "llm-04", "kind": "bad signature"}]
    board.accounts = [
        {
            "user": user.name,
            "discount_tier": "month",
            "billed_cost_nano": 72 * 10**9,
            "balance_nano": -12 * 10**9,
            "credit_nano": 60 * 10**9,
        }
        for user in USERS
    ]
    board.say("notice", "something long " * 20, 3600)
    console = Console(width=width, height=height, force_terminal=False, record=True)
    with console.capture() as shown:
        console.print(picture(fleet, board, (width, height), now_s=123.0))
    lines = shown.get().splitlines()
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    if width >= 100:
        assert sum("…" in line for line in lines) == 1
        for name in [node.name for node in nodes] + [user.name for user in USERS]:
            assert any(name in line for line in lines)
        assert any(
            all(word in line for word in ("bad signature", "123 s", "12.3 s", "56,000", "17"))
            for line in lines
        )
