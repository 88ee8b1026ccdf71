"""The one cookie of the pages: the id of a session, or of a browser that is not signed in yet.

Its prefix makes browsers refuse it without TLS, and from any other name of the same domain. They
take an address of this machine for as safe as TLS, so it works for trials there, too.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from portal.access.sessions import is_id

COOKIE: Final = "__Host-session"


def shown_id(request: Request) -> str:
    """The id that a browser shows; empty where it shows none, or several."""
    pairs = [
        pair.strip(" \t").partition("=")  # of no other blanks a browser strips a name
        for line in request.headers.getlist("Cookie")
        for pair in line.split(";")
    ]
    found = [value for name, _, value in pairs if name == COOKIE]
    return found[0] if len(found) == 1 and is_id(found[0]) else ""


def give_id(response: Response, given: str) -> None:
    """Let the browser show an id from now on; an empty one takes away what it shows."""
    response.set_cookie(
        COOKIE,
        given,
        max_age=None if given else 0,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
