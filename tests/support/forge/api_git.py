"""Calls about what git has in a repo: branches, commits, and rules for tags."""

import pygit2

from tests.support.forge.acting import acting_rule
from tests.support.forge.api import Answer, Forge, Request, Route, text
from tests.support.forge.records import NOT_FOUND, ApiError, Repo, Right
from tests.support.forge.views import protection


def get_branch(forge: Forge, request: Request) -> Answer:
    """A branch, with its head and the name of the rule that acts for it."""
    repo = forge.org.visible(request.names["repo"], request.token)
    name = request.names["name"]
    head = _git(forge, repo).references.get(f"refs/heads/{name}")
    if head is None:
        raise ApiError(404, NOT_FOUND)
    rule = acting_rule(repo.rules.values(), name)
    shown = {} if rule is None else protection(forge.places, rule)
    return Answer(
        200,
        {
            "name": name,
            "commit": {"id": str(head.target), "message": "", "url": "", "added": None},
            "protected": rule is not None,
            "required_approvals": 0,
            "enable_status_check": False,
            "status_check_contexts": [],
            "user_can_push": request.right >= Right.WRITE,
            "user_can_merge": request.right >= Right.WRITE,
            "effective_branch_protection_name": shown.get("rule_name", ""),
        },
    )


def get_commit(forge: Forge, request: Request) -> Answer:
    """Whether there is a commit; nothing else of it is served."""
    repo = forge.org.visible(request.names["repo"], request.token)
    commit = request.names["commit"]
    if not isinstance(_git(forge, repo).get(commit), pygit2.Commit):
        raise ApiError(404, commit)
    return Answer(200, {"sha": commit})


def list_tag_rules(forge: Forge, request: Request) -> Answer:
    """The rules for tags, on Gitea; Forgejo 7 has no such call."""
    repo = _with_tag_rules(forge, request)
    shown = [{"id": 1, "name_pattern": pattern} for pattern in repo.tag_patterns]
    return Answer(200, shown)


def add_tag_rule(forge: Forge, request: Request) -> Answer:
    """Protect tags."""
    repo = _with_tag_rules(forge, request)
    pattern = text(request, "name_pattern")
    if pattern in repo.tag_patterns:
        raise ApiError(403, "Tag protection already exist")
    repo.tag_patterns.append(pattern)
    forge.org.disk.note(repo)
    return Answer(201, {"id": 1, "name_pattern": pattern})


def _with_tag_rules(forge: Forge, request: Request) -> Repo:
    if not forge.org.is_gitea:
        raise ApiError(404, "404 page not found")
    return forge.org.visible(request.names["repo"], request.token)


def _git(forge: Forge, repo: Repo) -> pygit2.Repository:
    return pygit2.Repository(str(forge.org.disk.path(repo.name)))


_REPO = "/repos/{org}/{repo}"
ROUTES = (
    Route("GET", _REPO + "/branches/{name}", get_branch, Right.READ),
    Route("GET", _REPO + "/git/commits/{commit}", get_commit, Right.READ),
    Route("GET", _REPO + "/tag_protections", list_tag_rules),
    Route("POST", _REPO + "/tag_protections", add_tag_rule),
)
