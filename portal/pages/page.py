"""A row of the table of pages, and what a page comes to."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple

from portal.api.checks import Counted
from portal.api.request import Asked, Form
from portal.api.route import Nothing
from portal.pages.visit import Visit

Answer = Callable[[Asked], Form | None]

ONWARD: Final[Mapping[str, str]] = {"new-key": "/keys/new"}
"""Where somebody goes on to who has signed in again, by the names that addresses have for it."""


class Shown(NamedTuple):
    """A page that is shown.

    Attributes:
        template: its template.
        data: what the template is given, by name.
        status: of HTTP.
    """

    template: str
    data: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK


class Elsewhere(NamedTuple):
    """A page that sends the browser on, to a page of this portal.

    Attributes:
        path: where to, as the table of pages has it or with names filled in by this program.
        session_id: the id of a session that begins; empty for the end of one, None for no change.
    """

    path: str
    session_id: str | None = None


class Abroad(NamedTuple):
    """A page that sends the browser to an issuer, from where it comes back.

    Attributes:
        url: where to, as the issuer says.
    """

    url: str


class Download(NamedTuple):
    """A file that the browser keeps.

    Attributes:
        name: of the file.
        media_type: of HTTP.
        content: its bytes.
    """

    name: str
    media_type: str
    content: bytes


class Page(NamedTuple):
    """One method of one path.

    Attributes:
        method: of HTTP.
        path: with names in braces.
        show: makes the page.
        query: the form of what is after `?`.
        form: the form of what is sent; None for nothing.
        changes: the answer of the interface that it asks for to change something; None for none.
        back: the page to go back to when it is refused.
        again: names the page in `ONWARD` to go on to after signing in again, of what needs a recent
            sign-in; empty for what does not.
        is_open: whether it is shown to people who are not signed in, too.
        waits: whether it asks an issuer, and not with the ledger's log held.
        is_limited: whether it counts as a request of the key; ending a session is always possible.
        counted: what each request of it counts as, for the network that it comes from: a wrong key,
            or an account that is opened; empty for nothing.
    """

    method: Literal["GET", "POST"]
    path: str
    show: Callable[[Visit], Shown | Elsewhere | Abroad | Download]
    query: type[Form] = Nothing
    form: type[Form] | None = None
    changes: Answer | None = None
    back: str = "/"
    again: str = ""
    is_open: bool = False
    waits: bool = False
    is_limited: bool = True
    counted: Counted | Literal[""] = ""
