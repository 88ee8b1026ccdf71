"""`POST /checkout`, for programs on this machine alone: they say whose balance it is for."""

from http import HTTPStatus
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from front.pusher import Pusher
from gitmeter.support.errors import GitmeterError
from till.checkout.asked import read_body
from till.checkout.offer import offer
from till.checkout.problems import CheckoutProblemError, not_now
from till.intake.till import Till
from till.serving.answers import json_answer, no_such, plain, problem_answer
from wire_format.instants import format_ts

_log = structlog.get_logger()
_JSON: Final = "application/json"


class CheckoutEndpoint:
    """The endpoint, and what it needs.

    Args:
        till: the till.
        pusher: pushes the line of a promise.
    """

    def __init__(self, till: Till, pusher: Pusher) -> None:
        self._till = till
        self._pusher = pusher

    def asgi(self) -> Starlette:
        """The application for a server."""
        return Starlette(
            routes=[Route("/checkout", self._checkout, methods=["POST"])],
            exception_handlers={HTTPException: no_such, Exception: _failed},
        )

    async def _checkout(self, request: Request) -> Response:
        # a page in a browser cannot send this type to another address by itself
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _JSON:
            return plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_JSON}")
        return await run_in_threadpool(self._offer, await request.body())

    def _offer(self, body: bytes) -> Response:
        try:
            found = offer(self._till, self._pusher, read_body(body))
        except CheckoutProblemError as problem:
            _log.info("checkout refused", problem=problem.name)
            return problem_answer(problem)
        except GitmeterError as error:
            _log.warning("checkout not offered", why=str(error))
            return problem_answer(not_now("not-now", "it could not be written down"))
        _log.info("checkout", attempt=found.attempt, currency=found.currency)
        return json_answer({**found._asdict(), "expires_at": format_ts(found.expires_at)})


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error."""
    return problem_answer(not_now("failed", "an unexpected error"))
