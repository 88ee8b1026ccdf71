"""What browsers are told to refuse, and which requests are refused that no page here made."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # with `no-referrer` browsers would leave out the `Origin` of forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_OWN: Final = frozenset({"same-origin", "none"})


def with_headers(served: ASGIApp) -> ASGIApp:
    """An application whose every response has the headers above, whatever makes it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await served(scope, receive, sending)

    return call


def is_from_here(request: Request, own: str | None) -> bool:
    """Whether a page of this portal sent a form, as the browser says; one that is silent did not.

    Args:
        request: the request.
        own: the address of the pages; None for the one that the browser asked.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    if own is None:
        scheme, _, host = origin.partition("://")
        return scheme in {"http", "https"} and host == request.headers.get("Host")
    parts = urlsplit(own)
    return origin == f"{parts.scheme}://{parts.netloc}"
