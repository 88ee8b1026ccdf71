"""The subset of a forge's API that a test forge serves: who may call what, and paging.

`route` answers one request; what each call does is in `tests.support.forge.calls`. Statuses and
messages are those of Forgejo and Gitea.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from tests.support.forge.organisation import Organisation, right_in
from tests.support.forge.records import NOT_FOUND, ApiError, Flavour, Right, Token
from tests.support.forge.views import Places

PAGE_SIZE_DEFAULT: Final = 30
PAGE_SIZE_MAX: Final = 50
VERSIONS: Final[Mapping[Flavour, str]] = {"forgejo": "7.0.15+gitea-1.22.0", "gitea": "1.25.0"}
_DISABLED: Final = (
    "This account is prohibited from signing in, please contact your site administrator."
)


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


class Answer(NamedTuple):
    """What is sent back.

    Attributes:
        body: anything JSON can say; None is nothing at all.
    """

    status: int
    body: object = None
    headers: Mapping[str, str] = {}


class Forge(NamedTuple):
    """What a call works on.

    Attributes:
        two_factor_enforced: users without a second factor see no repo.
        creation_limit: how many repos there may be; None is without end.
    """

    org: Organisation
    places: Places
    two_factor_enforced: bool = False
    creation_limit: int | None = None


Call = Callable[[Forge, Request], Answer]


class Route(NamedTuple):
    """One call.

    Attributes:
        pattern: of the path, with `{org}`, `{repo}`, `{user}`, `{id}` or `{name}` for its
            variable parts; a `{name}` may have slashes.
        right: the least that who asks must be able to do, in the repo if there is one; None lets
            everybody in.
        denied: what is said to those who may not.
    """

    method: str
    pattern: str
    call: Call
    right: Right | None = Right.ADMIN
    denied: str = "user should be an owner or a collaborator with admin write of a repository"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The variable parts, if this route is meant."""
        pattern = self.pattern.replace("{name}", r"(?P<name>.+)")
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
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
    org, token, names = forge.org, request.token, request.names
    if token is not None and token.user in org.inactive_users:
        raise ApiError(403, _DISABLED)
    _check_scope(request)
    asked = names.get("org", org.name)
    if asked.lower() in org.former_names:
        return _moved(request, 307, f"/{asked}", f"/{org.name}")
    if asked.lower() != org.name.lower():
        raise ApiError(404, NOT_FOUND)
    right = Right.READ if token is None else token.right
    if "repo" in names:
        if (moved := org.moved_to(names["repo"])) is not None:
            status = 301 if org.flavour == "gitea" else 307
            return _moved(request, status, f"/{asked}/{names['repo']}", f"/{org.name}/{moved}")
        right = right_in(token, org.visible(names["repo"], token))
        if token is not None and forge.two_factor_enforced and not token.has_second_factor:
            raise ApiError(404, NOT_FOUND)
    if known.right is not None:
        if token is None:
            raise ApiError(401, "token is required")
        if right < known.right:
            raise ApiError(403, known.denied)
    return known.call(forge, request)


def _check_scope(request: Request) -> None:
    if request.token is None or request.path == "/version":
        return
    first = request.path.split("/")[1]
    category = {"orgs": "organization", "teams": "organization", "user": "user"}.get(first)
    verb = "read" if request.method == "GET" else "write"
    scope = f"{verb}:{category or 'repository'}"
    if not request.token.allows(scope):
        raise ApiError(403, f"token does not have at least one of required scope(s): [{scope}]")


def _moved(request: Request, status: int, old: str, new: str) -> Answer:
    """A repo or the organisation has another name now."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    path = request.path.replace(old, new, 1)
    return Answer(status, None, {"Location": f"/api/v1{path}{query}"})


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
