"""What a client can send on one connection of the server, and how long it holds it."""

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gitmeter.http_edge.served_connection import AHEAD_MAX
from gitmeter.http_edge.whole_requests import BODY_BYTES_MAX, HEADER_BYTES_MAX
from tests.gitmeter.http_edge.test_server import (
    ASK,
    PATIENCE_S,
    all_of,
    application,
    running,
    up_to,
)

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LARGE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1)


def said(request: Request) -> Response:
    """Who the request says it is from."""
    return PlainTextResponse(f"from {request.headers.get('From')}.")


def ends(send: Callable[[bytes], object], first: bytes, again: bytes) -> bool:
    """Whether a connection ends although something is sent on it again and again."""
    until_s = time.monotonic() + PATIENCE_S
    for number in count():
        try:
            send(again if number else first)
        except OSError:
            return True
        if time.monotonic() > until_s:
            return False
        time.sleep(0.05)
    raise AssertionError


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"GET / HTTP/1.1\r\nX: ", b"x"),
        (b"\r\n", b"\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (CHUNKED + b"1\r\nx\r\n", b"1\r\nx\r\n"),
        (CHUNKED + b"0\r\nX: ", b"x"),
        (TOO_LARGE, b"x"),
    ],
)
def test_who_sends_a_little_all_the_time_holds_no_connection(first: bytes, again: bytes) -> None:
    """Of a request that never ends, though others before it did, or that is answered already."""
    with (
        running(application(said), request_s=1, keep_alive_s=60) as place,
        place.connect() as connection,
    ):
        connection.sendall(ASK)
        up_to(connection, b"from None.")
        assert ends(connection.sendall, first, again)


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX: ", CHUNKED + b"0\r\nX: "])
def test_what_leads_to_nothing_is_not_kept(begun: bytes) -> None:
    """Long before its time is up."""
    with running(application(said), keep_alive_s=60) as place, place.connect() as connection:
        assert ends(connection.sendall, begun, b"x" * (HEADER_BYTES_MAX // 2))


def test_a_header_after_the_body_says_nothing() -> None:
    with running(application(said), keep_alive_s=60) as place, place.connect() as connection:
        connection.sendall(CHUNKED + b"1\r\nx\r\n0\r\nFrom: me\r\n\r\n")
        assert up_to(connection, b".").endswith(b"from None.")
        connection.sendall(ASK)
        assert up_to(connection, b".").endswith(b"from None.")


def test_what_is_no_request_is_refused_after_the_answers_to_those_before_it() -> None:
    with running(application(said), keep_alive_s=60) as place, place.connect() as connection:
        connection.sendall(ASK + ASK + b"nonsense\r\n\r\n")
        found = all_of(connection)
    assert [found.count(b"HTTP/1.1 200 OK"), found.count(b"HTTP/1.1 4")] == [2, 0]


def test_who_sends_many_requests_without_waiting_is_not_answered() -> None:
    """A few ahead are, in their order; memory does not grow with what a client sends."""
    go_on = threading.Event()

    def answer(request: Request) -> Response:
        go_on.wait(PATIENCE_S)
        return said(request)

    with (
        running(application(answer), keep_alive_s=60) as place,
        place.connect() as few,
        place.connect() as many,
    ):
        many.sendall(ASK * 1_000)
        few.sendall(ASK * AHEAD_MAX)
        assert all_of(many) == b""
        go_on.set()
        found = b""
        while found.count(b"from None.") < AHEAD_MAX:
            found += few.recv(65536)


def test_nonsense_alone_is_refused() -> None:
    with running(application(said), keep_alive_s=60) as place, place.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 400 Bad Request")


def test_who_wants_another_protocol_is_answered_once_in_this_one() -> None:
    with running(application(said), keep_alive_s=60) as place, place.connect() as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nFrom: me\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        )
        found = all_of(connection)
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in found
    assert found.endswith(b"from me.")


def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on() -> None:
    with running(application(said), keep_alive_s=60) as place, place.connect() as connection:
        connection.sendall(TOO_LARGE)
        assert up_to(connection, b"\n").startswith(b"HTTP/1.1 413")
        connection.sendall(b"x" * (BODY_BYTES_MAX + 1) + ASK)
        assert up_to(connection, b".").endswith(b"from None.")
