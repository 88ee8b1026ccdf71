"""The table of routes, and the application that serves them."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from portal.access import scopes
from portal.api import problems
from portal.api.customers import account, keys
from portal.api.gate import Gate
from portal.api.models import account as account_forms
from portal.api.models import allowed as allowed_forms
from portal.api.models import keys as key_forms
from portal.api.problems import ProblemError
from portal.api.route import Route
from portal.api.sending import refusal
from portal.api.services.allowed import allowed
from portal.api.staff_routes import STAFF_ROUTES

ROUTES: Final = (
    Route(
        "GET",
        "/v1/balance",
        "What the account has",
        account.balance,
        account_forms.AccountBalance,
        scopes.BALANCE,
        is_quick=True,
    ),
    Route(
        "GET",
        "/v1/accounts/{user}/allowed",
        "Whether an account may use a resource now",
        allowed,
        allowed_forms.UseAllowed,
        "",
        query=allowed_forms.UseWanted,
        problems={
            HTTPStatus.PAYMENT_REQUIRED: "quota-exhausted, cap-reached or balance-exhausted",
            HTTPStatus.FORBIDDEN: "suspended",
        },
        is_kept=False,
        is_quick=True,
    ),
    Route("GET", "/v1/me", "Whose key it is", account.me, account_forms.Me, "", is_quick=True),
    Route(
        "GET",
        "/v1/entitlements",
        "What the account may use",
        account.entitled,
        account_forms.Entitlements,
        scopes.BALANCE,
    ),
    Route("GET", "/v1/keys", "The keys in force", keys.keys, key_forms.KeyList, scopes.KEYS),
    Route(
        "POST",
        "/v1/keys",
        "Make a key",
        keys.make,
        key_forms.KeyMade,
        scopes.KEYS,
        body=key_forms.KeyWanted,
        status=HTTPStatus.CREATED,
        problems={HTTPStatus.CONFLICT: "too-many-keys"},
    ),
    Route(
        "DELETE",
        "/v1/keys/{key_id}",
        "Revoke a key for ever",
        keys.revoke,
        None,
        scopes.KEYS,
        status=HTTPStatus.NO_CONTENT,
    ),
    *STAFF_ROUTES,
)
"""Those that are asked most often first."""


def application(gate: Callable[[], Gate]) -> Starlette:
    """The application for a server.

    Args:
        gate: makes what answers; called in the server's loop, once.
    """
    made: list[Gate] = []

    def endpoint(route: Route) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            if not made:
                made.append(gate())
            return await made[0].respond(route, request)

        return respond

    return Starlette(
        routes=[
            StarletteRoute(route.path, endpoint(route), methods=[route.method]) for route in ROUTES
        ],
        exception_handlers={HTTPException: _no_such, Exception: _failed},
    )


def _no_such(_: Request, error: Exception) -> Response:
    """What is not served here, or not so."""
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        status = HTTPStatus.METHOD_NOT_ALLOWED
        response = refusal(ProblemError("method-not-allowed", status, "this cannot be done here"))
        response.headers.update(error.headers or {})
        return response
    return refusal(problems.not_found())


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error."""
    return refusal(problems.failed())
