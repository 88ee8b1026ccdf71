"""Calls about branch protections."""

from typing import Any

from tests.support.forge.api import Answer, Forge, Request, Route
from tests.support.forge.disk import in_order
from tests.support.forge.records import NOT_FOUND, ApiError, Flavour, Rule
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
}
_OWN_DEFAULTS: dict[Flavour, dict[str, Any]] = {
    "forgejo": {"apply_to_admins": False},
    "gitea": {
        "enable_force_push": False,
        "enable_force_push_allowlist": False,
        "force_push_allowlist_usernames": [],
        "force_push_allowlist_teams": [],
        "force_push_allowlist_deploy_keys": False,
        "block_admin_merge_override": False,
    },
}
"""Every option and what it is when nobody sets it: of both forges, and of each."""


def list_rules(forge: Forge, request: Request) -> Answer:
    """All of a repo's, in the order in which they act; not paged."""
    repo = forge.org.visible(request.names["repo"], request.token)
    return Answer(200, [protection(forge.places, rule) for rule in in_order(repo)])


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
        rule = Rule(name, _DEFAULTS | _OWN_DEFAULTS[org.flavour], now, now)
        if org.flavour == "gitea":
            rule.priority = max((other.priority for other in repo.rules.values()), default=0) + 1
        _set(rule, request, org.flavour)
        repo.rules[name] = rule
        org.disk.note(repo)
        return Answer(201, protection(forge.places, rule))


def edit_rule(forge: Forge, request: Request) -> Answer:
    """Change what the body names."""
    org = forge.org
    with org.lock:
        repo = org.visible(request.names["repo"], request.token)
        rule = _rule(forge, request)
        _set(rule, request, org.flavour)
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


def _set(rule: Rule, request: Request, flavour: Flavour) -> None:
    """Take over what is named; without pushing there is no whitelist for it."""
    options = rule.options
    for name, default in (_DEFAULTS | _OWN_DEFAULTS[flavour]).items():
        value = request.body.get(name)
        if value is None:
            continue
        if type(value) is not type(default):
            raise ApiError(422, f"json: cannot unmarshal into {name}")
        options[name] = value
    options["enable_push_whitelist"] &= options["enable_push"]
    options["push_whitelist_deploy_keys"] &= options["enable_push_whitelist"]
    priority = request.body.get("priority")
    is_stated = priority if request.method == "POST" else priority is not None
    if flavour == "gitea" and is_stated:
        rule.priority = int(request.body["priority"])


_RULES = "/repos/{org}/{repo}/branch_protections"
ROUTES = (
    Route("GET", _RULES, list_rules),
    Route("GET", _RULES + "/{name}", get_rule),
    Route("POST", _RULES, add_rule),
    Route("PATCH", _RULES + "/{name}", edit_rule),
    Route("DELETE", _RULES + "/{name}", delete_rule),
)
