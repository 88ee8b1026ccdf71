"""urllib3's connections, shut down when the time of an exchange is up.

The time limit of urllib3, as of most libraries, is for each read: a server that sends a byte a
second outlasts it. The client is built on urllib3 and not on requests, which adds little here and
costs more CPU to import: 65 ms instead of 40, of 300 ms for a push with nothing new.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ssl import SSLContext
from urllib.parse import urlsplit

from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from gitmeter.http_edge.authorities import tls_context
from gitmeter.http_edge.proxies import proxy_for


class Deadline:
    """Shuts the connection down when the time is up, at any stage of the exchange.

    Attributes:
        timeout_s: the limit of the current or last exchange.
    """

    def __init__(self) -> None:
        self.timeout_s = 0.0
        self._ends_at_s = 0.0
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        """Whether that time is up."""
        return time.monotonic() >= self._ends_at_s

    def watch(self, connected: socket.socket) -> None:
        """Watch this connection from now on, in place of the one before.

        The socket is duplicated: TLS takes over the original, and a response may outlive it.
        """
        self.close()
        with self._lock:
            self._handle = connected.dup()
        if self.is_over:
            self._cut()

    @contextmanager
    def limit(self, timeout_s: float) -> Iterator[None]:
        """Limit what is sent and read inside; afterwards it ends as if the server had hung up."""
        self.timeout_s = timeout_s
        self._ends_at_s = time.monotonic() + timeout_s
        timer = threading.Timer(timeout_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)


class Connections:
    """The connection to a server, direct or through the environment's proxy; one at a time.

    Args:
        deadline: watches each connection before anything is sent or read, TLS included.

    Attributes:
        proxy: what the last request went through; None if it went directly.
    """

    def __init__(self, deadline: Deadline) -> None:
        self.proxy: str | None = None
        self._pools = _pools(deadline)
        self._manager: PoolManager | None = None
        self._made_for: tuple[str | None, SSLContext | None] = None, None
        self._pool: HTTPConnectionPool | None = None

    def to(self, url: str) -> PoolManager:
        """The manager that sends requests for a URL.

        Raises:
            AuthoritiesError: the file of authorities cannot be used.
        """
        self.proxy = proxy = proxy_for(url)
        is_tls = any(urlsplit(place or "").scheme == "https" for place in (url, proxy))
        wanted = proxy, tls_context() if is_tls else None
        if self._manager is None or self._made_for != wanted:
            self._manager, self._made_for = _manager(*wanted), wanted
            self._manager.pool_classes_by_scheme = self._pools
        pool = self._manager.connection_from_url(url)
        if pool is not self._pool:
            self.close()
            self._pool = pool
        return self._manager

    def close(self) -> None:
        """Close the connection that is kept for the next request."""
        if self._pool is not None:  # its manager would leave that to the garbage collector
            self._pool.close()
            self._pool = None


def _manager(proxy: str | None, trusted: SSLContext | None) -> PoolManager:
    # one pool with one connection, because the deadline watches one
    if proxy is None:
        return PoolManager(num_pools=1, maxsize=1, ssl_context=trusted)
    from requests.utils import get_auth_from_url

    user, password = get_auth_from_url(proxy)
    return ProxyManager(
        proxy,
        num_pools=1,
        maxsize=1,
        proxy_headers=make_headers(proxy_basic_auth=f"{user}:{password}") if user else None,
        ssl_context=trusted,
        proxy_ssl_context=trusted,
    )


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """Pools whose connections are watched by the deadline."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            deadline.watch(connected)
            return connected

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            deadline.watch(connected)
            return connected

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
