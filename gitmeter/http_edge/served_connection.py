"""A connection of the server: requests one after the other, each within its time.

httptools parses them, in C: h11, in Python, takes twice the time of everything else that is done
for a small answer. It bounds nothing by itself, so what arrives and leads to nothing is counted.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gitmeter.http_edge.whole_requests import HEADER_BYTES_MAX

if TYPE_CHECKING:
    import uvicorn
    from uvicorn.server import ServerState

AHEAD_MAX: Final = 8
"""Requests that a client may send before it has its answer."""
_NOT_HTTP: Final = HTTPStatus.BAD_REQUEST.phrase


class TooManyAheadError(Exception):
    """A client sends requests without waiting for answers."""


class ServedConnection(HttpToolsProtocol):
    """A connection that is aborted when a request takes too long.

    Args:
        config: of uvicorn.
        server_state: of uvicorn.
        request_s: limit for one request as a whole.
        on_lost: called when the connection has ended.
    """

    def __init__(
        self,
        config: "uvicorn.Config",
        server_state: "ServerState",
        request_s: float,
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(config, server_state, {})
        self._request_s = request_s
        self._on_lost = on_lost
        self._abort_timer: asyncio.TimerHandle | None = None
        self._is_unread = False  # whether the time goes on because of an answer, not of a request
        self._is_arriving = False
        self._is_head = True
        self._pending_bytes = 0  # what arrived and was neither a whole head nor a part of a body
        self._joined: _Joined | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time of its first request."""
        self._joined = _Joined(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._joined))
        self._start_time()

    def data_received(self, data: bytes) -> None:
        """Start the time of a further request with its first byte."""
        if self._is_unread and not self.transport.get_write_buffer_size():
            self._end_time()
        if self._abort_timer is None:
            self._start_time()
        self._pending_bytes += len(data)
        super().data_received(data)
        if self._pending_bytes > HEADER_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(_NOT_HTTP)

    def on_message_begin(self) -> None:
        """Note that a request arrives.

        uvicorn keeps every further one that arrives meanwhile: who sends many without waiting for
        answers is not answered.

        Raises:
            TooManyAheadError: for the parser, which ends with it.
        """
        if len(self.pipeline) >= AHEAD_MAX:
            self.transport.abort()
            raise TooManyAheadError
        self._is_arriving = self._is_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after a body are none of the request's."""
        if self._is_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer; a client that wants another protocol gets this one, once."""
        self._is_head, self._pending_bytes = False, 0
        super().on_headers_complete()
        if self.parser.should_upgrade():  # nothing more is parsed on such a connection
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._pending_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request has arrived, which may have been answered before it had."""
        self._is_arriving, self._pending_bytes = False, 0
        super().on_message_complete()
        if self.cycle.response_complete:
            self._measure_next()

    def on_response_complete(self) -> None:
        """End the time of a request; the next one may have arrived with it."""
        if self._joined is not None:
            self._joined.flush()
        super().on_response_complete()
        self._measure_next()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, after the answers to what was before it."""
        if self.has_request and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        else:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another connection."""
        self._end_time()
        super().connection_lost(exc)
        self._on_lost()

    def _measure_next(self) -> None:
        """Let the time run that counts from here on."""
        if self.cycle.response_complete and self.cycle.more_body and self._is_arriving:
            return  # answered before all of it had arrived: the rest has no time of its own
        if self._is_arriving or not self.cycle.response_complete:
            self._end_time()
            self._start_time()
        elif self.transport.get_write_buffer_size():
            self._is_unread = True  # or an answer that is not read would hold the connection
        else:
            self._end_time()

    def _start_time(self) -> None:
        self._abort_timer = self.loop.call_later(self._request_s, self.transport.abort)

    def _end_time(self) -> None:
        self._is_unread = False
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None

    @property
    def has_request(self) -> bool:
        """Whether a request has arrived completely."""
        return self.cycle is not None and (not self.cycle.more_body or bool(self.pipeline))


class _Joined:
    """A transport that writes in one piece what it is given within one turn of the loop.

    An answer is given in two, its head and its body, and each would be a packet of its own.

    Args:
        transport: the one of the connection.
        loop: its loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write soon."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            data, self._waiting = b"".join(self._waiting), []
            self._transport.write(data)

    def close(self) -> None:
        """Close when everything is written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)
