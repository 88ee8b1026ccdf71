"""The application that serves pages, and the interface beside them."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.api import problems
from portal.api.checks import AskingLimits
from portal.api.problems import ProblemError
from portal.api.request import Portal
from portal.pages.gate import PageGate
from portal.pages.page import Page
from portal.pages.rendering import Renderer
from portal.pages.security import with_headers
from portal.pages.static_files import StaticFiles
from portal.pages.table import PAGES
from portal.reading.ledgers import Ledgers

INTERFACE: Final = "/v1/"
"""What begins so is the interface's."""


def with_pages(
    interface: ASGIApp, portal: Portal, ledgers: Ledgers, limits: AskingLimits
) -> ASGIApp:
    """An application that serves pages, and hands everything else to the interface.

    Args:
        interface: the application of the interface.
        portal: whom requests ask.
        ledgers: where they are answered from.
        limits: how much is answered, by both together.
    """
    static = StaticFiles()
    gate = PageGate(portal, ledgers, limits, Renderer(portal, static.prefix))
    pages = with_headers(_pages(gate, static))

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        served = interface if scope["path"].startswith(INTERFACE) else pages
        await served(scope, receive, send)

    return call


def _pages(gate: PageGate, static: StaticFiles) -> ASGIApp:
    paths: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        paths.setdefault(page.path, {})[page.method] = page

    def endpoint(pages: Mapping[str, Page]) -> Callable[..., object]:
        async def respond(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            return await gate.respond(pages[method], request)

        return respond

    def no_such(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        if status != HTTPStatus.METHOD_NOT_ALLOWED:
            return gate.refusal(problems.not_found(), request, None)
        refused = ProblemError("method-not-allowed", HTTPStatus(status), "this cannot be done here")
        response = gate.refusal(refused, request, None)
        if isinstance(error, HTTPException) and error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    def failed(request: Request, _: Exception) -> Response:
        return gate.refusal(problems.failed(), request, None)

    served = Starlette(
        routes=[
            *(
                StarletteRoute(path, endpoint(each), methods=[*each])
                for path, each in paths.items()
            ),
            StarletteRoute("/static/{rest:path}", static.respond, methods=["GET"]),
        ],
        exception_handlers={HTTPException: no_such, Exception: failed},
    )
    served.router.redirect_slashes = False
    return served
