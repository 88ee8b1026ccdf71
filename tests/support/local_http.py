"""HTTP on 127.0.0.1: a server of the standard library in a thread, and a port for another one."""

import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

_POLL_S: Final = 0.02


def free_ports(number: int) -> list[int]:
    """Several of them, no two the same."""
    with ExitStack() as probes:
        opened = [
            probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)
        ]
        return [int(probe.getsockname()[1]) for probe in opened]


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class LocalHttpServer(ThreadingHTTPServer):
    """Serves on a free port until the `with` block ends.

    Args:
        handler: answers requests.

    Attributes:
        released: set at the end, for handlers that wait.
        unexpected: errors of handlers but for clients that go away; the first is raised at the end.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.released = threading.Event()
        self.unexpected: list[BaseException] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL_S,), daemon=True)

    def handle_error(self, *_: object) -> None:
        """Note what is not the client's going away."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | ssl.SSLError):
            self.unexpected.append(error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
        self._thread.join()
        if self.unexpected and error is None:
            raise self.unexpected[0]
