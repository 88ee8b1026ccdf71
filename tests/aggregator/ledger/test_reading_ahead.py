"""Segments read ahead by other processes: the ledger is the same, whatever becomes of them."""

import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.admission.grouped import GroupedSegment, grouped
from aggregator.ledger.reading import ahead
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.reading.child import LENGTH
from aggregator.ledger.reading.walk import Walk
from aggregator.mirrors.commit_delta import OF_A_PUSHER
from tests.support.ledger.world import World
from tests.support.repos import usage_line
from wire_format.lines import Folder
from wire_format.segment import decode_segment

START = datetime.fromisoformat("2025-01-06T12:00:00+00:00")
COMMITS = 45


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A long history: plain segments, and among them what has to be read line by line."""
    world = World(tmp_path)
    world.rules()
    for number in range(1, COMMITS + 1):
        seq = 10 * number
        at = f"{START + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"
        lines = [usage_line(seq=seq + more, ts=at, units=number + more) for more in range(3)]
        if number % 9 == 0:
            lines.append(b"not a line\n")
        if number % 7 == 0:
            lines.append(usage_line(seq=seq - 10, ts=at, units=5))
        world.usage(*lines)
    return world


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Others help from the first line on; what was taken from them is noted."""
    taken: list[str] = []
    take, is_ready = Walk.take, ahead._Child.is_ready

    def started(self: Any) -> bool:  # noqa: ANN401 - of a class that is not public
        if not self._is_ready:
            select.select([self._process.stdout], [], [], 30)
        return is_ready(self)

    def noted(self: Walk, blob: str) -> GroupedSegment | None:
        found = take(self, blob)
        if found is not None:
            taken.append(blob)
        return found

    monkeypatch.setattr(ahead, "AHEAD_FROM_LINES", 1)
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    monkeypatch.setattr(ahead._Child, "is_ready", started)
    monkeypatch.setattr(Walk, "take", noted)
    return taken


def alone(world: World) -> str:
    """The digest of the ledger that is made without any help."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ahead, "cores", lambda: 1)
        world.pull()
    digest = world.digest()
    assert world.verify().matches
    return digest


def test_a_ledger_that_was_read_ahead_is_the_same(world: World, helped: list[str]) -> None:
    """And it is verified by reading ahead too, which takes the plain segments from the others."""
    expected = alone(world)
    helped.clear()
    assert world.verify().matches
    assert len(helped) > COMMITS // 2
    assert world.digest() == expected


def test_others_help_where_there_is_enough_to_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to come is foreseen: as many lines in each commit as in the one just read."""
    noted: list[tuple[int, int]] = []
    with monkeypatch.context() as patched:
        patched.setattr(
            ReadAhead,
            "note_lines",
            lambda _, *lines, **more: noted.append((*lines, *more.values())),
        )
        world.pull()
    assert noted[0] == (3, 3 * (COMMITS - 1))
    assert noted[-1] == (3, 0)
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    most = ahead.AHEAD_FROM_LINES
    for lines, starts in (([1, most - 2], False), ([1, most - 1], True), ([most, 0], True)):
        with ReadAhead() as helpers:
            helpers.note_lines(*lines)
            assert bool(helpers._children) is starts


def kill(helpers: ReadAhead) -> None:
    for child in helpers._children:
        os.kill(child._process.pid, signal.SIGKILL)


def lie(helpers: ReadAhead) -> None:
    """Answers that are no sums."""
    for child in helpers._children:
        assert child.is_ready()
        assert child._process.stdout is not None
        child._process.stdout.close()
        child._process.stdout = io.BytesIO(LENGTH.pack(5) + b"wrong" + LENGTH.pack(9))


@pytest.mark.parametrize("harm", [kill, lie])
def test_processes_that_die_or_answer_nonsense_are_done_without(
    world: World,
    helped: list[str],
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[ReadAhead], None],
) -> None:
    expected = alone(world)
    helped.clear()
    note_lines = ReadAhead.note_lines

    def harmed(self: ReadAhead, lines: int, to_come: int) -> None:
        was_helping = self.is_helping
        note_lines(self, lines, to_come)
        if not was_helping:
            harm(self)

    monkeypatch.setattr(ReadAhead, "note_lines", harmed)
    assert world.verify().matches
    assert helped == []
    assert world.digest() == expected


def test_a_process_that_cannot_go_on_ends() -> None:
    """Whoever waits for its answers would wait for ever."""
    command = [sys.executable, "-P", "-m", "aggregator.ledger.reading.child"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"nonsense\n")
        child.stdin.flush()
        try:
            child.wait(timeout=30)
        finally:
            child.kill()
        assert child.stdout.read() == LENGTH.pack(0)


def test_what_is_asked_for_and_not_taken_does_not_pile_up(world: World, helped: list[str]) -> None:
    world.pull()
    helped.clear()
    mirror = world.state.mirrors.open_named("node-1")
    commits = list(mirror.chain(mirror.head or ""))[1:12]
    with ReadAhead() as helpers:
        blobs = [
            delta.added[0].blob for delta in Walk(mirror, commits, lambda _: OF_A_PUSHER, helpers)
        ]
        helpers.ask(mirror.path, blobs)
        assert helpers.take(mirror.path, blobs[0]) is None, "nobody helps yet"
        helpers.note_lines(1, 0)
        helpers.ask(mirror.path, blobs)
        helpers.ask(mirror.path, blobs)
        helpers.forget(mirror.path, blobs[1:])
        taken = [helpers.take(mirror.path, blob) is None for blob in (blobs[0], *blobs[:2])]
        assert taken == [False, True, True]
        assert all(not child._early and not child._waiting for child in helpers._children)


def test_a_mirror_that_cannot_be_read_there_is_left_to_who_asks(
    world: World, helped: list[str]
) -> None:
    world.pull()
    helped.clear()
    with ReadAhead() as helpers:
        helpers.note_lines(1, 0)
        helpers.ask(world.folder, ["0" * 40])
        assert helpers.take(world.folder, "0" * 40) is None


def test_only_lines_that_touch_no_other_are_added_up() -> None:
    """Each of these segments has to be read line by line."""
    plain = [usage_line(seq=1), usage_line(seq=2)]

    def sums(*lines: bytes) -> GroupedSegment | None:
        return grouped(decode_segment(b"".join(lines), Folder.USAGE))

    assert sums(*plain) is not None
    assert sums(*reversed(plain)) is None
    assert sums(plain[0], plain[0]) is None
    assert sums(*plain, b"{}\n") is None
    assert sums(*plain, usage_line(seq=3, corrects=1, units=-1, reason="r")) is None
    assert sums(*plain, usage_line(node="another", seq=3)) is None
    assert sums() is None
    most = 2**53 - 1
    many = [usage_line(seq=seq, units=most) for seq in range(1, 1026)]
    assert sums(*many[:1024]) is not None
    assert sums(*many) is None
