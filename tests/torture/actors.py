"""Who runs programs on a place: clients that retry, timers that push, an aggregator.

Each actor is a thread with its own random source. Most of its runs are killed, until it has met as
many living processes as it was asked for; from then on its runs are left alone.
"""

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.torture.journal import Journal
from tests.torture.killing import Aim, Ending, Pace
from tests.torture.place import Place

_KILL_SHARE: Final = 0.85
_PAUSE_S: Final = 0.2
_GUESS_S: Final = 0.4
_FRUITLESS_MAX: Final = 100
"""An actor whose kills come too late so often in a row gives up; the report shows it."""

OK: Final = 0
FAILED: Final = 1
TRY_LATER: Final = 75


class Piece(NamedTuple):
    """Some bytes of a stream, wherever it may be cut.

    Attributes:
        pause_s: how long the writer waits before it.
        data: the bytes.
    """

    pause_s: float
    data: bytes


class Actor(ABC):
    """Runs some programs again and again.

    Args:
        place: where.
        journal: what everybody knows.
        rng: this actor's alone.
        wanted: how many living processes its kills are to meet.

    """

    def __init__(self, place: Place, journal: Journal, rng: Random, wanted: int) -> None:
        self.place = place
        self.journal = journal
        self.rng = rng
        self._wanted = wanted
        self._fruitless = 0
        self._paces: dict[str, Pace] = {}

    @property
    def is_done(self) -> bool:
        """Whether its kills met as many processes as they were to."""
        return self._wanted <= 0 or self._fruitless >= _FRUITLESS_MAX

    def live(self, over: threading.Event) -> None:
        """Act until it is over."""
        while not over.is_set():
            self.act()
            if self.is_done:
                over.wait(_PAUSE_S)

    @abstractmethod
    def act(self) -> None:
        """Run one program once."""

    @abstractmethod
    def finish(self) -> None:
        """Bring everything to its end, undisturbed."""

    def run(
        self,
        program: str,
        command: Sequence[str],
        accepted: Sequence[int] = (OK,),
        *,
        feed: Sequence[Piece] = (),
        longest_s: float | None = None,
        left_alone: bool = False,
    ) -> Ending:
        """Run a program, most likely to be killed, and note how it ended."""
        pace = self._paces.setdefault(program, Pace(_GUESS_S))
        kill = not (left_alone or self.is_done) and (longest_s or self.rng.random() < _KILL_SHARE)
        aim = pace.aim(self.rng, longest_s=longest_s) if kill else None
        ending = self._start(command, aim, feed)
        pace.note(ending)
        self._wanted -= ending.hit
        self._fruitless = 0 if ending.hit or aim is None else self._fruitless + 1
        self.journal.note(program, ending)
        if not ending.hit and ending.code not in accepted:
            self.journal.problem(
                f"{program}, not killed, ended with exit code {ending.code}: {ending.err.strip()}"
            )
        return ending

    def _start(self, command: Sequence[str], aim: Aim | None, feed: Sequence[Piece]) -> Ending:
        writes = self._writes()
        if not feed:
            return self.place.runner.run(command, aim, writes=writes)
        reader, writer = os.pipe()
        feeder = threading.Thread(target=_write_pieces, args=(writer, feed))
        feeder.start()
        try:
            return self.place.runner.run(command, aim, stdin=reader, writes=writes)
        finally:
            os.close(reader)
            feeder.join()

    @abstractmethod
    def _writes(self) -> Sequence[Path]:
        """Files that show it at work."""


def _write_pieces(writer: int, pieces: Sequence[Piece]) -> None:
    """Write a stream as slowly as it says; its reader may die on the way."""
    with suppress(BrokenPipeError), os.fdopen(writer, "wb", buffering=0) as stream:
        for piece in pieces:
            time.sleep(piece.pause_s)
            stream.write(piece.data)
