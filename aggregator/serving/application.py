"""The endpoints of the listener: `POST /webhook`, `GET /metrics`, `GET /healthz`."""

import threading
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.serving import health
from aggregator.serving.hints import Hints
from aggregator.serving.metrics import CONTENT_TYPE, Metrics
from aggregator.serving.pulse import HookResult, Pulse
from aggregator.serving.webhook import (
    EVENT_HEADERS,
    PUSH,
    SIGNATURE_HEADERS,
    BadPush,
    Push,
    read_push,
)
from gitmeter.http_edge.signature import check_signature
from gitmeter.support.backoff import is_worth_a_log

WEBHOOK: Final = "/webhook"
_SCRAPES_MAX: Final = 2
"""Scrapes at a time: fewer than there are threads, so that a slow disk delays no webhook."""

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_FORM: Final = "application/x-www-form-urlencoded"
_STATUS_OF: Final = {
    HookResult.ACCEPTED: HTTPStatus.ACCEPTED,
    HookResult.IGNORED: HTTPStatus.OK,
    HookResult.NO_SECRET: HTTPStatus.FORBIDDEN,
    HookResult.UNSIGNED: HTTPStatus.FORBIDDEN,
    HookResult.WRONG_SIGNATURE: HTTPStatus.FORBIDDEN,
    HookResult.FORM: HTTPStatus.FORBIDDEN,
    HookResult.WRONG_METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    HookResult.WRONG_PATH: HTTPStatus.NOT_FOUND,
    HookResult.MALFORMED: HTTPStatus.BAD_REQUEST,
    HookResult.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_log = structlog.get_logger()


class Application:
    """The endpoints and what they need; an error in one request affects no other.

    Args:
        secret: shared with the forge; None to refuse every post.
        hints: receives the repos of accepted pushes.
        names: the names of the repos that a push is about; none for a repo or branch that is not
            read.
        pulse: state of the loop; also counts requests to the webhook by their result.
        metrics: renders the measurements.
        has_ledger: whether the file of the ledger is there.
    """

    def __init__(
        self,
        secret: bytes | None,
        hints: Hints,
        names: Callable[[Push], AbstractSet[str]],
        pulse: Pulse,
        metrics: Metrics,
        has_ledger: Callable[[], bool],
    ) -> None:
        self._has_ledger = has_ledger
        self._secret = secret
        self._hints = hints
        self._names = names
        self._pulse = pulse
        self._metrics = metrics
        self._scrapes = threading.BoundedSemaphore(_SCRAPES_MAX)

    def asgi(self) -> Starlette:
        """The application for a server; endpoints run in its thread pool."""
        application = Starlette(
            routes=[
                _route("POST", WEBHOOK, self._webhook),
                _route("GET", "/metrics", self._scrape),
                _route("GET", "/healthz", self._health),
            ],
            exception_handlers={HTTPException: self._refused, Exception: _failed},
        )
        application.router.redirect_slashes = False
        return application

    def too_large(self, path: str) -> None:
        """Count a request whose body the server refused for its length."""
        if path == WEBHOOK:
            self._count(HookResult.TOO_LARGE)

    async def _webhook(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._hooked, body, request.headers)

    def _hooked(self, body: bytes, headers: Headers) -> Response:
        result = self._take(body, headers)
        self._count(result)
        return _plain(_STATUS_OF[result], result)

    def _take(self, body: bytes, headers: Headers) -> HookResult:
        if (fault := self._signature_fault(body, headers)) is not None:
            return fault
        if _first(headers, EVENT_HEADERS) != PUSH:
            return HookResult.IGNORED
        push = read_push(body)
        if isinstance(push, BadPush):
            return HookResult.MALFORMED
        names = self._names(push)
        for name in names:
            self._hints.hint(name)
            _log.debug("hint", repo=name)
        return HookResult.ACCEPTED if names else HookResult.IGNORED

    def _signature_fault(self, body: bytes, headers: Headers) -> HookResult | None:
        """Why a post is not known to be the forge's; None if it is."""
        if self._secret is None:
            return HookResult.NO_SECRET
        signature = _first(headers, SIGNATURE_HEADERS)
        if not signature:  # the header of a webhook without a secret is empty
            return HookResult.UNSIGNED
        if check_signature(self._secret, body, signature):
            return None
        is_form = headers.get("Content-Type", "").lower().startswith(_FORM)
        return HookResult.FORM if is_form else HookResult.WRONG_SIGNATURE

    def _refused(self, request: Request, error: Exception) -> Response:
        """Answer for an unknown path or a wrong method, and count what was meant for us."""
        if not isinstance(error, HTTPException):
            raise error
        if request.url.path == WEBHOOK:
            self._count(HookResult.WRONG_METHOD)
        elif _first(request.headers, EVENT_HEADERS) is not None:
            self._count(HookResult.WRONG_PATH)
        response = _plain(HTTPStatus(error.status_code))
        response.headers.update(error.headers or {})
        return response

    def _count(self, result: HookResult) -> None:
        count = self._pulse.hook(result)
        if result.is_refused and is_worth_a_log(count):
            _log.warning("webhook not taken", result=str(result), count=count)

    def _scrape(self, _: Request) -> Response:
        if not self._scrapes.acquire(blocking=False):
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "other scrapes are running")
        try:
            return _response(HTTPStatus.OK, self._metrics.text(), CONTENT_TYPE)
        finally:
            self._scrapes.release()

    def _health(self, _: Request) -> Response:
        beat, has_ledger = self._pulse.read(), self._has_ledger()
        is_well = health.judge(beat, has_ledger=has_ledger).is_well
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        answer = health.answer(beat, has_ledger=has_ledger)
        return _response(status, orjson.dumps(answer) + b"\n", _JSON)


def _route(method: str, path: str, endpoint: Callable[[Request], Any]) -> Route:
    route = Route(path, endpoint, methods=[method])
    route.methods = {method}  # not the HEAD that Starlette adds to GET: a whole scrape to discard
    return route


def _first(headers: Headers, names: Iterable[str]) -> str | None:
    """The first of these headers that is present."""
    return next((headers[name] for name in names if name in headers), None)


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error."""
    return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)


def _plain(status: HTTPStatus, text: str | None = None) -> Response:
    return _response(status, f"{text or status.phrase}\n".encode(), _TEXT)


def _response(status: HTTPStatus, body: bytes, content_type: str) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, content_type)
