"""urllib3's connections, cut when the time of an exchange is up.

A time limit of urllib3, as of any other library, is for each read: a server that sends a byte a
second outlasts it. urllib3 alone and not requests, which is built on it: a push that finds nothing
new imports 30 ms of CPU for urllib3 and 65 ms for requests, of 300 ms that it may take.
"""

import os
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


class Deadline:
    """Shuts the connection down when the time is up, wherever the server has got to.

    Attributes:
        timeout_s: of the last `limit`.
    """

    def __init__(self) -> None:
        self.timeout_s = 0.0
        self._ends_at_s = 0.0
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time of the last `limit` is up."""
        return time.monotonic() >= self._ends_at_s

    def watch(self, connected: socket.socket) -> None:
        """Watch this connection from now on, in place of the one before it.

        By a second handle of its socket: TLS takes the first one over, and an answer outlives it.
        """
        self.close()
        with self._lock:
            self._handle = connected.dup()
        if self.is_over:
            self._cut()

    @contextmanager
    def limit(self, timeout_s: float) -> Iterator[None]:
        """Whatever is sent and read within ends after this long, as if the server had hung up."""
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
        """Watch nothing any more."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)


class Connections:
    """The way to a server: through the environment's proxy or none, one connection at a time.

    Args:
        deadline: watches each connection before anything is sent or read, TLS included.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._pools = _pools(deadline)
        self._manager: PoolManager | None = None
        self._made_for: tuple[str | None, SSLContext | None] = None, None
        self._pool: HTTPConnectionPool | None = None

    def to(self, url: str) -> PoolManager:
        """What requests for a URL are sent by.

        Raises:
            AuthoritiesError: the file of authorities cannot be used.
        """
        proxy = _proxy_for(url)
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
    # one pool of one connection: the deadline watches one
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


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL; requests knows all of `no_proxy`'s forms."""
    names = {name.lower() for name in os.environ if name.lower().endswith("_proxy")}
    if not names - {"no_proxy"}:
        return None
    from requests.utils import get_environ_proxies, select_proxy

    proxy: str | None = select_proxy(url, get_environ_proxies(url))
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """Pools of connections that the deadline watches."""

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
