"""Calls about repos: list, look at, make, change and delete."""

from tests.support.forge.api import (
    VERSION,
    Answer,
    Forge,
    Request,
    Route,
    link_header,
    page_of,
    text,
    total_header,
)
from tests.support.forge.organisation import sees
from tests.support.forge.records import ApiError, Right
from tests.support.forge.views import repository


def version(forge: Forge, request: Request) -> Answer:
    """Which Forgejo this is."""
    return Answer(200, {"version": VERSION})


def list_repos(forge: Forge, request: Request) -> Answer:
    """One page, by id; what who asks may not see is counted and left out of the page."""
    token = request.token
    with forge.org.lock:
        everything = [repo for repo in forge.org.repos.values() if token or not repo.private]
        page, _, _ = page_of(request, everything)
        shown = [
            repository(forge.places, repo, request.right) for repo in page if sees(token, repo)
        ]
    headers = link_header(forge.places, request, len(everything))
    return Answer(200, shown, headers | total_header(len(everything)))


def get_repo(forge: Forge, request: Request) -> Answer:
    """One repo."""
    repo = forge.org.visible(request.names["repo"], request.token)
    return Answer(200, repository(forge.places, repo, request.right))


def create_repo(forge: Forge, request: Request) -> Answer:
    """Make a repo without a commit; with one (`auto_init`) is not served."""
    if request.body.get("auto_init"):
        raise ApiError(422, "the test forge makes empty repos only: leave auto_init out")
    if request.body.get("object_format_name", "sha1") not in {"", "sha1"}:
        raise ApiError(422, "unsupported object format")
    org, asking = forge.org, request.token
    if org.creation_limit is not None and len(org.repos) >= org.creation_limit:
        raise (
            ApiError(500, "") if org.is_gitea else ApiError(403, "The repository limit is reached")
        )
    if request.right < Right.ADMIN and not org.members_create:
        raise ApiError(403, _MAY_NOT_CREATE)
    repo = org.create(
        text(request, "name"),
        branch=request.body.get("default_branch") or "main",
        private=bool(request.body.get("private")),
        description=request.body.get("description") or "",
    )
    if asking is not None and request.right < Right.ADMIN:
        repo.collaborators[asking.user] = "admin"  # who makes a repo is its administrator
    return Answer(201, repository(forge.places, repo, request.right))


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
        if "has_pull_requests" in body:
            repo.has_pull_requests = bool(body["has_pull_requests"])
        if "description" in body:
            repo.description = str(body["description"])
        if body.get("default_branch"):
            repo.default_branch = str(body["default_branch"])
        if "archived" in body and bool(body["archived"]) != (repo.archived_at is not None):
            repo.archived_at = org.now() if body["archived"] else None
        org.changed(repo)
        return Answer(200, repository(forge.places, repo, request.right))


def delete_repo(forge: Forge, request: Request) -> Answer:
    """Delete a repo for good."""
    with forge.org.lock:
        forge.org.delete(forge.org.visible(request.names["repo"], request.token))
    return Answer(204)


_MAY_NOT_CREATE = "Given user is not allowed to create repository in organization."
_NOT_OWNER = "Given user is not owner of organization."

ROUTES = (
    Route("GET", "/version", version, None),
    Route("GET", "/orgs/{org}/repos", list_repos, None),
    Route("POST", "/orgs/{org}/repos", create_repo, Right.WRITE, _MAY_NOT_CREATE),
    Route("GET", "/repos/{org}/{repo}", get_repo, None),
    Route("PATCH", "/repos/{org}/{repo}", edit_repo),
    Route("DELETE", "/repos/{org}/{repo}", delete_repo, Right.ADMIN, _NOT_OWNER),
)
