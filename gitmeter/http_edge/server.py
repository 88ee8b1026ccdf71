"""uvicorn in a thread of its own, with a limit for each request as a whole.

One thread reads requests and writes responses, so a slow client occupies a connection and nothing
else. Blocking work belongs in Starlette's thread pool, which has a few threads here. A request that
takes half a minute, from its first byte on, ends with its connection. Where a forge posts, a
connection carries one request: kept open for another, it could be closed just as the forge begins
to post on it, and a forge posts once. Clients that ask again may keep theirs.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio.to_thread
import structlog
import uvicorn

from gitmeter.http_edge.served_connection import ServedConnection
from gitmeter.http_edge.whole_requests import BODY_BYTES_MAX, WholeRequests

if TYPE_CHECKING:
    from starlette.types import ASGIApp

REQUEST_S: Final = 30.0
"""From the start of the connection to the end of the response."""
THREADS: Final = 4
CONNECTIONS_MAX: Final = 128
"""Further ones wait in the backlog of the socket."""
DRAIN_S: Final = 5
_ACCEPT_AGAIN_S: Final = 1.0
_LOGGERS: Final = ("uvicorn", "asyncio")
_log = structlog.get_logger()


class Server:
    """Serves an application until it is stopped.

    Args:
        application: an ASGI application; it is called with complete requests.
        listening: the socket; closed with the server.
        too_large: called with the path of each request whose body exceeds the limit.
        request_s: limit for one request as a whole.
        body_bytes_max: limit for the body of one request.
        keep_alive_s: how long a connection may wait for its next request; 0 for one request each.
    """

    def __init__(
        self,
        application: "ASGIApp",
        listening: socket.socket,
        too_large: Callable[[str], None],
        request_s: float = REQUEST_S,
        body_bytes_max: int = BODY_BYTES_MAX,
        keep_alive_s: int = 0,
    ) -> None:
        _log_to_structlog()
        closing = [] if keep_alive_s else [("Connection", "close")]
        self._listening = listening
        self._request_s = request_s
        self._config = uvicorn.Config(
            WholeRequests(application, too_large, body_bytes_max),
            http=ServedConnection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            headers=[("Server", "gitmeter"), *closing],
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=DRAIN_S,
            log_config=None,
            log_level=logging.ERROR,  # malformed requests are warnings there, and not worth a log
            access_log=False,
        )
        self._config.load()
        self._uvicorn = uvicorn.Server(self._config)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._room = asyncio.Semaphore(CONNECTIONS_MAX)
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, finish the requests that have arrived for a few seconds, and close.

        Requests that are still arriving are aborted.
        """
        with suppress(RuntimeError):  # the loop has ended already, and logged why
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception:  # noqa: BLE001 - the daemon goes on without a listener
            _log.exception("listener")
        finally:
            self._listening.close()

    async def _serve(self) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        serving = asyncio.create_task(self._uvicorn.serve(sockets=[]))
        # until then it does not add its headers to responses
        while not self._uvicorn.started:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0)
        accepting = asyncio.create_task(self._accept())
        await self._stopping.wait()
        accepting.cancel()
        await asyncio.wait([accepting])
        self._listening.close()
        for connection in self._connections():
            if not connection.has_request:
                connection.transport.abort()
        self._uvicorn.should_exit = True
        await serving
        for connection in self._connections():
            connection.transport.abort()
        await asyncio.sleep(0)  # aborted connections close in the loop's next turn

    async def _accept(self) -> None:
        """Accept connections while there is room.

        uvicorn would accept all of them, and refuse requests beyond its limit. That would use up
        descriptors that the daemon needs, and turn away bursts that a second is enough for.
        """
        self._listening.settimeout(0)
        while True:
            await self._room.acquire()
            try:
                await self._until_one_waits()
                connected, _ = self._listening.accept()
                connected.settimeout(0)
                _send_at_once(connected)
                await self._loop.connect_accepted_socket(self._connection, connected)
            except BlockingIOError:  # the client has left
                self._room.release()
            except Exception:  # noqa: BLE001 - it listens for as long as the daemon runs
                self._room.release()
                _log.exception("connection not accepted")
                await asyncio.sleep(_ACCEPT_AGAIN_S)

    async def _until_one_waits(self) -> None:
        """Unlike the loop's `sock_accept`, this loses no connection when it is cancelled."""
        is_readable = asyncio.Event()
        self._loop.add_reader(self._listening, is_readable.set)
        try:
            await is_readable.wait()
        finally:
            self._loop.remove_reader(self._listening)

    def _connection(self) -> ServedConnection:
        return ServedConnection(
            self._config, self._uvicorn.server_state, self._request_s, self._room.release
        )

    def _connections(self) -> list[ServedConnection]:
        found = list(self._uvicorn.server_state.connections)
        return [connection for connection in found if isinstance(connection, ServedConnection)]


def _send_at_once(connected: socket.socket) -> None:
    """Let no end of an answer wait for the client to acknowledge what was before it.

    asyncio does so for sockets that say they are TCP, which those of `create_server` do not.
    """
    if connected.family != socket.AF_UNIX:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _log.error("listener", detail=record.getMessage(), exc_info=record.exc_info)


def _log_to_structlog() -> None:
    """Send warnings and errors of uvicorn and asyncio to structlog."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _ToStructlog) for handler in logger.handlers):
            logger.addHandler(_ToStructlog())
        logger.propagate = False
        logger.setLevel(logging.WARNING)
