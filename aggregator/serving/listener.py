"""The daemon's web server: takes hints, serves health and measurements.

It runs beside the loop in threads of its own and shares three things with it: the hints, the pulse,
and the database file, which it only reads. Its measurements contain names of nodes and repos, so it
listens on this machine alone unless configured otherwise; a reverse proxy should expose only
`/webhook`.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path

import structlog

from aggregator.config.sections import ListenConfig
from aggregator.serving.application import Application
from aggregator.serving.hints import Hints
from aggregator.serving.metrics import Metrics
from aggregator.serving.pulse import Pulse
from aggregator.serving.webhook import Push
from gitmeter.http_edge.address import listen_on, remove_socket_file
from gitmeter.http_edge.address_text import UNIX
from gitmeter.http_edge.secret_file import read_secret
from gitmeter.http_edge.server import REQUEST_S, Server

_log = structlog.get_logger()


class HttpListener:
    """Started once, stopped once.

    Args:
        config: address and secret.
        hints: receives the repos of pushes that the forge reports.
        names: the names of the repos that a push is about; none for a repo or branch that is not
            read. Called from several threads.
        pulse: state of the loop.
        database_path: file of the ledger; it may not exist yet.
        clock: the current time.
        request_s: limit for one request as a whole.

    Attributes:
        port: the port that it listens on once started; None for a unix socket.
    """

    def __init__(
        self,
        config: ListenConfig,
        hints: Hints,
        names: Callable[[Push], AbstractSet[str]],
        pulse: Pulse,
        database_path: Path,
        clock: Callable[[], datetime],
        *,
        request_s: float = REQUEST_S,
    ) -> None:
        self._config = config
        self._hints = hints
        self._names = names
        self._pulse = pulse
        self._database_path = database_path
        self._metrics = Metrics(database_path, pulse, clock)
        self._request_s = request_s
        self._server: Server | None = None
        self.port: int | None = None

    def start(self) -> None:
        """Start listening.

        Raises:
            SecretFileError: the file of the secret cannot be used.
            ListenError: the address cannot be listened on.
        """
        file = self._config.webhook_secret_file
        secret = None if file is None else read_secret(file)
        application = Application(
            secret, self._hints, self._names, self._pulse, self._metrics, self._database_path.exists
        )
        address = self._config.address
        listening = listen_on(address)
        self.port = None if address.startswith(UNIX) else listening.getsockname()[1]
        self._server = Server(application.asgi(), listening, application.too_large, self._request_s)
        self._server.start()
        _log.info("listening", address=address, webhook=secret is not None)

    def stop(self) -> None:
        """Finish running requests for a few seconds, and close; does nothing if never started."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            remove_socket_file(self._config.address)
