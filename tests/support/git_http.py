"""Git over HTTP as a forge serves it: git's own `git http-backend` behind a small server.

Real smart HTTP on 127.0.0.1, with hooks, push rules and tokens; it counts requests and can be told
to misbehave.

    with GitHttpServer(root, tokens={"node.git": {"n0de": "write", "aggr": "read"}}) as server:
        url = server.url("node.git")
"""

import base64
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, NamedTuple, Self
from urllib.parse import unquote, urlsplit

Access = Literal["read", "write"]
Fault = Literal["hang", "500", "503", "reset", "redirect", "lose_answer"]
"""`hang` never answers; `lose_answer` does what was asked and drops the connection instead of
saying so; `redirect` sends the client to `/moved/...`, where the same repos are served without
faults, so a client that follows succeeds."""

_CHUNK_BYTES = 64 * 1024
_LINE_BYTES_MAX = 4096


class Misbehaviour(NamedTuple):
    """What the server does wrong, and when.

    Attributes:
        fault: what it does.
        where: only requests whose `METHOD /path?query` contains this text.
        times_left: how many requests more; None is for ever.
    """

    fault: Fault
    where: str
    times_left: int | None


class GitHttpServer(ThreadingHTTPServer):
    """Serves every bare repo under a folder until the `with` block ends.

    A repo named in `tokens` is private: 401 without one of its tokens, 403 for a push with a `read`
    token. Every other repo is open. A repo takes pushes when its config has `http.receivepack`,
    as those made by `tests.support.repos.bare_repo` do.

    Attributes:
        requests: `METHOD /path?query` of every request, in order of arrival.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, root: Path, *, tokens: Mapping[str, Mapping[str, Access]] = {}) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root.resolve()
        self.tokens = tokens
        self.requests: list[str] = []
        self.unexpected: list[BaseException] = []
        self._misbehaviour: Misbehaviour | None = None
        self._lock = threading.Lock()
        self.released = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def url(self, repo: str) -> str:
        """Where a repo (a path under the root) is served."""
        return f"http://127.0.0.1:{self.server_port}/{repo}"

    def count(self, where: str = "") -> int:
        """How many requests so far contain `where` in their `METHOD /path?query`."""
        return sum(where in request for request in list(self.requests))

    def misbehave(self, fault: Fault, *, where: str = "", times: int | None = None) -> None:
        """Do this from now on, for requests with `where` in them, `times` times (None: always)."""
        with self._lock:
            self._misbehaviour = Misbehaviour(fault, where, times)
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
            if now.times_left is not None:
                self._misbehaviour = now._replace(times_left=now.times_left - 1)
            return now.fault

    def handle_error(self, *_: object) -> None:
        """Clients may go away at any time; anything else fails the test at the end."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.unexpected.append(error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
        self._thread.join()
        if self.unexpected and error is None:
            raise self.unexpected[0]


class _Handler(BaseHTTPRequestHandler):
    server: GitHttpServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with tempfile.TemporaryFile() as body:
            self._read_body(body)
            self._serve(body)

    do_POST = do_GET  # noqa: N815 - http.server names them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Requests are counted, not printed."""

    def _read_body(self, body: IO[bytes]) -> None:
        """Take the whole body, chunked or not, so that the connection can be used again."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self._read_line().split(b";")[0], 16):
                self._read_into(body, size)
                self._read_line()
            while self._read_line().strip():
                pass
        else:
            self._read_into(body, int(self.headers.get("Content-Length", 0)))
        body.seek(0)

    def _read_line(self) -> bytes:
        line = self.rfile.readline(_LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            raise ConnectionAbortedError("the client went away inside its request")
        return line

    def _read_into(self, body: IO[bytes], length: int) -> None:
        while length:
            part = self.rfile.read(min(length, _CHUNK_BYTES))
            if not part:
                raise ConnectionAbortedError("the client went away inside its request")
            body.write(part)
            length -= len(part)

    def _serve(self, body: IO[bytes]) -> None:
        fault = self.server.fault_for(f"{self.command} {self.path}")
        if fault == "hang":
            self.server.released.wait()
            self._reset()
        elif fault == "reset":
            self._reset()
        elif fault == "redirect":
            self._answer(302, {"Location": f"{self.server.url('moved')}{self.path}"})
        elif fault in ("500", "503"):
            self._answer(int(fault), {})
        elif (refusal := self._refusal()) is not None:
            self._answer(refusal, {"WWW-Authenticate": 'Basic realm="git"'})
        else:
            with tempfile.TemporaryFile() as answer:
                self._run_backend(body, answer)
                if fault == "lose_answer":
                    self._reset()
                else:
                    self._relay(answer)

    def _refusal(self) -> int | None:
        """401 or 403 where a private repo demands it."""
        path = self._path().strip("/")
        tokens = next(
            (
                known
                for repo, known in self.server.tokens.items()
                if f"{path}/".startswith(f"{repo}/")
            ),
            None,
        )
        if tokens is None:
            return None
        access = next((tokens[secret] for secret in self._secrets() if secret in tokens), None)
        if access is None:
            return 401
        return 403 if access == "read" and "git-receive-pack" in self.path else None

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/moved")

    def _secrets(self) -> list[str]:
        """What the client offers: `token T`, `Bearer T`, or either half of Basic."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return base64.b64decode(value).decode().split(":", 1)
        return [value] if scheme.lower() in ("token", "bearer") else []

    def _run_backend(self, body: IO[bytes], answer: IO[bytes]) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": self._path(),
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(os.fstat(body.fileno()).st_size),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        subprocess.run(
            ["git", "http-backend"],
            stdin=body,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env=environment,
            check=False,
        )

    def _relay(self, answer: IO[bytes]) -> None:
        """Turn the CGI answer into an HTTP one."""
        answer.seek(0)
        headers: dict[str, str] = {}
        while line := answer.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        status = int(headers.pop("Status", "200 OK" if headers else "500").split()[0])
        self._answer(status, headers, answer)

    def _answer(
        self, status: int, headers: Mapping[str, str], body: IO[bytes] | None = None
    ) -> None:
        length = 0 if body is None else os.fstat(body.fileno()).st_size - body.tell()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        while body is not None and (part := body.read(_CHUNK_BYTES)):
            self.wfile.write(part)

    def _reset(self) -> None:
        """Drop the connection with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
