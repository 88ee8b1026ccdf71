"""The subset of Forgejo's API that a test forge serves: who may call what, and paging.

`route` answers one request; what each call does is in `api_repos`, `api_keys`, `api_rules` and
`api_hooks`. Statuses and messages are Forgejo's.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from tests.support.forge.organisation import Organisation
from tests.support.forge.records import NOT_FOUND, ApiError, Right, Token
from tests.support.forge.views import Places

PAGE_SIZE_DEFAULT: Final = 30
PAGE_SIZE_MAX: Final = 50
VERSION: Final = "11.0.3+gitea-1.22.0"


class Request(NamedTuple):
    """A request to the API.

    Attributes:
        path: below `/api/v1`.
        query: the last value of each name.
        body: the JSON object that came with it; empty without one.
        token: who asks; None without a token.
        names: the parts of the path that stand for something.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    token: Token | None
    names: Mapping[str, str]

    @property
    def right(self) -> Right:
        """What who asks may do."""
        return Right.READ if self.token is None else self.token.right


class Answer(NamedTuple):
    """What is sent back.

    Attributes:
        body: anything JSON can say; None is nothing at all.
    """

    status: int
    body: object = None
    headers: Mapping[str, str] = {}


class Forge(NamedTuple):
    """What a call works on."""

    org: Organisation
    places: Places


Call = Callable[[Forge, Request], Answer]


class Route(NamedTuple):
    """One call.

    Attributes:
        pattern: of the path, with `{org}`, `{repo}`, `{id}` or `{name}` for its variable parts.
        right: the least that who asks must be able to do; None lets everybody in.
        denied: what is said to those who may not.
    """

    method: str
    pattern: str
    call: Call
    right: Right | None = Right.ADMIN
    denied: str = "user should be an owner or a collaborator with admin write of a repository"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The variable parts, if this route is meant."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.pattern)
        found = re.fullmatch(pattern, path) if method == self.method else None
        return None if found is None else found.groupdict()


def route(forge: Forge, routes: tuple[Route, ...], request: Request) -> Answer:
    """Answer a request; errors are answers too."""
    try:
        return _find_and_call(forge, routes, request)
    except ApiError as error:
        told: dict[str, object] = {
            "message": error.message,
            "url": f"{forge.places.app_url}api/swagger",
        }
        if error.status == 404:
            told["errors"] = []
        return Answer(error.status, told, error.headers)


def _find_and_call(forge: Forge, routes: tuple[Route, ...], request: Request) -> Answer:
    for known in routes:
        names = known.match(request.method, request.path)
        if names is not None:
            return _call(forge, known, request._replace(names=names))
    if any(known.match(known.method, request.path) is not None for known in routes):
        return Answer(405)
    raise ApiError(404, NOT_FOUND)


def _call(forge: Forge, known: Route, request: Request) -> Answer:
    _check_scope(request)
    names = request.names
    _check_account(forge, request)
    if not forge.org.is_called(named := names.get("org", forge.org.name)):
        if named.lower() in forge.org.former_names:
            return _to_new_name(forge, request, named)
        raise ApiError(404, NOT_FOUND)
    if "repo" in names:
        if forge.org.is_two_factor_enforced and not _has_second_factor(request):
            raise ApiError(404, NOT_FOUND)
        if (moved := forge.org.moved_to(names["repo"])) is not None:
            return _moved(forge, request, moved)
        forge.org.visible(names["repo"], request.token)
    if known.right is not None:
        if request.token is None:
            raise ApiError(401, "token is required")
        if request.token.right < known.right:
            raise ApiError(403, known.denied)
    return known.call(forge, request)


def _check_scope(request: Request) -> None:
    if request.token is None or request.path == "/version":
        return
    first = request.path.split("/")[1]
    category = {"orgs": "organization", "teams": "organization", "user": "user"}.get(
        first, "repository"
    )
    scope = f"{'read' if request.method == 'GET' else 'write'}:{category}"
    if not request.token.allows(scope):
        raise ApiError(403, f"token does not have at least one of required scope(s): [{scope}]")


def _check_account(forge: Forge, request: Request) -> None:
    if request.token is not None and request.token.user in forge.org.inactive_users:
        words = "This account is prohibited from signing in, please contact your site administrator"
        raise ApiError(403, f"{words}.")


def _has_second_factor(request: Request) -> bool:
    return request.token is None or request.token.has_second_factor


def _to_new_name(forge: Forge, request: Request, named: str) -> Answer:
    """The organisation has another name now."""
    path = request.path.replace(f"/{named}", f"/{forge.org.name}", 1)
    query = f"?{urlencode(request.query)}" if request.query else ""
    return Answer(307, None, {"Location": f"/api/v1{path}{query}"})


def _moved(forge: Forge, request: Request, name: str) -> Answer:
    """The repo has another name now."""
    old = f"/repos/{forge.org.name}/{request.names['repo']}"
    rest = request.path[len(old) :]
    query = f"?{urlencode(request.query)}" if request.query else ""
    where = f"/api/v1/repos/{forge.org.name}/{name}{rest}{query}"
    return Answer(301 if forge.org.is_gitea else 307, None, {"Location": where})


def page_of(request: Request, items: list[Any]) -> tuple[list[Any], int, int]:
    """The items of the page asked for, its number and its size."""
    number = max(_whole(request.query.get("page")), 1)
    size = _whole(request.query.get("limit"))
    size = PAGE_SIZE_DEFAULT if size <= 0 else min(size, PAGE_SIZE_MAX)
    return items[(number - 1) * size : number * size], number, size


def link_header(places: Places, request: Request, total: int) -> dict[str, str]:
    """`Link`, where there is more than one page."""
    _, number, size = page_of(request, [])
    last = max(-(-total // size), 1)
    pages = {}
    if number < last:
        pages["next"] = number + 1
    if number != last:
        pages["last"] = last
    if number != 1:
        pages["first"] = 1
    if number > 1:
        pages["prev"] = number - 1
    links = []
    for rel, page in pages.items():
        query = urlencode(sorted({**request.query, "page": str(page)}.items()))
        links.append(f'<{places.api(request.path[1:])}?{query}>; rel="{rel}"')
    return {"Link": ",".join(links)} if links else {}


def total_header(total: int) -> dict[str, str]:
    """How many there are on all pages."""
    return {"X-Total-Count": str(total), "Access-Control-Expose-Headers": "X-Total-Count"}


def text(request: Request, name: str) -> str:
    """A required text of the body.

    Raises:
        ApiError: it is missing or no text.
    """
    value = request.body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(422, f"[{name.title()}]: Required")
    return value


def number(request: Request) -> int:
    """The number in the path.

    Raises:
        ApiError: it is none.
    """
    if not request.names["id"].isdecimal():
        raise ApiError(404, NOT_FOUND)
    return int(request.names["id"])


def _whole(text: str | None) -> int:
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,9}", text) else 0
