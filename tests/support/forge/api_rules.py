"""Calls about branch protections."""

from typing import Any

from tests.support.forge.api import Answer, Forge, Request, Route
from tests.support.forge.records import NOT_FOUND, ApiError, Rule
from tests.support.forge.views import protection

_DEFAULTS: dict[str, Any] = {
    "enable_push": False,
    "enable_push_whitelist": False,
    "push_whitelist_usernames": [],
    "push_whitelist_teams": [],
    "push_whitelist_deploy_keys": False,
    "enable_merge_whitelist": False,
    "merge_whitelist_usernames": [],
    "merge_whitelist_teams": [],
    "enable_status_check": False,
    "status_check_contexts": [],
    "required_approvals": 0,
    "enable_approvals_whitelist": False,
    "approvals_whitelist_username": [],
    "approvals_whitelist_teams": [],
    "block_on_rejected_reviews": False,
    "block_on_official_review_requests": False,
    "block_on_outdated_branch": False,
    "dismiss_stale_approvals": False,
    "ignore_stale_approvals": False,
    "require_signed_commits": False,
    "protected_file_patterns": "",
    "unprotected_file_patterns": "",
    "apply_to_admins": False,
}
"""Every option and what it is when nobody sets it; Forgejo has none for forced pushes."""
_GITEAS: dict[str, Any] = {"priority": 0, "enable_force_push": False}
"""Those that Gitea alone has."""


def list_rules(forge: Forge, request: Request) -> Answer:
    """All of a repo's; not paged."""
    repo = forge.org.visible(request.names["repo"], request.token)
    return Answer(200, [protection(forge.places, rule) for rule in repo.rules.values()])


def get_rule(forge: Forge, request: Request) -> Answer:
    """One rule."""
    return Answer(200, protection(forge.places, _rule(forge, request)))


def add_rule(forge: Forge, request: Request) -> Answer:
    """Protect a branch."""
    org = forge.org
    name = request.body.get("rule_name") or request.body.get("branch_name")
    if not isinstance(name, str) or not name:
        raise ApiError(400, "both rule_name and branch_name are empty")
    with org.lock:
        repo = org.visible(request.names["repo"], request.token)
        if name in repo.rules:
            raise ApiError(403, "Branch protection already exist")
        now = org.now()
        rule = Rule(name, dict(_DEFAULTS), now, now)
        if org.is_gitea:
            last = max((other.options["priority"] for other in repo.rules.values()), default=0)
            rule.options |= _GITEAS | {"priority": last + 1}
        _set(rule, request)
        repo.rules[name] = rule
        org.disk.note(repo)
        return Answer(201, protection(forge.places, rule))


def edit_rule(forge: Forge, request: Request) -> Answer:
    """Change what the body names."""
    org = forge.org
    with org.lock:
        repo = org.visible(request.names["repo"], request.token)
        rule = _rule(forge, request)
        _set(rule, request)
        rule.updated_at = org.now()
        org.disk.note(repo)
        return Answer(200, protection(forge.places, rule))


def delete_rule(forge: Forge, request: Request) -> Answer:
    """Protect a branch no longer."""
    org = forge.org
    with org.lock:
        repo = org.visible(request.names["repo"], request.token)
        del repo.rules[_rule(forge, request).name]
        org.disk.note(repo)
    return Answer(204)


def _rule(forge: Forge, request: Request) -> Rule:
    repo = forge.org.visible(request.names["repo"], request.token)
    rule = repo.rules.get(request.names["name"])
    if rule is None:
        raise ApiError(404, NOT_FOUND)
    return rule


def _set(rule: Rule, request: Request) -> None:
    """Take over what is named; without pushing there is no whitelist for it."""
    options = rule.options
    for name, default in list(options.items()):
        value = request.body.get(name)
        if value is None:
            continue
        if type(value) is not type(default):
            raise ApiError(422, f"json: cannot unmarshal into {name}")
        options[name] = value
    options["enable_push_whitelist"] &= options["enable_push"]
    options["push_whitelist_deploy_keys"] &= options["enable_push_whitelist"]


_RULES = "/repos/{org}/{repo}/branch_protections"
ROUTES = (
    Route("GET", _RULES, list_rules),
    Route("GET", _RULES + "/{name}", get_rule),
    Route("POST", _RULES, add_rule),
    Route("PATCH", _RULES + "/{name}", edit_rule),
    Route("DELETE", _RULES + "/{name}", delete_rule),
)
