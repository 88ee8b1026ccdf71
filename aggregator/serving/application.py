"""What the listener answers: `POST /webhook`, `GET /metrics`, `GET /healthz`."""

import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
import structlog

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
    check_signature,
    read_push,
)
from gitmeter.http_edge.server import BODY_BYTES_MAX
from gitmeter.support.backoff import is_worth_a_log

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

WEBHOOK: Final = "/webhook"
_SCRAPES_MAX: Final = 2
"""Scrapes at a time: fewer than there are threads, so that a slow disk keeps no hint waiting."""

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_STATUS_OF: Final = {
    HookResult.ACCEPTED: HTTPStatus.ACCEPTED,
    HookResult.IGNORED: HTTPStatus.OK,
    HookResult.REFUSED: HTTPStatus.FORBIDDEN,
    HookResult.MALFORMED: HTTPStatus.BAD_REQUEST,
    HookResult.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_log = structlog.get_logger()
Environ = dict[str, Any]


class Answer(NamedTuple):
    """One response."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT
    headers: tuple[tuple[str, str], ...] = ()


class Application:
    """A WSGI application; every request may come in a thread of its own.

    Args:
        secret: shared with the forge; None refuses every post.
        hints: where accepted pushes go.
        names: which repo a push is about, by its name here; None for one that is not read, or a
            branch that is not.
        pulse: of the loop; counts what became of posts.
        metrics: what is measured.
    """

    def __init__(
        self,
        secret: bytes | None,
        hints: Hints,
        names: Callable[[Push], str | None],
        pulse: Pulse,
        metrics: Metrics,
    ) -> None:
        self._secret = secret
        self._hints = hints
        self._names = names
        self._pulse = pulse
        self._metrics = metrics
        self._scrapes = threading.BoundedSemaphore(_SCRAPES_MAX)

    def __call__(self, environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; whatever goes wrong in it stays in it."""
        try:
            answer = self._answer(environ)
        except Exception:  # noqa: BLE001 - one request must not end the listener; it is logged
            _log.exception("request failed", path=str(environ.get("PATH_INFO")))
            answer = _plain(HTTPStatus.INTERNAL_SERVER_ERROR)
        status, body, content_type, headers = answer
        start_response(
            f"{status.value} {status.phrase}",
            [
                ("Content-Type", content_type),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                *headers,
            ],
        )
        return [body]

    def too_large(self, path: str) -> None:
        """Count a request that the server refused for its length."""
        if path == WEBHOOK:
            self._count(HookResult.TOO_LARGE)

    def _answer(self, environ: Environ) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        route = {WEBHOOK: "POST", "/metrics": "GET", "/healthz": "GET"}.get(path)
        if route is None:
            return _plain(HTTPStatus.NOT_FOUND)
        if method != route:
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED)._replace(headers=(("Allow", route),))
        if path == WEBHOOK:
            return self._webhook(environ)
        return self._scrape() if path == "/metrics" else self._health()

    def _webhook(self, environ: Environ) -> Answer:
        result = self._take(environ)
        self._count(result)
        return _plain(_STATUS_OF[result], result)

    def _take(self, environ: Environ) -> HookResult:
        body = environ["wsgi.input"].read(BODY_BYTES_MAX + 1)
        if len(body) > BODY_BYTES_MAX:
            return HookResult.TOO_LARGE
        signature = _header(environ, SIGNATURE_HEADERS)
        if self._secret is None or not check_signature(self._secret, body, signature):
            return HookResult.REFUSED
        if _header(environ, EVENT_HEADERS) != PUSH:
            return HookResult.IGNORED
        push = read_push(body)
        if isinstance(push, BadPush):
            return HookResult.MALFORMED
        name = self._names(push)
        if name is None:
            return HookResult.IGNORED
        self._hints.hint(name)
        _log.debug("hint", repo=name)
        return HookResult.ACCEPTED

    def _count(self, result: HookResult) -> None:
        count = self._pulse.hook(result)
        is_bad = result not in {HookResult.ACCEPTED, HookResult.IGNORED}
        if is_bad and is_worth_a_log(count):
            _log.warning("webhook not taken", result=str(result), count=count)

    def _scrape(self) -> Answer:
        if not self._scrapes.acquire(blocking=False):
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "other scrapes are running")
        try:
            return Answer(HTTPStatus.OK, self._metrics.text(), CONTENT_TYPE)
        finally:
            self._scrapes.release()

    def _health(self) -> Answer:
        beat = self._pulse.read()
        is_well = health.judge(beat).is_well
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(status, orjson.dumps(health.answer(beat)) + b"\n", _JSON)


def _header(environ: Environ, names: Iterable[str]) -> str | None:
    """The first of these headers that is there."""
    keys = ("HTTP_" + name.upper().replace("-", "_") for name in names)
    return next((environ[key] for key in keys if key in environ), None)


def _plain(status: HTTPStatus, text: str | None = None) -> Answer:
    return Answer(status, f"{text or status.phrase}\n".encode())
