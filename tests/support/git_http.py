"""Git over HTTP as a forge serves it: git's own `git http-backend` behind a small server.

Real smart HTTP on 127.0.0.1, with hooks, push rules and tokens; it counts requests and can be told
to misbehave.

    with GitHttpServer(root, tokens={"node.git": {"n0de": "write", "aggr": "read"}}) as server:
        url = server.url("node.git")
"""

import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tests.support.git_http_handler import Handler
from tests.support.http_faults import FAULTS, is_status, reset
from tests.support.local_http import LocalHttpServer

Access = Literal["read", "write"]
Fault = str
"""One of `tests.support.http_faults.FAULTS` or a status code. `redirect` sends the client to
`/moved/...`, where the same repos are served without faults, so a client that follows succeeds;
or to another server, where `elsewhere` says so."""


class Misbehaviour(NamedTuple):
    """What the server does wrong, and when.

    Attributes:
        fault: what it does.
        where: only requests whose `METHOD /path?query` contains this text.
        times_left: how many requests more; None is for ever.
        spared: how many such requests are served as usual before.
    """

    fault: Fault
    where: str
    times_left: int | None
    spared: int


class GitHttpServer(LocalHttpServer):
    """Serves every bare repo under a folder until the `with` block ends.

    A repo named in `tokens` is private: 401 without one of its tokens, 403 for a push with a `read`
    token. Every other repo is open. A repo takes pushes when its config has `http.receivepack`,
    as those made by `tests.support.repos.bare_repo` do.

    Args:
        root: the folder.
        tokens: repo to token to what it may do.
        tls: speaks https with this certificate.

    Attributes:
        requests: `METHOD /path?query` of every request, in order of arrival.
        authorizations: the `Authorization` header of each; empty where there is none.
        connections: how many were made.
        elsewhere: where `redirect` sends clients, such as `https://other.example`; here when None.
        headers, body: of every answer that is a status code.
        refused_word: a request with it is answered with an error of git's own protocol.
        body_bytes_max: larger requests are answered with 413, as by a web server in front.
        pack: sent to who asks in the oldest version of git's protocol, in place of git's own.
    """

    handler: type[Handler] = Handler
    faults = FAULTS

    def __init__(
        self,
        root: Path,
        *,
        tokens: Mapping[str, Mapping[str, Access]] = {},
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(self.handler)
        self._tls = tls
        self.authorizations: list[str] = []
        self.connections = 0
        self.elsewhere: str | None = None
        self.headers: dict[str, str] = {}
        self.body = b""
        self.refused_word: bytes | None = None
        self.body_bytes_max: int | None = None
        self.pack: bytes | None = None
        self.root = root.resolve()
        self.tokens = tokens
        self.requests: list[str] = []
        self._misbehaviour: Misbehaviour | None = None
        self._lock = threading.Lock()

    def url(self, repo: str) -> str:
        """Where a repo (a path under the root) is served."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.server_port}/{repo}"

    def count(self, where: str = "") -> int:
        """How many requests so far contain `where` in their `METHOD /path?query`."""
        return sum(where in request for request in list(self.requests))

    def misbehave(
        self, fault: Fault, *, where: str = "", times: int | None = None, spare: int = 0
    ) -> None:
        """Do this from now on, for requests with `where` in them, `times` times (None: always).

        The first `spare` of them are served as usual: `times=1, spare=4` hits the fifth.
        """
        if fault not in self.faults and not is_status(fault):
            raise ValueError(f"not a fault: {fault}")
        with self._lock:
            self._misbehaviour = Misbehaviour(fault, where, times, spare)
            self.released.clear()

    def behave(self) -> None:
        """Serve as usual again; requests that hang are dropped."""
        with self._lock:
            self._misbehaviour = None
            self.released.set()

    def fault_for(self, request: str) -> Fault | None:
        """Note a request, and say what to do wrong with it."""
        with self._lock:
            self.requests.append(request)
            now = self._misbehaviour
            if now is None or now.where not in request or " /moved/" in request:
                return None
            if now.times_left == 0:
                return None
            if now.spared:
                self._misbehaviour = now._replace(spared=now.spared - 1)
                return None
            if now.times_left is not None:
                self._misbehaviour = now._replace(times_left=now.times_left - 1)
            return now.fault

    def fault_of_connection(self) -> Fault | None:
        """What to do wrong with a connection before it says anything."""
        with self._lock:
            now = self._misbehaviour
        return now.fault if now is not None and now.fault in ("slam", "mute") else None

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Serve a connection, in its thread."""
        with self._lock:
            self.connections += 1
        fault = self.fault_of_connection()
        if fault is not None:
            if fault == "mute":
                self.released.wait()
            reset(request)
            return
        if self._tls is not None:
            request = self._tls.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        try:
            super().finish_request(request, client_address)
        finally:
            if self._tls is not None:
                request.close()
