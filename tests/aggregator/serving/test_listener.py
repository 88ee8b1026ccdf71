"""The listener on a real socket: who is answered what, and what a bad client cannot do."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from aggregator.serving.pulse import HookResult
from aggregator.store.store import open_for_writing
from gitmeter.http_edge.address import ListenError, listen_on
from gitmeter.http_edge.secret_file import SecretFileError
from gitmeter.http_edge.server import THREADS, Server
from gitmeter.http_edge.signature import signature
from gitmeter.http_edge.whole_requests import BODY_BYTES_MAX
from tests.aggregator.serving.listening import SECRET, Site, answer_on, push_body, rest_of, signed
from tests.aggregator.serving.measured import measured


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path).listening() as site:
        yield site


def test_a_signed_push_becomes_a_hint(site: Site) -> None:
    assert site.post(push_body()).status_code == 202
    assert site.hints.due(0) == {"n"}
    assert site.count(HookResult.ACCEPTED) == 1


@pytest.mark.parametrize("header", ["X-Forgejo-Signature", "X-Gitea-Signature"])
def test_both_names_of_the_headers_are_known(site: Site, header: str) -> None:
    body = push_body()
    event = header.replace("Signature", "Event")
    sent = {header: signature(SECRET.encode(), body), event: "push"}
    assert site.post(body, sent).status_code == 202


def test_fifty_posts_at_once_are_one_hint(site: Site) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: site.post(push_body()).status_code, range(50)))
    assert answers == [202] * 50
    assert site.hints.due(0) == {"n"}
    assert site.hints.due(10) == frozenset()
    assert site.count(HookResult.ACCEPTED) == 50


@pytest.mark.parametrize(
    ("headers", "result"),
    [
        ({}, HookResult.UNSIGNED),
        ({"X-Forgejo-Event": "push"}, HookResult.UNSIGNED),
        # as of a webhook that has no secret
        (signed(push_body()) | {"X-Forgejo-Signature": ""}, HookResult.UNSIGNED),
        (signed(push_body(), secret=SECRET[::-1]), HookResult.WRONG_SIGNATURE),
        (signed(push_body() + b" "), HookResult.WRONG_SIGNATURE),
        (
            signed(push_body()) | {"X-Forgejo-Signature": signature(b"", push_body())},
            HookResult.WRONG_SIGNATURE,
        ),
        (
            signed(push_body())
            | {"X-Forgejo-Signature": signature(SECRET.encode(), push_body()).upper()},
            HookResult.WRONG_SIGNATURE,
        ),
        # a good signature under the second name does not mend a bad one under the first
        (
            signed(push_body())
            | {"X-Gitea-Signature": signature(SECRET.encode(), push_body())}
            | {"X-Forgejo-Signature": "0" * 64},
            HookResult.WRONG_SIGNATURE,
        ),
    ],
    ids=range(8),
)
def test_a_post_without_our_signature_is_refused(
    site: Site, headers: dict[str, str], result: HookResult
) -> None:
    assert site.post(push_body(), headers).status_code == 403
    assert site.count(result) == 1
    assert site.hints.due(0) == frozenset()


def test_a_post_that_packs_the_json_into_a_form_is_refused_as_such(site: Site) -> None:
    """The forge signs the JSON alone, so the signature is that of other bytes."""
    headers = signed(push_body()) | {"Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode({"payload": push_body().decode()}).encode()
    assert site.post(form, headers).status_code == 403
    assert site.count(HookResult.FORM) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "result"),
    [
        ("GET", "/webhook?payload=%7B%7D", signed(b"{}"), HookResult.WRONG_METHOD),
        ("PUT", "/webhook", {}, HookResult.WRONG_METHOD),
        ("POST", "/webhook/", signed(b""), HookResult.WRONG_PATH),
        ("POST", "/", {"X-Gitea-Event": "push"}, HookResult.WRONG_PATH),
        ("GET", "/robots.txt", {}, None),
        ("POST", "/metrics", {}, None),
    ],
)
def test_a_webhook_that_is_set_up_wrongly_is_counted_and_a_stranger_elsewhere_is_not(
    site: Site, method: str, path: str, headers: dict[str, str], result: HookResult | None
) -> None:
    assert requests.request(method, site.url(path), headers=headers, timeout=30).status_code > 400
    counted = {result for result in HookResult if site.count(result)}
    assert counted == ({result} if result else set())


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (push_body(99), "push"),
        (push_body(ref="refs/heads/other"), "push"),
        (push_body(ref="refs/tags/main"), "push"),
        (push_body(), "create"),
        (b"not even JSON", "issues"),
    ],
)
def test_what_is_signed_and_not_ours_is_ignored(site: Site, body: bytes, event: str) -> None:
    """With a good status, or the forge would show the webhook as broken."""
    assert site.post(body, signed(body, event=event)).status_code == 200
    assert site.count(HookResult.IGNORED) == 1
    assert site.hints.due(0) == frozenset()


def test_what_is_signed_and_no_push_is_told_as_such(site: Site) -> None:
    assert site.post(b'{"ref": 1}').status_code == 400
    assert site.count(HookResult.MALFORMED) == 1


def test_without_a_secret_every_post_is_refused(tmp_path: Path) -> None:
    """Also one that is signed with nothing."""
    with Site(tmp_path, webhook_secret_file=None).listening() as site:
        body = push_body()
        assert site.post(body, signed(body, secret="")).status_code == 403
        assert site.count(HookResult.NO_SECRET) == 1
        assert site.get("/healthz").status_code == 200


def test_the_largest_body_is_taken_and_one_byte_more_is_not(site: Site) -> None:
    filler = BODY_BYTES_MAX - len(push_body())
    assert site.post(push_body(filler=filler)).status_code == 202
    body = push_body(filler=filler + 1)
    head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with site.connect() as connection:
        connection.sendall(head.encode())
        assert answer_on(connection).startswith(b"HTTP/1.1 413 ")
    assert site.count(HookResult.TOO_LARGE) == 1


def test_a_body_without_a_length_has_the_same_limit(site: Site) -> None:
    """Chunks are counted as they come; what is past the limit is not waited for."""
    head = b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with site.connect() as connection:
        # not a byte more than it reads, or closing would break off the answer
        connection.sendall(head + b"%x\r\n" % (1 << 30) + b"x" * (BODY_BYTES_MAX + 1))
        assert answer_on(connection).startswith(b"HTTP/1.1 413 ")
    assert site.count(HookResult.TOO_LARGE) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("POST", "/", 404, None),
        ("GET", "/metrics/", 404, None),
        ("GET", "/webhook/../metrics", 200, None),  # the client itself makes it /metrics
        ("GET", "/%2e%2e/metrics", 404, None),
        ("GET", "/webhook", 405, "POST"),
        ("PUT", "/webhook", 405, "POST"),
        ("POST", "/metrics", 405, "GET"),
        ("POST", "/healthz", 405, "GET"),
        ("DELETE", "/healthz", 405, "GET"),
    ],
)
def test_nothing_else_is_answered(
    site: Site, method: str, path: str, status: int, allow: str | None
) -> None:
    found = requests.request(method, site.url(path), timeout=30)
    assert (found.status_code, found.headers.get("Allow")) == (status, allow)


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n",
        b"GET /\xff\xfe%ff HTTP/1.1\r\nHost: \xff\r\n\r\n",
    ],
    ids=range(8),
)
def test_garbage_stops_nobody_else(site: Site, sent: bytes) -> None:
    # it may be closed on us, which is an answer too
    with site.connect() as connection, suppress(OSError):
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer_on(connection)
    assert site.get("/healthz").status_code == 200


def test_slow_clients_keep_nobody_waiting(site: Site) -> None:
    """More of them than there are threads, each in the middle of its request."""
    slow = [site.connect() for _ in range(THREADS * 3)]
    try:
        for number, connection in enumerate(slow):
            head = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
            connection.sendall(head if number % 2 else head[:20])
        assert site.get("/healthz").status_code == 200
        assert site.post(push_body()).status_code == 202
    finally:
        for connection in slow:
            connection.close()


def test_a_byte_now_and_then_does_not_hold_a_connection_for_ever(tmp_path: Path) -> None:
    """The limit is for the request as a whole."""
    with Site(tmp_path, request_s=0.5).listening() as site, site.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        connection.settimeout(0.05)
        assert any(_is_closed(connection) for _ in range(600))


def _is_closed(connection: socket.socket) -> bool:
    """Send one more byte and look."""
    try:
        connection.sendall(b"x")
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_clients_that_take_no_answer_are_closed_and_free_their_threads() -> None:
    """Their sockets never become writable."""
    large_bytes, block = 64 << 20, b"x" * (1 << 20)

    def answer(request: Request) -> Response:
        is_large = request.url.path == "/large"
        return StreamingResponse(
            repeat(block, large_bytes // len(block)) if is_large else ["small"]
        )

    application = Starlette(routes=[Route("/{path:path}", answer)])

    listening = listen_on("127.0.0.1:0")
    address = listening.getsockname()
    server = Server(application, listening, lambda _: None, request_s=0.5)
    server.start()
    stalled = [socket.create_connection(address) for _ in range(THREADS)]
    try:
        for connection in stalled:
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        url = f"http://127.0.0.1:{address[1]}/"
        assert requests.get(url, timeout=30).content == b"small"
        assert all(len(rest_of(connection)) < large_bytes for connection in stalled)
    finally:
        server.stop()
        for connection in stalled:
            connection.close()


def test_each_connection_carries_one_request(site: Site) -> None:
    """It could otherwise be closed for its age just as the forge posts on it."""
    with site.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        found = answer_on(connection)
    assert found.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in found


def test_an_error_in_one_request_is_a_500_and_no_more(site: Site) -> None:
    del site.names  # the daemon's own fault, whatever it is
    found = site.post(push_body())
    assert (found.status_code, found.text) == (500, "Internal Server Error\n")
    assert site.get("/healthz").status_code == 200


def test_health_follows_the_loop(site: Site, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").touch()
    assert site.get("/healthz").json()["status"] == "starting"
    site.pulse.pull_started()
    site.pulse.pull_finished()
    found = site.get("/healthz")
    assert (found.status_code, found.json()["status"]) == (200, "ok")
    assert found.headers["Cache-Control"] == "no-store"


def test_a_sick_loop_is_a_503_with_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.serving.health.LOOP_AGE_MAX_S", -1)
    with Site(tmp_path).listening() as site:
        found = site.get("/healthz")
    assert (found.status_code, found.json()["status"]) == (503, "failing")
    assert "the loop" in found.json()["reasons"][0]


def test_posts_are_measured(site: Site) -> None:
    site.post(push_body())
    site.post(push_body(), {})
    found = measured(site.get("/metrics").content)
    counts = {str(result): 0.0 for result in HookResult} | {"accepted": 1.0, "unsigned": 1.0}
    assert found.by("gitmeter_webhook_requests_total", "result") == counts


def test_too_many_scrapes_at_once_leave_threads_for_hints(site: Site, tmp_path: Path) -> None:
    """A slow disk may keep scrapes waiting; a hint goes by them."""
    open_for_writing(tmp_path / "ledger.db").close()
    stalled, go_on = threading.Barrier(3), threading.Event()

    def stall() -> None:
        stalled.wait(30)
        go_on.wait(30)

    site.on_scrape = stall
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(site.get, "/metrics") for _ in range(2)]
        stalled.wait(30)
        try:
            assert site.get("/metrics").status_code == 503
            assert site.post(push_body()).status_code == 202
        finally:
            go_on.set()
        assert [future.result().status_code for future in running] == [200, 200]


def test_stopping_lets_a_running_request_end(tmp_path: Path) -> None:
    site = Site(tmp_path)
    reached, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        reached.set()
        go_on.wait(30)

    site.on_name = slow
    with ThreadPoolExecutor(2) as pool, site.listening():
        post = pool.submit(site.post, push_body())
        assert reached.wait(30)
        stop = pool.submit(site.listener.stop)
        go_on.set()
        assert post.result().status_code == 202
        stop.result()
        with pytest.raises(requests.ConnectionError):
            site.get("/healthz")


def test_stopping_does_not_wait_for_clients(tmp_path: Path) -> None:
    with Site(tmp_path).listening() as site:
        slow = [site.connect() for _ in range(5)]
        for connection in slow:
            connection.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        site.listener.stop()
        for connection in slow:
            with connection:
                assert rest_of(connection) == b""


def test_stopping_twice_or_before_the_start_is_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.listener.stop()
    with site.listening():
        site.listener.stop()


def test_an_address_in_use_is_told_with_what_to_do(site: Site, tmp_path: Path) -> None:
    other = Site(tmp_path, address=f"127.0.0.1:{site.listener.port}")
    with pytest.raises(ListenError, match="in use") as caught:
        other.listener.start()
    assert "[listen]" in caught.value.hint


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no-such-host.invalid:0", "[2001:db8::1]:0"])
def test_an_address_that_is_not_ours_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(ListenError):
        Site(tmp_path, address=address).listener.start()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_listens_on_ipv6(tmp_path: Path) -> None:
    with Site(tmp_path, address="[::1]:0").listening() as site:
        url = f"http://[::1]:{site.listener.port}/healthz"
        assert requests.get(url, timeout=30).status_code == 200


def _ask_socket(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return answer_on(connection)


def test_it_listens_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "listen.sock"
    with Site(tmp_path, address=f"unix:{path}").listening() as site:
        assert site.listener.port is None
        assert _ask_socket(path).startswith(b"HTTP/1.1 200 ")
        assert path.stat().st_mode & 0o007 == 0
        with pytest.raises(ListenError, match="already"):
            Site(tmp_path, address=f"unix:{path}").listener.start()
        assert _ask_socket(path).startswith(b"HTTP/1.1 200 ")
    assert not path.exists()


def test_a_socket_that_a_killed_daemon_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "listen.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with Site(tmp_path, address=f"unix:{path}").listening():
        assert _ask_socket(path).startswith(b"HTTP/1.1 200 ")


def test_a_file_in_the_way_of_a_unix_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "listen.sock"
    path.write_text("precious")
    with pytest.raises(ListenError):
        Site(tmp_path, address=f"unix:{path}").listener.start()
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "mode", "match"),
    [
        (None, 0, "cannot be read"),
        ("", 0o600, "one word"),
        ("two words of a secret", 0o600, "one word"),
        ("short", 0o600, "characters"),
        ("a-secret-of-the-forge", 0o604, "every user"),
        ("a-secret-of-the-förge", 0o600, "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_used_stops_the_start(
    tmp_path: Path, text: str | None, mode: int, match: str
) -> None:
    path = tmp_path / "secret"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(SecretFileError, match=match):
        Site(tmp_path, webhook_secret_file=path).listener.start()
