"""A daemon that runs as systemd would run it."""

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = "import sys; from aggregator.cli import main; sys.argv[0] = 'aggregator'; main()"
_LOG_BYTES_MAX = 1 << 20
"""It is read at the end: a daemon whose log does not fit into the pipe would wait for that."""
PATIENCE_S = 60
"""Long after this a daemon that does nothing is a failure; nothing is asserted about less."""


class Daemon:
    """A daemon that runs, and what it told systemd.

    Attributes:
        process: the process.
        messages: what came over `NOTIFY_SOCKET` so far.
    """

    def __init__(self, process: subprocess.Popen[str], notify: socket.socket) -> None:
        self.process = process
        self.messages: list[str] = []
        self._notify = notify

    def listen(self, until: Callable[[], bool]) -> None:
        """Take messages until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < end, self.messages
            assert self.process.poll() is None, self.messages
            self._receive(0.05)

    def _receive(self, wait_s: float) -> bool:
        ready, _, _ = select.select([self._notify], [], [], wait_s)
        if ready:
            self.messages += self._notify.recv(4096).decode().splitlines()
        return bool(ready)

    def leave(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, and wait for the end: exit code and log."""
        self.process.send_signal(number)
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            self._receive(0.05)  # a socket that nobody reads is soon full, and the sender waits
        log = self.process.communicate(timeout=1)[1]
        while self._receive(0):
            pass
        return self.process.returncode, log


@contextmanager
def running_daemon(folder: Path, config: Path, **environment: str) -> Iterator[Daemon]:
    """`aggregator run` with this configuration, and a socket in this folder to tell systemd."""
    path = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "--config", str(config), "run"],
            env=dict(os.environ) | {"NOTIFY_SOCKET": path} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, _LOG_BYTES_MAX)
        try:
            yield Daemon(process, notify)
        finally:
            process.kill()
            process.communicate()
