"""A row of the table of pages, what a page comes to, and where somebody goes on to.

An address never has a path or another address to go on to, so that no link leads elsewhere.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

from portal.api.checks import Counted
from portal.api.problems import not_found
from portal.api.request import Asked, Form
from portal.api.route import Nothing
from portal.pages.visit import Visit
from wire_format.fields import is_user

Answer = Callable[[Asked], Form | None]

AUTOMATIC: Final = "/automatic"
"""The page of automatic payments."""

ONWARD: Final[Mapping[str, str]] = {
    "new-key": "/keys/new",
    "automatic": f"{AUTOMATIC}/change",
    "account-credit": "/house/accounts/{user}/credit",
    "account-key": "/house/accounts/{user}/keys/new",
}
"""Where somebody goes on to who has signed in again, by the names that addresses have for it.

Of what is about an account the address has its id, too, as in `account-credit:alice`.
"""
_USER: Final = "{user}"
_LIST: Final = "/house/accounts"
"""Where it goes on about an account of which the address says nothing."""


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
        back: the page to go back to when it is refused; names in braces are those of its own path.
        of: the answer of the interface whose scope and roles open it; to others it is not there,
            whatever they send. None where the page asks for answers that everybody may ask for.
        again: names the page in `ONWARD` to go on to after signing in again, of what needs a recent
            sign-in; empty for what does not.
        is_open: whether it is shown to people who are not signed in, too.
        waits: the program that it asks, and not with the ledger's log held; empty for none.
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
    of: Answer | None = None
    again: str = ""
    is_open: bool = False
    waits: Literal["issuer", "till", ""] = ""
    is_limited: bool = True
    counted: Counted | Literal[""] = ""


def onward_of(name: str, user: str) -> str:
    """What an address says of where to go on to.

    Args:
        name: in `ONWARD`.
        user: the account that it is about; empty for none.
    """
    return f"{name}:{user}" if _USER in ONWARD[name] else name


def name_of(stated: str) -> str:
    """The name alone: which account it is about is nothing that an issuer is told."""
    return stated.partition(":")[0]


def onward(stated: str) -> str:
    """The path to go on to.

    Args:
        stated: what an address says, by whoever made it.

    Raises:
        ProblemError: there is no page of that name, or no such account could be.
    """
    name, colon, user = stated.partition(":")
    path = ONWARD.get(name)
    if path is None or (colon and (_USER not in path or not is_user(user))):
        raise not_found()
    if _USER not in path:
        return path
    return path.replace(_USER, quote(user, safe="")) if user else _LIST
