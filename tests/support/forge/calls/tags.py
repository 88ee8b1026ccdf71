"""Calls about tag protections, which Gitea alone has."""

from tests.support.forge.api import Answer, Forge, Request, Route
from tests.support.forge.records import NOT_FOUND, ApiError, Repo, TagRule
from tests.support.forge.views import tag_protection


def list_tag_rules(forge: Forge, request: Request) -> Answer:
    """All of a repo's; not paged."""
    repo = _repo(forge, request)
    return Answer(200, [tag_protection(forge.places, rule) for rule in repo.tag_rules.values()])


def add_tag_rule(forge: Forge, request: Request) -> Answer:
    """Protect tags."""
    org, body = forge.org, request.body
    name = str(body.get("name_pattern") or "").strip()
    users, teams = body.get("whitelist_usernames") or [], body.get("whitelist_teams") or []
    if not name:
        raise ApiError(400, "name_pattern are empty")
    if not users and not teams:
        raise ApiError(400, "both whitelist_usernames and whitelist_teams are empty")
    with org.lock:
        repo = _repo(forge, request)
        if any(rule.name_pattern == name for rule in repo.tag_rules.values()):
            raise ApiError(403, "Tag protection already exist")
        now = org.now()
        rule = TagRule(org.next_id(), name, users, teams, now, now)
        repo.tag_rules[rule.id] = rule
        org.disk.note(repo)
        return Answer(201, tag_protection(forge.places, rule))


def _repo(forge: Forge, request: Request) -> Repo:
    if forge.org.flavour != "gitea":
        raise ApiError(404, NOT_FOUND)
    return forge.org.visible(request.names["repo"], request.token)


_TAGS = "/repos/{org}/{repo}/tag_protections"
ROUTES = (Route("GET", _TAGS, list_tag_rules), Route("POST", _TAGS, add_tag_rule))
