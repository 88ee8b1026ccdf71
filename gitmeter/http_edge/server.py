"""waitress in a thread, with every request limited as a whole.

waitress reads requests in one thread and hands whole ones to a few others, so a client that sends
a byte a second occupies a connection and nothing else. Its own time limit starts again with each
byte; here a connection carries one request and is closed after half a minute whatever it did.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

BODY_BYTES_MAX: Final = 1 << 20
"""Forgejo puts at most five commits into a post (`FEED_MAX_COMMIT_NUM`), each with the paths that
it touches: a pusher's commit adds at most eight. Kilobytes, then; a repo that is not a pusher's may
go past this and is polled instead. The whole body must be read before its signature can be checked,
so this bounds what a stranger can make us do."""

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

REQUEST_S: Final = 30.0
"""From the connection to the end of the answer."""
THREADS: Final = 4
CONNECTIONS_MAX: Final = 128
HEADER_BYTES_MAX: Final = 16 << 10
_STOP_S: Final = 5
_TICK_S: Final = 1.0
_log = structlog.get_logger()


class _OneRequestTask(WSGITask):
    """Tells the client that the connection ends with the answer.

    Kept open, it could be closed for its age in the moment in which the forge begins to post on it.
    """

    def start(self) -> None:
        super().start()
        self.set_close_on_finish()


class _Channel(HTTPChannel):
    """A connection that knows when it was opened."""

    task_class = _OneRequestTask

    def __init__(self, *arguments: Any, too_large: Callable[[str], None], **keys: Any) -> None:  # noqa: ANN401 - as waitress has them
        self.opened_s = time.monotonic()
        self._too_large = too_large
        super().__init__(*arguments, **keys)

    def service(self) -> None:
        request = self.requests[0]
        if isinstance(request.error, RequestEntityTooLarge):
            self._too_large(request.path)  # type: ignore[attr-defined]  # not in the stubs
        super().service()


class Server:
    """Serves an application until it is stopped.

    Args:
        application: answers requests.
        listening: the socket; closed with the server.
        too_large: told the path of each request whose body is past the limit.
        request_s: limit for one request as a whole.
    """

    def __init__(
        self,
        application: "WSGIApplication",
        listening: socket.socket,
        too_large: Callable[[str], None],
        request_s: float = REQUEST_S,
    ) -> None:
        _quiet_waitress()
        self._request_s = request_s
        self._stopping = threading.Event()
        self._channels: dict[int, Any] = {}
        self._workers = ThreadedTaskDispatcher()
        self._workers.set_thread_count(THREADS)
        server = create_server(
            application,
            self._channels,
            _dispatcher=self._workers,
            **_limits(listening),
        )
        if not isinstance(server, BaseWSGIServer):
            raise TypeError("one socket makes one server")
        self._server = server
        self._server.channel_class = partial(  # type: ignore[assignment]  # called as the class is
            _Channel, too_large=too_large
        )
        self._thread = threading.Thread(target=self._serve, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, let those at hand be answered for a few seconds, and close."""
        self._server.accepting = False
        self._workers.shutdown(timeout=_STOP_S)
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                # not select(): beside many mirrors descriptors may be above the 1024 it can take
                wasyncore.loop(timeout=_TICK_S, use_poll=True, map=self._channels, count=1)
                self._close_old()
            except Exception:  # noqa: BLE001 - it listens for as long as the daemon runs
                _log.exception("listener")
                self._stopping.wait(_TICK_S)
        self._close()

    def _connections(self) -> list[_Channel]:
        return [found for found in self._channels.values() if isinstance(found, _Channel)]

    def _close_old(self) -> None:
        """Close connections past their time, also where the client takes no answer."""
        for connection in self._connections():
            if time.monotonic() - connection.opened_s > self._request_s:
                connection.handle_close()

    def _close(self) -> None:
        for connection in self._connections():
            connection.handle_close()
        if self._workers.threads:
            # A thread that still runs may pull the trigger: closed, its number could by then be
            # that of another file, into which it would write.
            wasyncore.dispatcher.close(self._server)
        else:
            self._server.close()


def _limits(listening: socket.socket) -> dict[str, Any]:
    return {
        "sockets": [listening],
        "max_request_body_size": BODY_BYTES_MAX + 1,
        "max_request_header_size": HEADER_BYTES_MAX,
        "inbuf_overflow": BODY_BYTES_MAX + 1,  # no temporary files
        "connection_limit": CONNECTIONS_MAX,
        "asyncore_use_poll": True,
        "log_socket_errors": False,
        "clear_untrusted_proxy_headers": False,  # nobody reads them
        "ident": "gitmeter",
    }


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _log.warning("listener", detail=record.getMessage())


def _quiet_waitress() -> None:
    """What waitress warns of goes to our log; that requests queue for a moment is no news."""
    logger = logging.getLogger("waitress")
    if not any(isinstance(handler, _ToStructlog) for handler in logger.handlers):
        logger.addHandler(_ToStructlog())
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
