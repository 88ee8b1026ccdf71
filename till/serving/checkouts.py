"""`POST /checkout`, for programs on this machine alone: they say whose balance it is for."""

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from front.pusher import Pusher
from gitmeter.support.errors import GitmeterError, with_hint
from till.checkout.asked import read_body
from till.checkout.offer import offer
from till.checkout.problems import CheckoutProblemError, not_now
from till.intake.till import Till
from till.serving.answers import is_json, json_answer, no_json, problem_answer
from wire_format.instants import format_ts

_log = structlog.get_logger()


class CheckoutEndpoint:
    """The endpoint, and what it needs.

    Args:
        till: the till.
        pusher: pushes the line of a promise.
    """

    def __init__(self, till: Till, pusher: Pusher) -> None:
        self._till = till
        self._pusher = pusher

    def routes(self) -> list[Route]:
        """What it answers."""
        return [Route("/checkout", self._checkout, methods=["POST"])]

    async def _checkout(self, request: Request) -> Response:
        if not is_json(request):
            return no_json()
        return await run_in_threadpool(self._offer, await request.body())

    def _offer(self, body: bytes) -> Response:
        try:
            found = offer(self._till, self._pusher, read_body(body))
        except CheckoutProblemError as problem:
            cause = problem.__cause__
            if isinstance(cause, GitmeterError):  # a right that the key lacks, a provider's refusal
                _log.warning("checkout refused", problem=problem.name, why=with_hint(cause))
            else:
                _log.info("checkout refused", problem=problem.name)
            return problem_answer(problem)
        except GitmeterError as error:
            _log.warning("checkout not offered", why=str(error))
            return problem_answer(not_now("not-now", "it could not be written down"))
        _log.info("checkout", attempt=found.attempt, currency=found.currency)
        return json_answer({**found._asdict(), "expires_at": format_ts(found.expires_at)})
