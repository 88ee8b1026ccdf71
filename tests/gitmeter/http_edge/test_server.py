"""The bounded server under any ASGI application: its limits, its end, and what it logs."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from gitmeter.http_edge import server as serving
from gitmeter.http_edge.address import listen_on
from gitmeter.http_edge.server import CONNECTIONS_MAX, REQUEST_S, THREADS, Server
from gitmeter.http_edge.whole_requests import HEADER_BYTES_MAX

PATIENCE_S = 30
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Place:
    """A server that runs, and where."""

    def __init__(self, server: Server, address: tuple[str, int]) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{address[1]}/"
        self._address = address

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(self._address, PATIENCE_S)


@contextmanager
def running(
    application: ASGIApp, request_s: float = REQUEST_S, keep_alive_s: int = 0
) -> Iterator[Place]:
    """Serve for a while."""
    listening = listen_on("127.0.0.1:0")
    server = Server(application, listening, lambda _: None, request_s, keep_alive_s=keep_alive_s)
    address = listening.getsockname()
    server.start()
    try:
        yield Place(server, address)
    finally:
        server.stop()


def application(answer: Callable[[Request], Response]) -> Starlette:
    """One that answers every path by this function, in the pool of threads."""
    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def well(_: Request) -> Response:
    return PlainTextResponse("well")


def all_of(connection: socket.socket) -> bytes:
    found = b""
    with suppress(ConnectionResetError):
        while block := connection.recv(65536):
            found += block
    return found


def up_to(connection: socket.socket, end: bytes) -> bytes:
    """What is received until it ends so."""
    found = b""
    while not found.endswith(end):
        found += connection.recv(65536)
    return found


def test_a_burst_past_the_limit_of_connections_is_answered_in_turn() -> None:
    """What does not fit waits in the backlog of the socket and is not turned away."""
    with running(application(well)) as place:
        crowd = [place.connect() for _ in range(CONNECTIONS_MAX + 50)]
        try:
            for connection in crowd:
                connection.sendall(ASK)
            answers = [all_of(connection) for connection in crowd]
        finally:
            for connection in crowd:
                connection.close()
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * len(crowd)


def test_silent_clients_make_room_when_their_time_is_up() -> None:
    with running(application(well), request_s=1) as place:
        silent = [place.connect() for _ in range(CONNECTIONS_MAX)]
        try:
            assert requests.get(place.url, timeout=PATIENCE_S).text == "well"
        finally:
            for connection in silent:
                connection.close()


def test_no_more_than_a_few_requests_are_at_work_at_once() -> None:
    """A handler that blocks holds a thread, and nothing else."""
    at_work, most, lock = [0], [0], threading.Lock()
    full, go_on = threading.Event(), threading.Event()

    def slow(_: Request) -> Response:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            if at_work[0] == THREADS:
                full.set()
        go_on.wait(PATIENCE_S)
        with lock:
            at_work[0] -= 1
        return PlainTextResponse("done")

    with running(application(slow)) as place, ThreadPoolExecutor(THREADS * 3) as pool:
        waiting = [
            pool.submit(requests.get, place.url, timeout=PATIENCE_S) for _ in range(THREADS * 3)
        ]
        assert full.wait(PATIENCE_S)
        go_on.set()
        assert [found.result().text for found in waiting] == ["done"] * (THREADS * 3)
    assert most == [THREADS]


def test_a_connection_that_may_be_kept_carries_one_request_after_another() -> None:
    """Also such as arrive with the one before; the idle one is closed after its time."""
    with running(application(well), keep_alive_s=1) as place, place.connect() as connection:
        connection.sendall(ASK)
        first = up_to(connection, b"well")
        connection.sendall(ASK + ASK)
        rest = all_of(connection)
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" not in (first + rest).lower()
    assert rest.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "begun", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nha"]
)
def test_each_request_of_a_connection_has_its_own_time(begun: bytes) -> None:
    """One that is begun and never ends is aborted, however many were answered before."""
    with (
        running(application(well), request_s=1, keep_alive_s=60) as place,
        place.connect() as connection,
    ):
        for _ in range(3):
            connection.sendall(ASK)
            assert up_to(connection, b"well").startswith(b"HTTP/1.1 200 OK")
        connection.sendall(begun)
        assert all_of(connection) == b""


def test_an_answer_that_is_not_read_holds_no_connection() -> None:
    """However many were asked for before; it is aborted when its time is up."""
    large = Response(b"x" * 50_000)
    with (
        running(application(lambda _: large), request_s=1, keep_alive_s=60) as place,
        place.connect() as connection,
    ):
        connection.sendall(ASK * 200)
        ended = threading.Event()
        while place.server._connections():
            ended.wait(0.05)
    assert not ended.is_set()


def test_no_answer_waits_for_the_client_to_acknowledge_one_before() -> None:
    """One that acknowledges late would see each 40 ms later."""
    reached, go_on = threading.Event(), threading.Event()

    def hold(_: Request) -> Response:
        reached.set()
        go_on.wait(PATIENCE_S)
        return PlainTextResponse("done")

    with running(application(hold), keep_alive_s=5) as place, place.connect() as connection:
        connection.sendall(ASK)
        assert reached.wait(PATIENCE_S)
        (held,) = place.server._connections()
        taken = held.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        go_on.set()


@pytest.mark.parametrize("over", [False, True])
def test_the_limit_of_headers_does_not_depend_on_how_they_arrive(*, over: bool) -> None:
    filler = "x" * (HEADER_BYTES_MAX if over else HEADER_BYTES_MAX - 200)
    with running(application(well)) as place:
        found = requests.get(place.url, headers={"X": filler}, timeout=PATIENCE_S)
        with place.connect() as connection:
            # piece by piece; what is past the limit is not waited for
            with suppress(OSError):
                for byte_no in range(0, len(filler), 1000):
                    connection.sendall(b"GET / HTTP/1.1\r\nX: " if not byte_no else b"")
                    connection.sendall(filler[byte_no : byte_no + 1000].encode())
                connection.sendall(b"\r\nHost: x\r\n\r\n")
            slow = all_of(connection)
    assert found.status_code == (431 if over else 200)
    assert slow.startswith(b"HTTP/1.1 200") is not over


def test_stopping_waits_a_few_seconds_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a handler that hangs; its client gets an answer or a closed connection."""
    monkeypatch.setattr(serving, "DRAIN_S", 1)
    reached, go_on = threading.Event(), threading.Event()

    def hang(_: Request) -> Response:
        reached.set()
        go_on.wait(PATIENCE_S)
        return PlainTextResponse("late")

    try:
        with running(application(hang)) as place, place.connect() as connection:
            connection.sendall(ASK)
            assert reached.wait(PATIENCE_S)
            place.server.stop()
            assert not go_on.is_set()
            assert b"late" not in all_of(connection)
    finally:
        go_on.set()


def test_signals_are_left_to_the_program() -> None:
    def handlers() -> list[object]:
        return [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    before = handlers()
    with running(application(well)) as place:
        assert requests.get(place.url, timeout=PATIENCE_S).ok
        assert handlers() == before


def test_a_client_that_leaves_inside_its_body_is_no_error() -> None:
    with capture_logs() as logs, running(application(well)) as place:
        with place.connect() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        assert requests.get(place.url, timeout=PATIENCE_S).ok
    assert logs == []


def test_a_fault_of_the_application_is_logged_once_and_answered() -> None:
    def fail(_: Request) -> Response:
        raise ValueError("a fault")

    with capture_logs() as logs, running(application(fail)) as place:
        assert requests.get(f"{place.url}there", timeout=PATIENCE_S).status_code == 500
    assert [(log["event"], log["path"]) for log in logs] == [("request failed", "/there")]


def test_what_uvicorn_has_to_say_goes_to_our_log() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        """Answers nothing, which is against the protocol."""

    with capture_logs() as logs, running(silent) as place:
        assert requests.get(place.url, timeout=PATIENCE_S).status_code == 500
    assert [log["event"] for log in logs] == ["listener"]
    assert "without starting response" in logs[0]["detail"]
