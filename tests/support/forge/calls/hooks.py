"""Calls about the webhooks of the organisation, and of one repo."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.support.forge.api import Answer, Forge, Request, Route, number, page_of, total_header
from tests.support.forge.records import NOT_FOUND, ApiError, Hook, Right
from tests.support.forge.views import webhook

_TYPES = frozenset({"forgejo", "gitea", "gogs", "slack", "discord", "dingtalk", "telegram"})
_EVENTS_KNOWN = frozenset({"create", "delete", "fork", "push", "repository", "release", "wiki"})


def list_hooks(forge: Forge, request: Request) -> Answer:
    """One page; there is no `Link`."""
    with forge.org.lock:
        hooks = list(_hooks(forge, request).values())
        page, _, _ = page_of(request, hooks)
        shown = [webhook(forge.places, hook) for hook in page]
    return Answer(200, shown, total_header(len(hooks)))


def get_hook(forge: Forge, request: Request) -> Answer:
    """One hook."""
    return Answer(200, webhook(forge.places, _hook(forge, request)))


def add_hook(forge: Forge, request: Request) -> Answer:
    """Make a hook; without `active` it is off."""
    body = request.body
    if body.get("type") not in _TYPES:
        raise ApiError(422, f"Invalid hook type: {body.get('type')}")
    config = body.get("config") or {}
    for name in ("url", "content_type"):
        if name not in config:
            raise ApiError(422, f"Missing config option: {name}")
    _check(config)
    org = forge.org
    with org.lock:
        now = org.now()
        hook = Hook(
            org.next_id(),
            body["type"],
            config["url"],
            config["content_type"],
            config.get("secret", ""),
            _events(body),
            body.get("branch_filter") or "",
            bool(body.get("active")),
            now,
            now,
        )
        _hooks(forge, request)[hook.id] = hook
        return Answer(201, webhook(forge.places, hook))


def edit_hook(forge: Forge, request: Request) -> Answer:
    """Change a hook as Forgejo does it.

    The secret stays what it was, and events and branch filter that are left out are reset.
    """
    body = request.body
    config = body.get("config") or {}
    _check(config)
    with forge.org.lock:
        hook = _hook(forge, request)
        hook.url = config.get("url", hook.url)
        hook.content_type = config.get("content_type", hook.content_type)
        hook.events = _events(body)
        hook.branch_filter = body.get("branch_filter") or ""
        if body.get("active") is not None:
            hook.active = bool(body["active"])
        hook.updated_at = forge.org.now()
        return Answer(200, webhook(forge.places, hook))


def delete_hook(forge: Forge, request: Request) -> Answer:
    """Take a hook away."""
    with forge.org.lock:
        del _hooks(forge, request)[_hook(forge, request).id]
    return Answer(204)


def _hooks(forge: Forge, request: Request) -> dict[int, Hook]:
    if "repo" not in request.names:
        return forge.org.hooks
    return forge.org.visible(request.names["repo"], request.token).hooks


def _hook(forge: Forge, request: Request) -> Hook:
    hook = _hooks(forge, request).get(number(request))
    if hook is None:
        raise ApiError(404, NOT_FOUND)
    return hook


def _check(config: Mapping[str, str]) -> None:
    if config.get("content_type", "json") not in {"json", "form"}:
        raise ApiError(422, "Invalid content type")
    if "url" in config and urlsplit(config["url"]).scheme not in {"http", "https"}:
        raise ApiError(422, "Invalid url")


def _events(body: Mapping[str, Any]) -> list[str]:
    events = body.get("events") or ["push"]
    return sorted(_EVENTS_KNOWN.intersection(events))


_ORG, _REPO = "/orgs/{org}/hooks", "/repos/{org}/{repo}/hooks"
_NOT_OWNER = "Must be an organization owner"
_NOT_ADMIN = "user should be an owner or a collaborator with admin write of a repository"
ROUTES = tuple(
    Route(method, path, call, Right.ADMIN, denied)
    for base, denied in ((_ORG, _NOT_OWNER), (_REPO, _NOT_ADMIN))
    for method, path, call in (
        ("GET", base, list_hooks),
        ("GET", base + "/{id}", get_hook),
        ("POST", base, add_hook),
        ("PATCH", base + "/{id}", edit_hook),
        ("DELETE", base + "/{id}", delete_hook),
    )
)
