"""Calls about branches and commits."""

import pygit2

from tests.support.forge.api import Answer, Forge, Request, Route
from tests.support.forge.commits import described
from tests.support.forge.disk import in_order
from tests.support.forge.organisation import right_in
from tests.support.forge.records import NOT_FOUND, ApiError, Repo, Right, Rule
from tests.support.forge.views import branch
from tests.support.forge_git.notes import acts_for


def acting_rule(repo: Repo, name: str) -> Rule | None:
    """The only rule that counts for a branch; None where none matches."""
    return next((rule for rule in in_order(repo) if acts_for(rule.name, name)), None)


def get_branch(forge: Forge, request: Request) -> Answer:
    """One branch."""
    repo = forge.org.visible(request.names["repo"], request.token)
    name = request.names["name"]
    git = pygit2.Repository(str(forge.org.disk.path(repo.name)))
    reference = git.references.get(f"refs/heads/{name}")
    if reference is None:
        raise ApiError(404, NOT_FOUND)
    commit = reference.peel(pygit2.Commit)
    right, rule = right_in(request.token, repo), acting_rule(repo, name)
    user = "" if request.token is None else request.token.user
    shown = branch(
        name,
        described(forge.places, repo, git, commit, with_files=False),
        rule,
        is_admin=right >= Right.ADMIN,
        pushes=right >= Right.WRITE if rule is None else _is_on_list(rule, user, right),
    )
    return Answer(200, shown)


def get_commit(forge: Forge, request: Request) -> Answer:
    """Whether there is a commit; nothing else of it is served."""
    repo = forge.org.visible(request.names["repo"], request.token)
    commit = request.names["commit"]
    git = pygit2.Repository(str(forge.org.disk.path(repo.name)))
    if not isinstance(git.get(commit), pygit2.Commit):
        raise ApiError(404, commit)
    return Answer(200, {"sha": commit})


def _is_on_list(rule: Rule, user: str, right: Right) -> bool:
    if not rule.options["enable_push"]:
        return False
    if rule.options["enable_push_whitelist"]:
        return user in rule.options["push_whitelist_usernames"]
    return right >= Right.WRITE


ROUTES = (
    Route("GET", "/repos/{org}/{repo}/branches/{name}", get_branch, None),
    Route("GET", "/repos/{org}/{repo}/git/commits/{commit}", get_commit, None),
)
