"""`POST /due`, for the aggregator that says which accounts are below their threshold.

It is answered before anything is charged. What is not signed with the secret that both have is
refused, and what is older than ten minutes is told again while it is so, and is left aside.
"""

from http import HTTPStatus
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gitmeter.http_edge.signature import SIGNATURE_HEADER, check_signature
from gitmeter.support.backoff import is_worth_a_log
from gitmeter.support.errors import GitmeterError
from till.charging.deciding import is_recent
from till.charging.worker import ChargeWorker
from till.intake.till import Till
from till.serving.answers import no_such, plain
from wire_format.instants import to_us
from wire_format.posts.topup_due import (
    DueAnswer,
    TopupDue,
    decode_due,
    encode,
)

_log = structlog.get_logger()
_REFUSED: Final = "not a post of our aggregator"


class DueEndpoint:
    """The endpoint, and what it needs.

    Args:
        till: the till.
        worker: charges.
        secret: what signs posts.
    """

    def __init__(self, till: Till, worker: ChargeWorker, secret: bytes) -> None:
        self._till = till
        self._worker = worker
        self._secret = secret
        self._refused = 0

    def asgi(self) -> Starlette:
        """The application for a server."""
        return Starlette(
            routes=[Route("/due", self._due, methods=["POST"])],
            exception_handlers={HTTPException: no_such, Exception: _failed},
        )

    async def _due(self, request: Request) -> Response:
        body = await request.body()
        if not check_signature(self._secret, body, request.headers.get(SIGNATURE_HEADER)):
            return self._refuse("wrong signature")
        try:
            post = decode_due(body)
        except ValueError as error:
            return self._refuse(str(error))
        return await run_in_threadpool(self._take, post)

    def _refuse(self, why: str) -> Response:
        self._refused += 1
        if is_worth_a_log(self._refused):
            _log.warning("post refused", why=why, times=self._refused)
        return plain(HTTPStatus.BAD_REQUEST, _REFUSED)

    def _take(self, post: TopupDue) -> Response:
        now = self._till.clock()
        try:
            stopped = self._till.charging.stopped()
            if is_recent(to_us(post.at), to_us(now)):
                self._till.charging.note_post(now)
                if stopped is None and (full := self._worker.add(post)):
                    _log.warning("too many accounts wait", left_out=full)
            else:
                _log.warning("post left aside", id=post.id, at=post.at.isoformat())
        except GitmeterError as error:
            _log.warning("post not taken", why=str(error))
            return plain(HTTPStatus.SERVICE_UNAVAILABLE)
        answer = encode(DueAnswer(None if stopped is None else stopped.why))
        return Response(answer, HTTPStatus.OK, {"Cache-Control": "no-store"}, "application/json")


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error; an aggregator tells it again."""
    return plain(HTTPStatus.INTERNAL_SERVER_ERROR)
