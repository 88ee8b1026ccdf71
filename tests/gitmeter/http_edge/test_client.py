"""The bounded HTTP client: what it sends, what it keeps open, and how an exchange can end.

What its callers make of that is tested with them, against servers that fail in every way.
"""

import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from gitmeter.http_edge.client import (
    ExchangeError,
    HttpClient,
    LateError,
    Request,
    UnwantedBodyError,
)
from tests.support.local_http import LocalHttpServer

TIMEOUT_S = 30
FOUND = b"HTTP/1.1 200 OK\r\n"


class Scripted(LocalHttpServer):
    """Answers every request with the same bytes.

    Attributes:
        says: the bytes.
        hangs_up: whether the connection is closed after them.
        got: the request line and headers of each request.
        connections: how many were made.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.says = FOUND + b"Content-Length: 2\r\n\r\nok"
        self.hangs_up = False
        self.got: list[tuple[str, Message]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Scripted
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.got.append((self.requestline, self.headers))
        self.wfile.write(self.server.says)
        self.close_connection = self.server.hangs_up

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Requests are kept, not printed."""


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient() as made:
        yield made


def read(client: HttpClient, url: str, timeout_s: float = TIMEOUT_S) -> bytes:
    with client.exchange(Request("GET", url), timeout_s) as response:
        return response.read_all(100)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_response_that_was_read_leaves_its_connection_for_the_next_request(
    server: Scripted, client: HttpClient
) -> None:
    assert [read(client, server.url) for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 1


def test_what_was_not_read_is_not_taken_for_the_next_response(
    server: Scripted, client: HttpClient
) -> None:
    long = b"x" * 100_000
    server.says = FOUND + b"Content-Length: %d\r\n\r\n" % len(long) + long
    with client.exchange(Request("GET", server.url), TIMEOUT_S) as response:
        assert response.body.read(1) == b"x"
    assert _sockets_to(server.server_port) == 0
    server.says = FOUND + b"Content-Length: 2\r\n\r\nok"
    assert read(client, server.url) == b"ok"
    assert server.connections == 2


def test_a_server_that_hangs_up_after_each_response_leaves_no_file_open(
    server: Scripted, client: HttpClient
) -> None:
    """A list of two thousand pages would run out of them."""
    server.says = FOUND + b"Content-Length: 2\r\nConnection: close\r\n\r\nok"
    server.hangs_up = True
    read(client, server.url)
    before = open_files()
    for _ in range(50):
        read(client, server.url)
    assert open_files() < before + 25  # the server's own are among them


def test_a_closed_client_has_nothing_open_though_its_response_is_kept(server: Scripted) -> None:
    def keep() -> object:
        with HttpClient() as client, client.exchange(request, TIMEOUT_S) as response:
            assert response.read_all(2) == b"ok"
        return response

    request = Request("GET", server.url)
    sockets = []
    for _ in range(2):
        kept = keep()
        sockets.append(_sockets_to(server.server_port))
        del kept
    assert sockets == [0, 0]


def _sockets_to(port: int) -> int:
    """How many sockets of this machine are connected to a port, as `/proc/net/tcp` shows them."""
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    established = "01"
    found = [line.split() for line in lines]
    return sum(words[2].endswith(f":{port:04X}") and words[3] == established for words in found)


def test_headers_are_those_given_and_two_more(server: Scripted, client: HttpClient) -> None:
    with client.exchange(Request("GET", server.url, {"X-Mine": "1"}), TIMEOUT_S):
        pass
    (_, headers), *_ = server.got
    assert dict(headers.items()) == {
        "Host": f"127.0.0.1:{server.server_port}",
        "Accept-Encoding": "identity",
        "User-Agent": "gitmeter",
        "X-Mine": "1",
    }


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary Redirect"])
def test_a_redirect_is_a_response_and_not_followed(
    server: Scripted, client: HttpClient, status: bytes
) -> None:
    server.says = b"HTTP/1.1 %s\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status
    with client.exchange(Request("GET", server.url), TIMEOUT_S) as response:
        assert response.status == int(status[:3])
        assert response.headers["location"] == "/elsewhere"
    assert len(server.got) == 1


@pytest.mark.parametrize("says", [b"429 Too Many Requests", b"503 Service Unavailable"])
def test_a_request_is_sent_once(server: Scripted, client: HttpClient, says: bytes) -> None:
    """Also where the server says when to come back."""
    server.says = b"HTTP/1.1 %s\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n" % says
    with client.exchange(Request("GET", server.url), TIMEOUT_S) as response:
        assert response.status == int(says[:3])
    assert len(server.got) == 1


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(
    server: Scripted, client: HttpClient
) -> None:
    server.says = FOUND + b"Content-Length: 100\r\n\r\n" + b"x" * 100
    assert read(client, server.url) == b"x" * 100
    server.says = FOUND + b"Content-Length: 101\r\n\r\n" + b"x" * 101
    with pytest.raises(UnwantedBodyError, match="more than 100 bytes"):
        read(client, server.url)


def test_a_compressed_body_is_refused(server: Scripted, client: HttpClient) -> None:
    """What it would unfold to has no limit."""
    server.says = FOUND + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"
    with pytest.raises(UnwantedBodyError, match="compressed"):
        read(client, server.url)


@pytest.mark.parametrize(
    ("says", "words", "is_http"),
    [
        (FOUND + b"Content-Length: 9\r\n\r\nx", "unexpected EOF", False),
        (FOUND + b"Transfer-Encoding: chunked\r\n\r\n9\r\nx", "unexpected EOF", False),
        (b"SSH-2.0-OpenSSH\r\n", "SSH-2.0", False),
        (b"", "closed connection", False),
    ],
)
def test_what_is_no_whole_response_is_an_error(
    server: Scripted, client: HttpClient, says: bytes, words: str, *, is_http: bool
) -> None:
    server.says, server.hangs_up = says, True
    with pytest.raises(ExchangeError, match=words) as caught:
        read(client, server.url)
    assert caught.value.is_http is is_http


def test_nobody_at_the_address_is_an_error_in_the_systems_words(client: HttpClient) -> None:
    with pytest.raises(ExchangeError, match="Connection refused") as caught:
        read(client, "http://127.0.0.1:9/")
    assert caught.value.is_http


def test_the_end_of_the_time_is_not_the_end_of_a_body(server: Scripted, client: HttpClient) -> None:
    """Without a length, a body ends where the connection does."""
    server.says = FOUND + b"\r\nok"
    with pytest.raises(LateError, match=r"no whole answer in 0\.5 s"):
        read(client, server.url, 0.5)


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [("", False), ("other.example", False), ("127.0.0.1", True), ("127.0.0.0/8", True)],
)
def test_a_proxy_is_taken_from_the_environment(
    server: Scripted,
    client: HttpClient,
    monkeypatch: pytest.MonkeyPatch,
    no_proxy: str,
    *,
    is_direct: bool,
) -> None:
    """Named with or without a scheme, with a password; `no_proxy` may name a network."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, no_proxy)
    monkeypatch.setenv("http_proxy", f"me:secret@127.0.0.1:{server.server_port}")
    url = f"http://127.0.0.1:{server.server_port}/there"
    assert read(client, url) == b"ok"
    ((line, headers),) = server.got
    assert line == ("GET /there HTTP/1.1" if is_direct else f"GET {url} HTTP/1.1")
    assert headers.get("Proxy-Authorization") == (None if is_direct else "Basic bWU6c2VjcmV0")


def test_libraries_are_loaded_with_the_first_client_and_requests_with_the_first_proxy() -> None:
    """Most commands make none, and a push has a third of a second of CPU in all."""
    script = """\
import os, sys
loaded = lambda: [x for x in ("http.client", "ssl", "urllib3", "requests") if x in sys.modules]
from gitmeter.http_edge.client import ExchangeError, HttpClient, Request
print(loaded())
for proxy in ("", "http://127.0.0.1:9"):
    os.environ.update(http_proxy=proxy) if proxy else None
    try:
        with HttpClient() as client, client.exchange(Request("GET", "http://127.0.0.1:9/"), 9):
            pass
    except ExchangeError:
        print(loaded())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={}, capture_output=True, text=True, check=True
    )
    first = ["http.client", "ssl", "urllib3"]
    assert done.stdout.splitlines() == ["[]", str(first), str([*first, "requests"])]
