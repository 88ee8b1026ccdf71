"""A limit for the whole of an answer.

The time limit of `requests` is for each read, so a server that sends a byte a second outlasts it.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Shuts connections down when the time is up, wherever the other side has got to.

    Attributes:
        passed: whether it did so since the last `limit` began.
    """

    def __init__(self) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []

    def watch(self, connected: socket.socket) -> None:
        """Note a connection, by a second handle of it: TLS takes the first one over."""
        with self._lock:
            self._handles.append(connected.dup())
        if self.passed:
            self._cut()

    @contextmanager
    def limit(self, timeout_s: float) -> Iterator[None]:
        """Whatever is done within ends after this long, as if the other side had hung up."""
        self.passed = False
        timer = threading.Timer(timeout_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def close(self) -> None:
        """Give the handles back."""
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def _cut(self) -> None:
        self.passed = True
        with self._lock:
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """Sends requests over connections that a deadline knows, proxies included.

    Args:
        deadline: told of every connection before anything is sent or read, TLS included.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._pools: Final = _pools(deadline)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as declared
        """Make the pool of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:  # noqa: ANN401 - as declared
        """Make the pool of connections through a proxy."""
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
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
