"""One request to a test forge: to its API, or to a repo through git's own backend."""

import io
import re
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from tests.support.forge.api import Answer, Forge, Request, route
from tests.support.forge.api_git import ROUTES as GIT_ROUTES
from tests.support.forge.api_hooks import ROUTES as HOOK_ROUTES
from tests.support.forge.api_keys import ROUTES as KEY_ROUTES
from tests.support.forge.api_people import ROUTES as PEOPLE_ROUTES
from tests.support.forge.api_repos import ROUTES as REPO_ROUTES
from tests.support.forge.api_rules import ROUTES as RULE_ROUTES
from tests.support.forge.faults import spoil
from tests.support.forge.organisation import sees
from tests.support.forge.records import Repo, Right, Token
from tests.support.git_http import Fault
from tests.support.git_http_handler import Handler

if TYPE_CHECKING:
    from tests.support.forge.server import ForgeServer

ROUTES = (
    *(*REPO_ROUTES, *KEY_ROUTES, *RULE_ROUTES, *HOOK_ROUTES),
    *(*PEOPLE_ROUTES, *GIT_ROUTES),
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
        return route(Forge(self.server.org, self.server.places), ROUTES, request)

    def _tell(self, answer: Answer, fault: Fault | None) -> None:
        asked = f"{self.server.base_url}{self.path}"
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
        org = self.server.org
        if found is not None and found["org"].lower() in org.former_names:
            query = urlsplit(self.path).query
            where = f"/{org.name}/{found['name']}.git{found['rest']}{f'?{query}' if query else ''}"
            self._answer(307, {"Location": where})
            return None
        if found is None or not org.is_called(found["org"]):
            self._refuse(404, "Not found.")
            return None
        if (moved := org.moved_to(found["name"])) is not None:
            query = urlsplit(self.path).query
            where = f"/{org.name}/{moved}.git{found['rest']}{f'?{query}' if query else ''}"
            self._answer(301 if org.is_gitea else 307, {"Location": where})
            return None
        repo = org.find(found["name"])
        refusal = self._why_not(repo, "git-receive-pack" in self.path)
        if refusal is not None:
            self._refuse(*refusal)
        return repo if refusal is None else None

    def _why_not(self, repo: Repo | None, is_push: bool) -> tuple[int, str] | None:  # noqa: FBT001 - the question
        """Status and words for who may not, in Forgejo's order."""
        token = self._token()
        if not self.server.http_git:
            return 403, "Interacting with repositories by HTTP protocol is not allowed"
        if token is not None and token.user in self.server.org.inactive_users:
            return 403, "This account is prohibited from signing in"
        if repo is not None and repo.archived_at is not None and is_push:
            return 403, _ARCHIVED
        if token is None and (repo is None or repo.private or is_push):
            return 401, "Unauthorized"
        if repo is None or not sees(token, repo) or not repo.has_code:
            return 404, "Repository not found"
        scope = "write:repository" if is_push else "read:repository"
        if token is not None and not token.allows(scope):
            return 403, f"token does not have at least one of required scope(s): [{scope}]"
        if is_push and token is not None and token.right < Right.WRITE:
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
        if found is None or repo is None:
            return path
        return f"/{self.server.org.name}/{repo.name}.git{found['rest']}"

    def _environment(self, length: int) -> dict[str, str]:
        token = self._token()
        pusher = {} if token is None else {"FORGE_USER": token.user, "REMOTE_USER": token.user}
        return super()._environment(length) | pusher
