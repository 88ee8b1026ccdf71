"""One request to a test forge: to its API, or to a repo through git's own backend."""

import io
import re
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from tests.support.forge.api import Answer, Forge, Request, route
from tests.support.forge.calls import branches, hooks, keys, people, repos, rules, tags
from tests.support.forge.faults import spoil
from tests.support.forge.organisation import right_in, sees
from tests.support.forge.records import FORGE_NAMES, Repo, Right, Token
from tests.support.git_http import Fault
from tests.support.git_http_handler import Handler

if TYPE_CHECKING:
    from tests.support.forge.server import ForgeServer

ROUTES = tuple(
    route
    for module in (repos, keys, rules, hooks, branches, people, tags)
    for route in module.ROUTES
)
_API = "/api/v1"
_REPO = re.compile(
    r"/(?P<org>[^/]+)/(?P<name>[^/]+?)(\.git)?"
    r"(?P<rest>/(info/refs|git-(upload|receive)-pack|HEAD|objects/.*))"
)
_ARCHIVED = (
    "This repo is archived. You can view files and clone it, but cannot push or open"
    " issues/pull-requests."
)
_NO_HTTP = "Interacting with repositories by HTTP protocol is not allowed"
_DISABLED = """\
<!DOCTYPE html>
<html lang="en-US">
<head><title>Sign In Prohibited - {forge}</title></head>
<body><h4>Sign In Prohibited</h4>
<p>Your account is prohibited from signing in, please contact your site administrator.</p>
</body>
</html>
"""


class ForgeHandler(Handler):
    """Serves `/api/v1/...` and `/<org>/<repo>.git/...`."""

    server: "ForgeServer"

    do_PATCH = do_PUT = do_DELETE = Handler.do_GET  # noqa: N815 - http.server names them

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer is the forge's own time."""
        del timestamp
        return super().date_time_string(self.server.org.clock().timestamp())

    def _serve_repo(self, body: IO[bytes], fault: Fault | None) -> None:
        self.server.about_to_serve(f"{self.command} {self.path}")
        if self._path().startswith(f"{_API}/"):
            self._serve_api(body, fault)
        elif self._repo() is not None:
            try:
                super()._serve_repo(body, fault)
            finally:  # a push may have arrived although its answer did not
                self.server.events.drain()

    def _token(self) -> Token | None:
        """Whose token came with the request; a wrong one is none."""
        tokens = self.server.org.tokens
        return next((tokens[secret] for secret in self._secrets() if secret in tokens), None)

    # -- the API

    def _serve_api(self, body: IO[bytes], fault: Fault | None) -> None:
        parts = urlsplit(self.path)
        token = self._token()
        if token is None and self.headers.get("Authorization"):
            answer = Answer(401, {"message": "invalid username, password or token", "url": ""})
        else:
            try:
                said = orjson.loads(body.read() or b"{}")
            except orjson.JSONDecodeError as error:
                said = None
                answer = Answer(422, {"message": f"Deserialization: {error}", "url": ""})
            if said is not None:
                answer = self._ask(parts.path, parts.query, said, token)
        if not self._is_lost(fault):
            self._tell(answer, fault)

    def _ask(self, path: str, query: str, said: Any, token: Token | None) -> Answer:  # noqa: ANN401 - any JSON
        request = Request(
            self.command,
            unquote(path).removeprefix("/moved").removeprefix(_API),
            dict(parse_qsl(query)),
            said if isinstance(said, dict) else {},
            token,
            {},
        )
        self.server.events.drain()
        server = self.server
        forge = Forge(server.org, server.places, server.two_factor_enforced, server.creation_limit)
        return route(forge, ROUTES, request)

    def _tell(self, answer: Answer, fault: Fault | None) -> None:
        asked = f"{self.server.places.app_url}{self.path[1:]}"
        elsewhere = self.server.elsewhere or "http://elsewhere.invalid"
        answer, body = spoil(fault, answer, asked, elsewhere)
        if body is None:
            body = b"" if answer.body is None else orjson.dumps(answer.body)
        headers = dict(answer.headers)
        if body:
            headers["Content-Type"] = "application/json;charset=utf-8"
        self._answer(answer.status, headers, io.BytesIO(body), fault)

    # -- git

    def _repo(self) -> Repo | None:
        """The repo that is meant and may be used; None when the answer was given already."""
        found = _REPO.fullmatch(self._path())
        org, token = self.server.org, self._token()
        if not self.server.http_git:
            self._refuse(403, _NO_HTTP)
        elif token is not None and token.user in org.inactive_users:
            page = _DISABLED.format(forge=FORGE_NAMES[org.flavour]).encode()
            self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, io.BytesIO(page))
        elif found is not None and found["org"].lower() in org.former_names:
            self._redirect(307, f"{found['name']}.git{found['rest']}")
        elif found is None or found["org"].lower() != org.name.lower():
            self._refuse(404, "Not found.")
        elif (moved := org.moved_to(found["name"])) is not None:
            status = 301 if org.flavour == "gitea" else 307
            self._redirect(status, f"{moved}.git{found['rest']}")
        else:
            repo = org.find(found["name"])
            refusal = self._why_not(repo, "git-receive-pack" in self.path)
            if refusal is None:
                return repo
            self._refuse(*refusal)
        return None

    def _redirect(self, status: int, path: str) -> None:
        query = urlsplit(self.path).query
        where = f"/{self.server.org.name}/{path}{f'?{query}' if query else ''}"
        self._answer(status, {"Location": where})

    def _why_not(self, repo: Repo | None, is_push: bool) -> tuple[int, str] | None:  # noqa: FBT001 - the question
        """Status and words for who may not, in Forgejo's order."""
        token = self._token()
        if repo is not None and repo.archived_at is not None and is_push:
            return 403, _ARCHIVED
        if token is None and (repo is None or repo.private or is_push):
            return 401, "Unauthorized"
        if repo is None or not sees(token, repo) or not repo.has_code:
            return 404, "Repository not found"
        scope = "write:repository" if is_push else "read:repository"
        if token is not None and not token.allows(scope):
            return 403, f"token does not have at least one of required scope(s): [{scope}]"
        if is_push and right_in(token, repo) < Right.WRITE:
            return 403, "User permission denied for writing."
        return None

    def _refuse(self, status: int, words: str) -> None:
        headers = {"Content-Type": "text/plain;charset=utf-8"}
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="Gitea"'
        self._answer(status, headers, io.BytesIO(f"{words}\n".encode()))

    def _refusal(self) -> int | None:
        """Who may do what was decided by `_repo`."""
        return None

    def _path(self) -> str:
        """The path, with the repo's name as it is on disk."""
        path = super()._path()
        found = _REPO.fullmatch(path)
        repo = None if found is None else self.server.org.find(found["name"])
        if found is None or repo is None or found["org"].lower() in self.server.org.former_names:
            return path
        return f"/{self.server.org.name}/{repo.name}.git{found['rest']}"

    def _environment(self, length: int) -> dict[str, str]:
        token = self._token()
        pusher = {} if token is None else {"FORGE_USER": token.user, "REMOTE_USER": token.user}
        if token is not None and token.right >= Right.ADMIN:
            pusher["FORGE_ADMIN"] = "1"
        return super()._environment(length) | pusher
