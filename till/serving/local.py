"""Everything that programs of this machine ask a till for."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from front.pusher import Pusher
from till.checkout.problems import not_now
from till.intake.till import Till
from till.serving.answers import no_such, problem_answer
from till.serving.cards import CardEndpoints
from till.serving.checkouts import CheckoutEndpoint


def local_application(till: Till, pusher: Pusher) -> Starlette:
    """The application for a server.

    Args:
        till: the till.
        pusher: pushes the line of a promise.
    """
    return Starlette(
        routes=[*CheckoutEndpoint(till, pusher).routes(), *CardEndpoints(till).routes()],
        exception_handlers={HTTPException: no_such, Exception: _failed},
    )


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error."""
    return problem_answer(not_now("failed", "an unexpected error"))
