"""A real `node-pusher listen` as a process, and clients of it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

PROGRAM: Final = Path(sys.executable).with_name("node-pusher")
TIMEOUT_S: Final = 60
"""After which a test gives up; no test waits so long when all is well."""


class Client:
    """One connection to a listener."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(os.path.relpath(path))  # a test's own folder may lie deep
            self.socket.settimeout(TIMEOUT_S)
        except BaseException:
            self.socket.close()
            raise
        self._lines = self.socket.makefile("rb")

    def send(self, *requests: Mapping[str, Any] | bytes) -> None:
        """Send requests without waiting; bytes go out as they are, with a newline."""
        lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests]
        self.socket.sendall(b"".join(line + b"\n" for line in lines))

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            EOFError: there is none any more.
        """
        line = self._lines.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, *requests: Mapping[str, Any] | bytes) -> list[dict[str, Any]]:
        """Send requests and wait for the answer of each."""
        self.send(*requests)
        return [self.answer() for _ in requests]

    def rest(self) -> list[dict[str, Any]]:
        """All further answers, after saying that nothing more is sent."""
        self.socket.shutdown(socket.SHUT_WR)
        return [json.loads(line) for line in self._lines]

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Listening:
    """A listener on a home, killed at the end of the `with` block if it still runs.

    Args:
        home: whose.
        options: of `listen`.
        variables: of its environment, on top of this one's.
    """

    def __init__(self, home: Path, *options: str, variables: Mapping[str, str] = {}) -> None:
        self.home = home
        self.path = home / "listen.sock"
        self.process = subprocess.Popen(
            [PROGRAM, "--home", home, "listen", *options],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_ready(self) -> str:
        """Wait until it listens; returns the line that says so, or its complaint."""
        return self._stderr.readline()

    def client(self) -> Client:
        """A new connection."""
        return Client(self.path)

    def stop(self) -> str:
        """Let it end by SIGTERM; returns what it still said."""
        self.process.send_signal(signal.SIGTERM)
        said = self._stderr.read()
        status = self.process.wait(TIMEOUT_S)
        if status != 0:
            raise AssertionError(f"ended with {status}: {said}")
        return said

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        self._stderr.close()

    @property
    def _stderr(self) -> IO[str]:
        if self.process.stderr is None:
            raise AssertionError("it was started with a pipe")
        return self.process.stderr

    def __enter__(self) -> Self:
        ready = self.until_ready()
        if "listening at" not in ready:
            raise AssertionError(f"it does not listen: {ready}{self._stderr.read()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


def use(units: int = 1, **more: str | int) -> dict[str, Any]:
    """What a service says about one use."""
    return {"user": "alice", "resource": "hero_os/seconds", "units": units, **more}


def lines_in(home: Path) -> list[dict[str, Any]]:
    """Every line of a spool, by seq, read with nothing of the product's."""
    with closing(sqlite3.connect(home / "spool.db")) as spool:
        rows = spool.execute("SELECT line FROM records ORDER BY seq").fetchall()
    return [json.loads(line) for (line,) in rows]


def seqs(answers: Iterable[Mapping[str, Any]]) -> list[int]:
    """The numbers that were given."""
    return [answer["seq"] for answer in answers]
