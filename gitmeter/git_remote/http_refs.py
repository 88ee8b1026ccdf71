"""Where a ref of a repo stands, asked over http without starting git, which takes ten times longer.

One request, the first one of git's smart protocol (gitprotocol-http(5)), bounded in time and in
bytes as a whole. libgit2 can ask it too, but its time limit is for each read, so that a server that
sends a byte a second outlasts it, and it keeps every ref of the server in memory.
"""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib import request
from urllib.error import HTTPError, URLError

from gitmeter.git_remote.failures import (
    GitTimeoutError,
    RemoteConfigError,
    RemoteError,
    UnreachableError,
    failure,
)
from gitmeter.git_remote.remote import CA_ENVIRONMENT, Remote, authorization, ca_file

ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of one answer: a ref takes about 60 bytes, and branches come before all others."""

_CONTENT_TYPE: Final = "application/x-git-upload-pack-advertisement"
_NOT_GIT_HINT: Final = "something other than git answers at this address"
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_LENGTH: Final = re.compile(rb"[0-9a-fA-F]{4}")
_LENGTH_BYTES: Final = 4


class Advertised(NamedTuple):
    """What a server says of a ref.

    Attributes:
        commit: where it stands; None when it is not there.
        has_refs: whether the repo has any ref.
    """

    commit: str | None
    has_refs: bool


class _NotGitError(Exception):
    """The answer is not one of git's smart protocol."""


def advertised(remote: Remote, ref: str, timeout_s: float) -> Advertised:
    """Ask a remote over http or https where `ref` stands.

    Proxies are taken from the environment, as git does; a redirect is not followed.

    Args:
        remote: whom to ask.
        ref: its full name.
        timeout_s: for connecting to one address, and for the whole of everything after.

    Raises:
        RemoteError, or a more precise one: as `gitmeter.git_remote.branch.read_branch`.
    """
    url = remote.url
    asked = request.Request(  # noqa: S310 - a Remote has http or https here
        f"{url.rstrip('/')}/info/refs?service=git-upload-pack", headers=_headers(remote)
    )
    with _Deadline(timeout_s) as deadline:
        try:
            with _opener(deadline).open(asked, timeout=timeout_s) as answer:
                return _read(url, ref, answer)
        except HTTPError as error:
            raise _of_status(remote, error) from None
        except (OSError, HTTPException, _NotGitError) as error:
            if deadline.passed or isinstance(getattr(error, "reason", error), TimeoutError):
                raise GitTimeoutError(f"{url}: no whole answer in {timeout_s:g} s") from None
            raise _of_error(url, error) from error


class _Deadline:
    """Shuts the connection down when the time is up, wherever the other side has got to."""

    def __init__(self, timeout_s: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(timeout_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def watch(self, connected: socket.socket) -> None:
        """Note a connection, by a second handle of it: TLS takes the first one over."""
        with self._lock:
            self._socket = connected.dup()
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        self.passed = True
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    deadline: _Deadline

    def connect(self) -> None:
        super().connect()
        self.deadline.watch(self.sock)


class _TlsConnection(HTTPSConnection, _Connection):
    """`HTTPSConnection.connect` calls the one above before it speaks TLS."""


class _Handler(request.AbstractHTTPHandler):
    http_request = https_request = request.AbstractHTTPHandler.do_request_

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(self._make(_Connection), req)

    def https_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(self._make(_TlsConnection), req, context=tls_context())

    def _make(self, kind: type[_Connection]) -> Any:  # noqa: ANN401 - urllib takes any factory
        def make(host: str, **options: Any) -> _Connection:  # noqa: ANN401 - urllib's own
            connection = kind(host, **options)
            connection.deadline = self._deadline
            return connection

        return make


def _opener(deadline: _Deadline) -> request.OpenerDirector:
    """Without the handlers that follow redirects or read other kinds of addresses."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        _Handler(deadline),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def tls_context() -> ssl.SSLContext:
    """Certificates are checked against this machine's authorities, or those of `SSL_CERT_FILE`.

    Raises:
        RemoteConfigError: that file cannot be used.
    """
    given = ca_file()
    path = given or ssl.get_default_verify_paths().cafile
    changed_ns = Path(path).stat().st_mtime_ns if path else 0
    try:
        return _tls_context(given, changed_ns)
    except OSError as error:
        raise RemoteConfigError(f"{CA_ENVIRONMENT} cannot be used: {given}: {error}") from error


@lru_cache(maxsize=2)
def _tls_context(given: str | None, changed_ns: int) -> ssl.SSLContext:
    """Reading all authorities takes longer than a request."""
    del changed_ns
    return ssl.create_default_context(cafile=given)


def _headers(remote: Remote) -> dict[str, str]:
    headers = {"User-Agent": "git/2 (gitmeter)", "Accept": "*/*"}
    proof = authorization(remote)
    return headers if proof is None else headers | {"Authorization": proof}


def _read(url: str, ref: str, answer: HTTPResponse) -> Advertised:
    if answer.headers.get_content_type() != _CONTENT_TYPE:
        raise _NotGitError(f"invalid content-type: {answer.headers.get_content_type()}")
    packets = _packets(answer)
    if next(packets) != b"# service=git-upload-pack\n" or next(packets) != b"":
        raise _NotGitError("the answer is not git's")
    wanted, has_refs = ref.encode(), False
    for packet in packets:
        if not packet:
            return Advertised(None, has_refs)
        if packet.startswith(b"ERR "):
            raise failure(url, packet.removeprefix(b"ERR ").decode(errors="replace"))
        commit, _, rest = packet.rstrip(b"\n").partition(b" ")
        name = rest.partition(b"\0")[0]
        if name == wanted:
            return Advertised(commit.decode(errors="replace"), has_refs=True)
        has_refs = has_refs or name.startswith(b"refs/")
    raise _NotGitError("the answer is not git's")


def _packets(answer: HTTPResponse) -> Iterator[bytes]:
    """The packets of an answer; an empty one ends a section."""
    left = ANSWER_BYTES_MAX
    while True:
        head = _exactly(answer, _LENGTH_BYTES)
        if _LENGTH.fullmatch(head) is None or 0 < (length := int(head, 16)) < _LENGTH_BYTES:
            raise _NotGitError("the answer is not git's")
        if (left := left - max(length, _LENGTH_BYTES)) < 0:
            raise _NotGitError(f"the repo names its refs in more than {ANSWER_BYTES_MAX} bytes")
        yield _exactly(answer, length - _LENGTH_BYTES) if length else b""


def _exactly(answer: HTTPResponse, count: int) -> bytes:
    data = answer.read(count)
    if len(data) < count:
        raise _NotGitError("unexpected EOF: the answer is not whole")
    return data


def _of_status(remote: Remote, error: HTTPError) -> RemoteError:
    with error:
        words = f"unexpected http status code: {error.code}"
        if error.code == 401:  # noqa: PLR2004 - HTTP's own
            words = "authentication required"
            if remote.token_file is not None:
                words = "authentication failed: the token was not accepted"
        found = failure(remote.url, words)
        wait = error.headers.get("Retry-After", "")
    if _SECONDS.fullmatch(wait):
        found.retry_after_s = int(wait)
    return found


def _of_error(url: str, error: Exception) -> RemoteError:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return failure(url, str(reason))
    words = str(reason) or type(reason).__name__
    hint = _NOT_GIT_HINT if isinstance(reason, (_NotGitError, HTTPException)) else ""
    return UnreachableError(f"{url}: {words}", hint=hint)
