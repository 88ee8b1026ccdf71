"""A receiver of webhooks: a real HTTP server that writes down what it gets and can be difficult.

with ReceiverServer() as receiver:
    receiver.answer(503, times=2)
    ...
    assert receiver.events() == ["balance_low"]
"""

import json
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.support.http_faults import DRIP_S, reset
from tests.support.local_http import LocalHttpServer


class Got(NamedTuple):
    """One request.

    Attributes:
        headers: of it.
        body: of it, as it came.
        status: what was answered; 0 when nothing was.
    """

    headers: Message
    body: bytes
    status: int

    @property
    def event(self) -> dict[str, Any]:
        """The event in it."""
        return dict(json.loads(self.body))


class Behaviour(NamedTuple):
    """What is answered, to which events, and how often.

    Attributes:
        status: of HTTP, or `hang`, `drip`, `reset`.
        headers: of the answer.
        body: of the answer.
        about: which events; all when None.
        times_left: how many requests more; None is for ever.
    """

    status: int | str
    headers: Mapping[str, str]
    body: bytes
    about: Callable[[dict[str, Any]], bool] | None
    times_left: int | None


class ReceiverServer(LocalHttpServer):
    """Takes events on 127.0.0.1 until the `with` block ends.

    Attributes:
        got: every request so far, in order of arrival.
        meeting: called with each event before it is answered.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.got: list[Got] = []
        self.meeting: Callable[[dict[str, Any]], object] = lambda _event: None
        self._behaviours: list[Behaviour] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/events"

    def answer(
        self,
        status: int | str,
        *,
        times: int | None = None,
        headers: Mapping[str, str] = {},
        body: bytes = b"",
        about: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        """Answer so from now on; what was told last goes first, and 204 where nothing is told."""
        with self._lock:
            self._behaviours.insert(0, Behaviour(status, headers, body, about, times))

    def behave(self) -> None:
        """Take everything again."""
        with self._lock:
            self._behaviours.clear()

    def taken(self) -> list[dict[str, Any]]:
        """The events that were answered with success."""
        return [got.event for got in list(self.got) if 200 <= got.status < 300]

    def behaviour(self, event: dict[str, Any]) -> Behaviour:
        """What to answer to an event."""
        with self._lock:
            for at, found in enumerate(self._behaviours):
                if found.times_left != 0 and (found.about is None or found.about(event)):
                    if found.times_left is not None:
                        self._behaviours[at] = found._replace(times_left=found.times_left - 1)
                    return found
        return Behaviour(204, {}, b"", None, None)


class _Handler(BaseHTTPRequestHandler):
    server: ReceiverServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Write the request down and answer as the server is told to."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        event = json.loads(body)
        self.server.meeting(event)
        told = self.server.behaviour(event)
        status = told.status if isinstance(told.status, int) else 0
        self.server.got.append(Got(self.headers, body, status))
        if told.status == "reset":
            self.close_connection = True
            reset(self.connection)
        elif told.status == "hang":
            self.close_connection = True
            self.server.released.wait()
        elif told.status == "drip":
            self._drip()
        else:
            self._send(status, told)

    do_GET = do_POST  # noqa: N815 - http.server names them

    def _send(self, status: int, told: Behaviour) -> None:
        self.send_response_only(status)  # without a Date of today
        for name, value in told.headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        self.wfile.write(told.body)

    def _drip(self) -> None:
        """Every read succeeds in time; the whole answer takes minutes."""
        self.close_connection = True
        for byte in b"HTTP/1.1 204 No Content\r\nX-Long: " + b"x" * 100_000:
            if self.server.released.wait(DRIP_S):
                return
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Requests are kept, not printed."""
