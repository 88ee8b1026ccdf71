"""Calls about who has access to a repo: collaborators, teams, and the user of the token."""

import zlib

from tests.support.forge.api import (
    Answer,
    Forge,
    Request,
    Route,
    number,
    page_of,
    total_header,
)
from tests.support.forge.organisation import right_in, sees
from tests.support.forge.records import NOT_FOUND, ApiError, Repo, Right, Team
from tests.support.forge.views import Json, repository, team, user

_GIVEN = {"": 0, "read": 1, "write": 2, "admin": 3, "owner": 4}
_AS_MEMBER = {Right.READ: "read", Right.WRITE: "write", Right.ADMIN: "owner"}
_OTHERS = (
    "Only admins can query all permissions, repo admins can query all repo permissions,"
    " collaborators can query only their own"
)


def list_collaborators(forge: Forge, request: Request) -> Answer:
    """One page; members of the organisation are not among them."""
    repo = forge.org.visible(request.names["repo"], request.token)
    page, _, _ = page_of(request, list(repo.collaborators))
    shown = [_user(forge, login) for login in page]
    return Answer(200, shown, total_header(len(repo.collaborators)))


def get_permission(forge: Forge, request: Request) -> Answer:
    """What a user may do in a repo; only its administrators learn that of others."""
    repo = forge.org.visible(request.names["repo"], request.token)
    login = request.names["user"]
    own = request.token is not None and request.token.user == login
    if not own and right_in(request.token, repo) < Right.ADMIN:
        raise ApiError(403, _OTHERS)
    permission = _permission(forge, repo, login)
    shown = {"permission": permission, "role_name": permission, "user": _user(forge, login)}
    return Answer(200, shown)


def delete_collaborator(forge: Forge, request: Request) -> Answer:
    """Take a user's own access to a repo away; one who has none is no error."""
    with forge.org.lock:
        repo = forge.org.visible(request.names["repo"], request.token)
        repo.collaborators.pop(request.names["user"], None)
    return Answer(204)


def list_repo_teams(forge: Forge, request: Request) -> Answer:
    """Every team that has a repo; not paged."""
    repo = forge.org.visible(request.names["repo"], request.token)
    return Answer(200, [team(one) for one in forge.org.teams if one.has(repo.name)])


def list_teams(forge: Forge, request: Request) -> Answer:
    """One page of the teams of the organisation."""
    page, _, _ = page_of(request, forge.org.teams)
    return Answer(200, [team(one) for one in page], total_header(len(forge.org.teams)))


def list_team_repos(forge: Forge, request: Request) -> Answer:
    """One page of the repos of a team."""
    token = request.token
    found = _team(forge, request)
    with forge.org.lock:
        repos = [repo for repo in forge.org.repos.values() if found.has(repo.name)]
        page, _, _ = page_of(request, repos)
        shown = [
            repository(forge.places, repo, right_in(token, repo))
            for repo in page
            if sees(token, repo)
        ]
    return Answer(200, shown, total_header(len(repos)))


def get_user(forge: Forge, request: Request) -> Answer:
    """The user of the token."""
    login = "" if request.token is None else request.token.user
    return Answer(200, _user(forge, login))


def _permission(forge: Forge, repo: Repo, login: str) -> str:
    """The most that a user may do, as a member of the organisation or as a collaborator.

    Raises:
        ApiError: there is no such user.
    """
    rights = [_AS_MEMBER[token.right] for token in forge.org.tokens.values() if token.user == login]
    if not rights and login not in repo.collaborators:
        raise ApiError(404, f"user does not exist [uid: 0, name: {login}]")
    return max([*rights, repo.collaborators.get(login, "")], key=_GIVEN.__getitem__)


def _team(forge: Forge, request: Request) -> Team:
    found = next((one for one in forge.org.teams if one.id == number(request)), None)
    if found is None:
        raise ApiError(404, NOT_FOUND)
    return found


def _user(forge: Forge, login: str) -> Json:
    return user(forge.places, login, zlib.crc32(login.encode()))


_REPO = "/repos/{org}/{repo}"
ROUTES = (
    Route("GET", _REPO + "/collaborators", list_collaborators, Right.READ),
    Route("GET", _REPO + "/collaborators/{user}/permission", get_permission, Right.READ),
    Route("DELETE", _REPO + "/collaborators/{user}", delete_collaborator),
    Route("GET", _REPO + "/teams", list_repo_teams, Right.READ),
    Route("GET", "/orgs/{org}/teams", list_teams, Right.READ),
    Route("GET", "/teams/{id}/repos", list_team_repos, Right.READ),
    Route("GET", "/user", get_user, Right.READ),
)
