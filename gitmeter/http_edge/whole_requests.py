"""Requests that have arrived completely and within the limits, whatever a client sends."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_BYTES_MAX: Final = 1 << 20
"""Forgejo puts at most five commits into a post (`FEED_MAX_COMMIT_NUM`), each with the paths that
it touches: a pusher's commit adds at most eight. Kilobytes, then; a repo that is not a pusher's may
exceed this and is polled instead. The whole body must be read before its signature can be verified,
so this bounds the work that a stranger can cause."""

HEADER_BYTES_MAX: Final = 16 << 10
_log = structlog.get_logger()


class _TooLargeError(Exception):
    """A body exceeds the limit."""


class WholeRequests:
    """Calls the application with requests that have arrived completely and within the limits."""

    def __init__(
        self, application: "ASGIApp", too_large: Callable[[str], None], body_bytes_max: int
    ) -> None:
        self._application = application
        self._too_large = too_large
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Call the application, or answer in its place."""
        path = scope["path"]
        try:
            if _head_bytes(scope) > HEADER_BYTES_MAX:
                await _refuse(send, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            elif (body := await self._body_of(scope, receive)) is not None:
                await self._application(scope, _with_body(body, receive), send)
        except _TooLargeError:
            self._too_large(path)
            await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except Exception:  # noqa: BLE001 - one request must not end the listener; it is logged
            _log.exception("request failed", path=path)

    async def _body_of(self, scope: "Scope", receive: "Receive") -> bytes | None:
        """The whole body; None if the client has left."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if int(length) > self._body_bytes_max:
            raise _TooLargeError
        body, has_more = bytearray(), True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message["body"]
            if len(body) > self._body_bytes_max:
                raise _TooLargeError
            has_more = message["more_body"]
        return bytes(body)


def _head_bytes(scope: "Scope") -> int:
    """Counted here because uvicorn bounds only heads that arrive in pieces."""
    line = len(scope["raw_path"]) + len(scope["query_string"])
    return line + sum(len(name) + len(value) for name, value in scope["headers"])


def _with_body(body: bytes, receive: "Receive") -> "Receive":
    waiting = [body]

    async def received() -> "Message":
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()  # only that the client has left

    return received


async def _refuse(send: "Send", status: HTTPStatus) -> None:
    body = f"{status.phrase}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
