"""One request to `tests.support.git_http.GitHttpServer`, served by git's own backend."""

import base64
import io
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.support.http_faults import Dripping, is_status, page, reset

if TYPE_CHECKING:
    from tests.support.git_http import Fault, GitHttpServer

_CHUNK_BYTES = 64 * 1024
_LINE_BYTES_MAX = 4096
_BAND_BYTES_MAX = 65515


class Handler(BaseHTTPRequestHandler):
    """Reads the request, does what the server is told to do wrong, or lets git answer."""

    server: "GitHttpServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes; else the second waits 40 ms

    def do_GET(self) -> None:
        """Serve one request, whatever its method."""
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
        self.server.authorizations.append(self.headers.get("Authorization", ""))
        fault = self.server.fault_for(f"{self.command} {self.path}")
        limit = self.server.body_bytes_max
        if limit is not None and os.fstat(body.fileno()).st_size > limit:
            fault = "413"
        if fault == "hang":
            self.server.released.wait()
            self._reset()
        elif fault == "reset":
            self._reset()
        elif fault == "redirect":
            there = self.server.elsewhere or self.server.url("moved")
            self._answer(302, {"Location": f"{there}{self.path}"})
        elif fault in ("garbage", "garbage_git"):
            headers, data = page(fault)
            self._answer(200, headers, io.BytesIO(data))
        elif fault is not None and is_status(fault):
            self._answer(int(fault), self.server.headers, io.BytesIO(self.server.body))
        elif self._is_word_refused(body):
            packet = b"ERR this server does not know that\n"
            headers = {"Content-Type": "application/x-git-upload-pack-result"}
            self._answer(200, headers, io.BytesIO(b"%04x%b" % (len(packet) + 4, packet)))
        elif fault is None and self.server.pack is not None and self._is_oldest_protocol():
            headers = {"Content-Type": "application/x-git-upload-pack-result"}
            self._answer(200, headers, io.BytesIO(_answer_with(body.read(), self.server.pack)))
        else:
            self._serve_repo(body, fault)

    def _is_oldest_protocol(self) -> bool:
        is_request = self.command == "POST" and self.path.endswith("/git-upload-pack")
        return is_request and "Git-Protocol" not in self.headers

    def _is_word_refused(self, body: IO[bytes]) -> bool:
        word = self.server.refused_word
        if word is None:
            return False
        found = word in body.read()
        body.seek(0)
        return found

    def _serve_repo(self, body: IO[bytes], fault: "Fault | None") -> None:
        if (refusal := self._refusal()) is not None:
            self._answer(refusal, {"WWW-Authenticate": 'Basic realm="git"'})
            return
        with tempfile.TemporaryFile() as answer:
            self._run_backend(body, answer)
            if not self._is_lost(fault):
                self._relay(answer, fault)

    def _is_lost(self, fault: "Fault | None") -> bool:
        """Drop the connection before what was done is told, or slow it down, where told to."""
        if fault == "lose_answer":
            self._reset()
        elif fault == "drip_head":
            self.wfile = Dripping(self.wfile, self.server.released)
        return fault == "lose_answer"

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

    def _environment(self, length: int) -> dict[str, str]:
        """What `git http-backend` is told about a request with a body of this many bytes."""
        return {
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
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def _run_backend(self, body: IO[bytes], answer: IO[bytes]) -> None:
        subprocess.run(
            ["git", "http-backend"],
            stdin=body,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env=self._environment(os.fstat(body.fileno()).st_size),
            check=False,
        )

    def _relay(self, answer: IO[bytes], fault: "Fault | None") -> None:
        """Turn the CGI answer into an HTTP one."""
        answer.seek(0)
        headers: dict[str, str] = {}
        while line := answer.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        status = int(headers.pop("Status", "200 OK" if headers else "500").split()[0])
        self._answer(status, headers, answer, fault)

    def _answer(
        self,
        status: int,
        headers: Mapping[str, str],
        body: IO[bytes] | None = None,
        fault: "Fault | None" = None,
    ) -> None:
        length = 0 if body is None else _left(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if body is not None:
            self._send(body, length, fault)

    def _send(self, body: IO[bytes], length: int, fault: "Fault | None") -> None:
        stream: io.BufferedIOBase = self.wfile
        if fault == "drip_body":
            stream = Dripping(stream, self.server.released)
        left = length // 2 if fault == "cut" else length
        while left and (part := body.read(min(left, _CHUNK_BYTES))):
            stream.write(part)
            left -= len(part)
        if fault == "cut":
            self.wfile.flush()
            self._reset()

    def _reset(self) -> None:
        reset(self.connection)
        self.close_connection = True


def _answer_with(request: bytes, pack: bytes) -> bytes:
    """The answer to a request that names a commit which the server is to know."""
    known = re.search(rb"have ([0-9a-f]{40})", request)
    parts = [b"ACK %b\n" % known[1]] if known else [b"NAK\n"]
    starts = range(0, len(pack), _BAND_BYTES_MAX)
    parts += [b"\1" + pack[start : start + _BAND_BYTES_MAX] for start in starts]
    return b"".join(b"%04x%b" % (len(part) + 4, part) for part in parts) + b"0000"


def _left(body: IO[bytes]) -> int:
    """How many bytes are still to be read."""
    here = body.tell()
    end = body.seek(0, io.SEEK_END)
    body.seek(here)
    return end - here
