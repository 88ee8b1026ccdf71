"""An ASGI application on a free port of 127.0.0.1, in a thread of its own."""

import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp

_TURN_S: Final = 0.005


class Serving:
    """Serves until the `with` block ends.

    Args:
        application: answers requests.

    Attributes:
        url: without a slash at the end.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        # or every answer waits 40 ms for the client to acknowledge its headers
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        config = uvicorn.Config(
            application, ws="none", lifespan="off", log_config=None, access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._listening])

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(_TURN_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()
