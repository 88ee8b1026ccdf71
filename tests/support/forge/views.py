"""What a Forgejo says of its repos, keys, rules and hooks: JSON of its shape."""

from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

from tests.support.forge.records import Flavour, Hook, Key, Repo, Right, Rule, TagRule, Team
from tests.support.forge_git.globs import is_pattern

Json = dict[str, Any]

NEVER = "1970-01-01T00:00:00Z"


class Places(NamedTuple):
    """Where the forge is reached.

    Attributes:
        app_url: its own idea of its address, with a slash at the end.
        ssh_url: an ssh address with `{path}` in it.
        org: the organisation.
        zone: of the times it tells.
        flavour: which forge it is.
    """

    app_url: str
    ssh_url: str
    org: str
    zone: tzinfo = UTC
    flavour: Flavour = "forgejo"

    def time(self, when: datetime) -> str:
        """As Go writes a time of whole seconds."""
        return when.astimezone(self.zone).isoformat(timespec="seconds").replace("+00:00", "Z")

    def api(self, path: str) -> str:
        """An address under the API."""
        return f"{self.app_url}api/v1/{path}"


def user(places: Places, login: str, id_: int) -> Json:
    """A user, or the organisation as one."""
    return {
        "id": id_,
        "login": login,
        "login_name": "",
        "source_id": 0,
        "full_name": "",
        "email": f"{login}@noreply.forge.invalid",
        "avatar_url": f"{places.app_url}avatars/{login}",
        "html_url": f"{places.app_url}{login}",
        "language": "",
        "is_admin": False,
        "last_login": "0001-01-01T00:00:00Z",
        "created": NEVER,
        "restricted": False,
        "active": False,
        "prohibit_login": False,
        "location": "",
        "pronouns": "",
        "website": "",
        "description": "",
        "visibility": "public",
        "followers_count": 0,
        "following_count": 0,
        "starred_repos_count": 0,
        "username": login,
    }


def repository(places: Places, repo: Repo, right: Right) -> Json:
    """A repo, as somebody with that right sees it."""
    full_name = f"{places.org}/{repo.name}"
    archived_at = repo.archived_at
    return {
        "id": repo.id,
        "owner": user(places, places.org, 1),
        "name": repo.name,
        "full_name": full_name,
        "description": repo.description,
        "empty": repo.empty,
        "private": repo.private,
        "fork": False,
        "template": False,
        "parent": None,
        "mirror": False,
        "size": 22,
        "language": "",
        "languages_url": places.api(f"repos/{full_name}/languages"),
        "html_url": f"{places.app_url}{full_name}",
        "url": places.api(f"repos/{full_name}"),
        "link": "",
        "ssh_url": places.ssh_url.format(path=f"{full_name}.git"),
        "clone_url": f"{places.app_url}{full_name}.git",
        "original_url": "",
        "website": "",
        "stars_count": 0,
        "forks_count": 0,
        "watchers_count": 1,
        "open_issues_count": 0,
        "open_pr_counter": 0,
        "release_counter": 0,
        "default_branch": repo.default_branch,
        "archived": archived_at is not None,
        "created_at": places.time(repo.created_at),
        "updated_at": places.time(repo.updated_at),
        "archived_at": NEVER if archived_at is None else places.time(archived_at),
        "permissions": {
            "admin": right >= Right.ADMIN,
            "push": right >= Right.WRITE,
            "pull": True,
        },
        **_UNITS,
        "has_pull_requests": repo.has_pull_requests,
        **({"has_code": repo.has_code} if places.flavour == "gitea" else {}),
    }


_UNITS: Json = {
    "has_issues": True,
    "internal_tracker": {
        "enable_time_tracker": True,
        "allow_only_contributors_to_track_time": True,
        "enable_issue_dependencies": True,
    },
    "has_wiki": True,
    "wiki_branch": "main",
    "globally_editable_wiki": False,
    "has_projects": True,
    "has_releases": True,
    "has_packages": True,
    "has_actions": False,
    "ignore_whitespace_conflicts": False,
    "allow_merge_commits": True,
    "allow_rebase": True,
    "allow_rebase_explicit": True,
    "allow_squash_merge": True,
    "allow_fast_forward_only_merge": True,
    "allow_rebase_update": True,
    "default_delete_branch_after_merge": False,
    "default_merge_style": "merge",
    "default_allow_maintainer_edit": False,
    "default_update_style": "merge",
    "avatar_url": "",
    "internal": False,
    "mirror_interval": "",
    "object_format_name": "sha1",
    "mirror_updated": "0001-01-01T00:00:00Z",
    "repo_transfer": None,
    "topics": [],
}


def deploy_key(places: Places, repo: Repo, key: Key) -> Json:
    """A deploy key; the repo it belongs to is told to administrators of the whole forge only."""
    return {
        "id": key.id,
        "key_id": key.key_id,
        "key": key.content,
        "url": places.api(f"repos/{places.org}/{repo.name}/keys/{key.id}"),
        "title": key.title,
        "fingerprint": key.fingerprint,
        "created_at": places.time(key.created_at),
        "read_only": key.read_only,
    }


def protection(places: Places, rule: Rule) -> Json:
    """A branch protection."""
    priority = {"priority": rule.priority} if places.flavour == "gitea" else {}
    return {
        "branch_name": "" if is_pattern(rule.name) else rule.name,
        "rule_name": rule.name,
        **priority,
        **rule.options,
        "created_at": places.time(rule.created_at),
        "updated_at": places.time(rule.updated_at),
    }


def tag_protection(places: Places, rule: TagRule) -> Json:
    """A tag protection."""
    return {
        "id": rule.id,
        "name_pattern": rule.name_pattern,
        "whitelist_usernames": rule.whitelist_usernames,
        "whitelist_teams": rule.whitelist_teams,
        "created_at": places.time(rule.created_at),
        "updated_at": places.time(rule.updated_at),
    }


def branch(name: str, commit: Json, rule: Rule | None, *, is_admin: bool, pushes: bool) -> Json:
    """A branch.

    Args:
        name: of it.
        commit: as `commits.described` has it.
        rule: the one that acts for it.
        is_admin: whether who asks administers the repo; only then the rule is named.
        pushes: whether who asks may push.
    """
    options = {} if rule is None else rule.options
    return {
        "name": name,
        "commit": commit,
        "protected": rule is not None,
        "required_approvals": options.get("required_approvals", 0),
        "enable_status_check": options.get("enable_status_check", False),
        "status_check_contexts": options.get("status_check_contexts", []),
        "user_can_push": pushes,
        "user_can_merge": pushes,
        "effective_branch_protection_name": rule.name if rule is not None and is_admin else "",
    }


def team(shown: Team) -> Json:
    """A team."""
    return {
        "id": shown.id,
        "name": shown.name,
        "description": "",
        "organization": None,
        "includes_all_repositories": shown.includes_all_repositories,
        "permission": shown.permission,
        "units": sorted(shown.units_map),
        "units_map": shown.units_map,
        "can_create_org_repo": shown.permission == "owner",
    }


def webhook(places: Places, hook: Hook) -> Json:
    """A webhook; its secret is never told."""
    return {
        "id": hook.id,
        "type": hook.type,
        "branch_filter": hook.branch_filter,
        "url": hook.url,
        "config": {"content_type": hook.content_type, "url": hook.url},
        "events": hook.events,
        "authorization_header": "",
        "content_type": hook.content_type,
        "metadata": None,
        "active": hook.active,
        "updated_at": places.time(hook.updated_at),
        "created_at": places.time(hook.created_at),
    }
