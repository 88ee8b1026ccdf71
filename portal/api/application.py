"""The application that serves the table of routes, and their description."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.api import problems
from portal.api.gate import Gate
from portal.api.openapi import PATH, described
from portal.api.problems import ProblemError
from portal.api.route import Route
from portal.api.routes import ROUTES
from portal.api.sending import public, refusal

Endpoint = Callable[[Request], Awaitable[Response]]


def application(gate: Callable[[], Gate]) -> ASGIApp:
    """The application for a server.

    Args:
        gate: makes what answers; called in the server's loop, once.
    """
    made: list[Gate] = []

    def endpoint(routes: Mapping[str, Route]) -> Endpoint:
        async def respond(request: Request) -> Response:
            if not made:
                made.append(gate())
            try:
                _decode_parts(request)
            except UnicodeDecodeError:
                return refusal(problems.not_found())
            method = "GET" if request.method == "HEAD" else request.method
            return await made[0].respond(routes[method], request)

        return respond

    # one for each path: of several, the first would name its own method alone in `Allow`
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = route
    served = Starlette(
        routes=[
            *(
                StarletteRoute(path, endpoint(each), methods=[*each])
                for path, each in paths.items()
            ),
            StarletteRoute(PATH, _description(), methods=["GET"]),
        ],
        exception_handlers={HTTPException: _no_such, Exception: _failed},
    )
    # it would lead to the address in `Host`, without TLS, and clients send their key there
    served.router.redirect_slashes = False
    return _as_sent(served)


def _as_sent(served: ASGIApp) -> ASGIApp:
    """Match paths as they were sent: a `/` within the name of an account is sent as `%2F`."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await served({**scope, "path": scope["raw_path"].decode("latin-1")}, receive, send)

    return call


def _decode_parts(request: Request) -> None:
    """Decode the parts of a path that have names.

    Raises:
        UnicodeDecodeError: one of them is no text.
    """
    parts = request.scope["path_params"]
    request.scope["path_params"] = {
        name: unquote(part, errors="strict") for name, part in parts.items()
    }


def _description() -> Endpoint:
    """Everybody may read how the interface is used, without a key."""
    body = described(ROUTES)

    async def respond(request: Request) -> Response:
        return public(body, request.headers.get("If-None-Match"))

    return respond


def _no_such(_: Request, error: Exception) -> Response:
    """What is not served here, or not so."""
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        status = HTTPStatus.METHOD_NOT_ALLOWED
        response = refusal(ProblemError("method-not-allowed", status, "this cannot be done here"))
        allowed = (error.headers or {}).get("Allow", "").split(", ")
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response
    return refusal(problems.not_found())


def _failed(_: Request, __: Exception) -> Response:
    """The server logs the error."""
    return refusal(problems.failed())
