"""Measure how fast `node-pusher listen` records: `python -m benchmarks.listening --help`.

Every record is on disk (fsync) before it is answered; latency is the time from sending a line to
reading its answer, as a client sees it. All clients are in one other process on the same machine.
"""

import argparse
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Final, NamedTuple

from benchmarks.place import NODE
from benchmarks.report import README, keep, machine, markdown
from gitmeter.git_remote.runner import clean_environment, run_git
from node_pusher.spool.api import Spool

_PROGRAM: Final = Path(sys.executable).with_name("node-pusher")
_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.listening --write` -->"
_END: Final = "<!-- end: listening -->"
_HEADERS: Final = ("load", "records", "records/s", "p50", "p99")
_CLIENTS: Final = 50
_WINDOW: Final = 64
_GIT_TIMEOUT_S: Final = 60
_MS_PER_S: Final = 1000
_READ_BYTES: Final = 64 * 1024
_QUICK_SHARE: Final = 10
_SYNCS: Final = 200
_LINE_BYTES: Final = 171


class Measured(NamedTuple):
    """The result of a load.

    Attributes:
        load: who recorded, and how.
        seconds: how long all of it took.
        latencies_s: the latency of each record.
    """

    load: str
    seconds: float
    latencies_s: list[float]

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        count = len(self.latencies_s)
        percentiles = quantiles(self.latencies_s, n=100)
        shown = (f"{percentiles[i] * _MS_PER_S:,.2f} ms" for i in (49, 98))
        return (self.load, f"{count:,}", f"{count / self.seconds:,.0f}", *shown)


class _Client:
    """One connection that keeps up to `window` records in flight."""

    def __init__(self, path: Path, number: int, count: int, window: int) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.latencies_s: list[float] = []
        self._number = number
        self._left = count
        self._window = window
        self._sent_at: deque[float] = deque()
        self._rest = b""

    @property
    def is_done(self) -> bool:
        """Whether every record was answered."""
        return not self._left and not self._sent_at

    def send(self) -> None:
        """Send records until the window is full."""
        lines = []
        while self._left and len(self._sent_at) < self._window:
            self._left -= 1
            self._sent_at.append(time.perf_counter())
            lines.append(
                b'{"user":"user-%d","resource":"llm/openai/gpt-4o/output_tokens","units":512,'
                b'"applies_to":"llm","id":"%d-%d"}\n' % (self._number, self._number, self._left)
            )
        if lines:
            self.socket.sendall(b"".join(lines))

    def receive(self) -> None:
        """Read the answers that have arrived."""
        *answers, self._rest = (self._rest + self.socket.recv(_READ_BYTES)).split(b"\n")
        now = time.perf_counter()
        for answer in answers:
            if not answer.startswith(b'{"seq":'):
                raise RuntimeError(f"not recorded: {answer.decode()}")
            self.latencies_s.append(now - self._sent_at.popleft())


def over_socket(load: str, home: Path, *, clients: int, count: int, window: int) -> Measured:
    """Let clients record `count` records each over a listener."""
    with _listening(home) as path, selectors.DefaultSelector() as ready:
        connected = [_Client(path, number, count, window) for number in range(clients)]
        for client in connected:
            ready.register(client.socket, selectors.EVENT_READ, client)
        started = time.perf_counter()
        for client in connected:
            client.send()
        while ready.get_map():
            for key, _ in ready.select():
                key.data.receive()
                key.data.send()
                if key.data.is_done:
                    ready.unregister(key.fileobj)
                    key.data.socket.close()
        seconds = time.perf_counter() - started
    found = Measured(load, seconds, [each for client in connected for each in client.latencies_s])
    _check(home, len(found.latencies_s))
    return found


def a_process_each(load: str, home: Path, *, at_once: int, count: int) -> Measured:
    """Start `node-pusher record` for every record."""

    def record(number: int) -> float:
        started = time.perf_counter()
        _node_pusher(home, "record", "--user", f"user-{number}", "--resource", "r", "--units", "1")
        return time.perf_counter() - started

    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        latencies_s = list(pool.map(record, range(count)))
    _check(home, count)
    return Measured(load, time.perf_counter() - started, latencies_s)


def syncs(folder: Path) -> Measured:
    """Measure how long the disk itself takes to write and sync one line."""
    latencies_s = []
    started = time.perf_counter()
    with (folder / "synced").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            before = time.perf_counter()
            file.write(b"x" * _LINE_BYTES)
            os.fsync(file.fileno())
            latencies_s.append(time.perf_counter() - before)
    load = "the disk alone: a line appended to a file, and fsync"
    return Measured(load, time.perf_counter() - started, latencies_s)


def measure(folder: Path, share: int) -> list[Measured]:
    """Measure all loads.

    Args:
        folder: an empty folder on the disk to be measured.
        share: the divisor of the number of records; 1 for a whole run.
    """

    def home(name: str) -> Path:
        return _new_home(folder / name)

    return [
        syncs(folder),
        a_process_each("`record`, a process each", home("a"), at_once=1, count=40 // share),
        a_process_each(
            f"`record`, a process each, {_CLIENTS} at once",
            home("b"),
            at_once=_CLIENTS,
            count=100 // share,
        ),
        over_socket(
            "`listen`, 1 client that waits", home("c"), clients=1, count=5000 // share, window=1
        ),
        over_socket(
            f"`listen`, {_CLIENTS} clients that wait",
            home("d"),
            clients=_CLIENTS,
            count=2000 // share,
            window=1,
        ),
        over_socket(
            f"`listen`, 1 client, {_WINDOW} in flight",
            home("e"),
            clients=1,
            count=100_000 // share,
            window=_WINDOW,
        ),
        over_socket(
            f"`listen`, {_CLIENTS} clients, {_WINDOW} in flight each",
            home("f"),
            clients=_CLIENTS,
            count=4000 // share,
            window=_WINDOW,
        ),
    ]


def main() -> None:
    """Measure and print, and write the table into the README if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few records: shows that it works")
    parser.add_argument("--write", action="store_true", help=f"replace the table in {README.name}")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gitmeter-listening-"))
    try:
        rows = measure(folder, _QUICK_SHARE if options.quick else 1)
    finally:
        shutil.rmtree(folder)
    text = f"Measured with {machine()}\n\n{markdown(_HEADERS, [row.cells() for row in rows])}"
    print(text)
    if options.write:
        keep(text, _BEGIN, _END)


def _check(home: Path, count: int) -> None:
    """Check that all records are in the spool: without them the figures mean nothing."""
    with Spool.open(home) as spool:
        if (found := spool.store.count()) != count:
            raise RuntimeError(f"{count} records were acknowledged and {found} are in the spool")


def _new_home(home: Path) -> Path:
    remote = home.with_suffix(".git")
    run_git(["init", "--quiet", "--bare", str(remote)], timeout_s=_GIT_TIMEOUT_S)
    _node_pusher(home, "init", "--node", NODE, "--remote", remote.as_uri())
    return home


@contextmanager
def _listening(home: Path) -> Iterator[Path]:
    command = [str(_PROGRAM), "--home", str(home), "listen"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=clean_environment()) as process:
        try:
            if process.stderr is None or b"listening at" not in process.stderr.readline():
                raise RuntimeError("node-pusher does not listen")
            yield home / "listen.sock"
        finally:
            process.terminate()
            process.communicate()


def _node_pusher(home: Path, *args: str) -> None:
    subprocess.run(
        [str(_PROGRAM), "--home", str(home), *args],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=clean_environment(),
    )


if __name__ == "__main__":
    main()
