"""Calls about repos: list, look at, make, change and delete."""

from tests.support.forge.api import (
    VERSIONS,
    Answer,
    Forge,
    Request,
    Route,
    link_header,
    page_of,
    text,
    total_header,
)
from tests.support.forge.organisation import right_in, sees
from tests.support.forge.records import ApiError, Right, Token
from tests.support.forge.views import repository


def version(forge: Forge, request: Request) -> Answer:
    """Which forge this is."""
    return Answer(200, {"version": VERSIONS[forge.org.flavour]})


def list_repos(forge: Forge, request: Request) -> Answer:
    """One page, by id; what who asks may not see is counted and left out of the page."""
    token = request.token
    with forge.org.lock:
        everything = [repo for repo in forge.org.repos.values() if token or not repo.private]
        page, _, _ = page_of(request, everything)
        shown = [
            repository(forge.places, repo, right_in(token, repo))
            for repo in page
            if sees(token, repo)
        ]
    headers = link_header(forge.places, request, len(everything))
    return Answer(200, shown, headers | total_header(len(everything)))


def get_repo(forge: Forge, request: Request) -> Answer:
    """One repo."""
    repo = forge.org.visible(request.names["repo"], request.token)
    return Answer(200, repository(forge.places, repo, right_in(request.token, repo)))


def create_repo(forge: Forge, request: Request) -> Answer:
    """Make a repo without a commit; with one (`auto_init`) is not served.

    Who may do that without owning the organisation becomes a collaborator who administers it.
    """
    org, body = forge.org, request.body
    token = request.token
    if token is None or not (token.right >= Right.ADMIN or _is_let(forge, token)):
        raise ApiError(403, _MAY_NOT_CREATE)
    if body.get("auto_init"):
        raise ApiError(422, "the test forge makes empty repos only: leave auto_init out")
    if body.get("object_format_name", "sha1") not in {"", "sha1"}:
        raise ApiError(422, "unsupported object format")
    if forge.creation_limit is not None and len(org.repos) >= forge.creation_limit:
        raise ApiError(500, "")
    with org.lock:
        repo = org.create(
            text(request, "name"),
            branch=body.get("default_branch") or "main",
            private=bool(body.get("private")),
            description=body.get("description") or "",
        )
        if token.right < Right.ADMIN:
            repo.collaborators[token.user] = "admin"
        return Answer(201, repository(forge.places, repo, Right.ADMIN))


def _is_let(forge: Forge, token: Token) -> bool:
    return forge.org.members_create and token.right >= Right.WRITE


def edit_repo(forge: Forge, request: Request) -> Answer:
    """Change what the body names."""
    org, body = forge.org, request.body
    with org.lock:
        repo = org.visible(request.names["repo"], request.token)
        name = body.get("name")
        if name and name != repo.name:
            org.rename(repo, name)
        if "private" in body:
            repo.private = bool(body["private"])
        if "description" in body:
            repo.description = str(body["description"])
        if "has_pull_requests" in body:
            repo.has_pull_requests = bool(body["has_pull_requests"])
        if body.get("default_branch"):
            repo.default_branch = str(body["default_branch"])
        if "archived" in body and bool(body["archived"]) != (repo.archived_at is not None):
            repo.archived_at = org.now() if body["archived"] else None
        org.changed(repo)
        return Answer(200, repository(forge.places, repo, Right.ADMIN))


def delete_repo(forge: Forge, request: Request) -> Answer:
    """Delete a repo for good; who administers no more than the repo may not."""
    if request.token is None or request.token.right < Right.ADMIN:
        raise ApiError(403, _NOT_OWNER)
    with forge.org.lock:
        forge.org.delete(forge.org.visible(request.names["repo"], request.token))
    return Answer(204)


_MAY_NOT_CREATE = "Given user is not allowed to create repository in organization."
_NOT_OWNER = "Given user is not owner of organization."

ROUTES = (
    Route("GET", "/version", version, None),
    Route("GET", "/orgs/{org}/repos", list_repos, None),
    Route("POST", "/orgs/{org}/repos", create_repo, Right.READ),
    Route("GET", "/repos/{org}/{repo}", get_repo, None),
    Route("PATCH", "/repos/{org}/{repo}", edit_repo),
    Route("DELETE", "/repos/{org}/{repo}", delete_repo, Right.READ),
)
