"""Forgejo's API, and Gitea's where it is the same. See `/api/swagger` on any instance."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from aggregator.config.sections import ForgeConfig
from aggregator.forge import shapes
from aggregator.forge.answers import Access, Wait, bad_answer
from aggregator.forge.interface import (
    DeniedError,
    DeployKey,
    ForgeRepo,
    Hook,
    IncompleteListingError,
    Inspected,
    Listing,
    Protection,
    RefusedError,
)
from aggregator.forge.paging import Pages
from aggregator.forge.people import Collaborator, Team
from aggregator.forge.transport import Session
from gitmeter.git_remote.remote import Remote

HOOK_KINDS: Final = ("forgejo", "gitea")
"""Both send the same payload and signature; Gitea knows the second alone."""

_API: Final = "/api/v1"
_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND})
_NO_COMMIT: Final = _ABSENT | {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT}
"""Also what is said of a repo without any commit."""

_NO_SUCH_CALL: Final = _ABSENT | {HTTPStatus.METHOD_NOT_ALLOWED}
_ALL_TAGS: Final = "*"
_OWNERS: Final = "Owners"
"""The team that every organisation has."""

_NOT_BY_THAT_NAME: Final = _ABSENT | {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
"""The old name of a renamed repo redirects to the new one."""


class Forgejo:
    """One organisation on a Forgejo; see `Forge` for what each method does.

    Args:
        access: the root of its API, and how to ask.
        clone_root: the address below which its repos are fetched.
        require_signed_commits: whether the forge itself refuses commits that no key of one of its
            users has signed.
    """

    def __init__(self, access: Access, clone_root: str, *, require_signed_commits: bool) -> None:
        self._access = access
        self._clone_root = clone_root
        self._signed = require_signed_commits
        self._org = f"{access.remote.url}/orgs/{quote(access.org, safe='')}"
        self._repos = f"{access.remote.url}/repos/{quote(access.org, safe='')}"

    def list_repos(self) -> Listing:  # noqa: D102 - see the protocol for these methods
        with Session(self._access) as session:
            try:
                return self._list(session)
            except IncompleteListingError:  # a repo came or went between two pages
                return self._list(session)

    def _list(self, session: Session) -> Listing:
        url = f"{self._org}/repos"
        pages = Pages(session, url, shapes.REPOS)
        found = pages.read()
        if pages.at is None:
            raise bad_answer(url, "the answer has no Date")
        return Listing(tuple(repo.value(self._clone_root) for repo in found), pages.at)

    def find_repo(self, name: str) -> ForgeRepo | None:  # noqa: D102
        url = self._repo(name)
        with Session(self._access) as session:
            answer = session.ask("GET", url, accept=_NOT_BY_THAT_NAME)
        if answer.status in _NOT_BY_THAT_NAME:
            return None
        found = shapes.read(shapes.REPO, answer.body, url).value(self._clone_root)
        return found if found.name == name else None

    def create_repo(  # noqa: D102
        self, name: str, branch: str, description: str = ""
    ) -> ForgeRepo:
        values = {
            "name": name,
            "description": description,
            "private": True,
            "auto_init": False,
            "default_branch": branch,
            "object_format_name": "sha1",
        }
        url = f"{self._org}/repos"
        body = self._send("POST", url, values)
        return shapes.read(shapes.REPO, body, url).value(self._clone_root)

    def close_to_people(self, name: str) -> None:  # noqa: D102
        self._send("PATCH", self._repo(name), {"private": True, "has_pull_requests": False})

    def set_archived(self, name: str, *, archived: bool) -> None:  # noqa: D102
        self._send("PATCH", self._repo(name), {"archived": archived})

    def inspect(self, name: str) -> Inspected:  # noqa: D102
        with Session(self._access) as session:
            return Inspected(
                self._keys_of(session, name),
                self._rules_of(session, name),
                self._collaborators(session, name),
                tuple(
                    hook.value()
                    for hook in Pages(session, f"{self._repo(name)}/hooks", shapes.HOOKS).read()
                ),
            )

    def deploy_keys(self, name: str) -> tuple[DeployKey, ...]:  # noqa: D102
        with Session(self._access) as session:
            return self._keys_of(session, name)

    def _keys_of(self, session: Session, name: str) -> tuple[DeployKey, ...]:
        found = Pages(session, f"{self._repo(name)}/keys", shapes.KEYS).read()
        return tuple(key.value() for key in found)

    def add_deploy_key(self, name: str, title: str, key: str) -> DeployKey:  # noqa: D102
        url = f"{self._repo(name)}/keys"
        body = self._send("POST", url, {"title": title, "key": key, "read_only": False})
        return shapes.read(shapes.KEY, body, url).value()

    def delete_deploy_key(self, name: str, key_id: int) -> None:  # noqa: D102
        self._delete(f"{self._repo(name)}/keys/{key_id}")

    def rules(self, name: str) -> tuple[Protection, ...]:  # noqa: D102
        with Session(self._access) as session:
            return self._rules_of(session, name)

    def _rules_of(self, session: Session, name: str) -> tuple[Protection, ...]:
        url = self._rules(name)
        answer = session.ask("GET", url)
        return tuple(rule.value() for rule in shapes.read(shapes.RULES, answer.body, url))

    def protect(self, name: str, rule: str, *, keys_may_push: bool) -> None:  # noqa: D102
        values = {
            "enable_push": keys_may_push,
            "enable_push_whitelist": keys_may_push,
            "push_whitelist_deploy_keys": keys_may_push,
            "push_whitelist_usernames": [],
            "push_whitelist_teams": [],
            "require_signed_commits": self._signed and keys_may_push,
            "enable_force_push": False,  # Gitea's; Forgejo refuses forced pushes by any rule
            "enable_merge_whitelist": True,
            "merge_whitelist_usernames": [],
            "merge_whitelist_teams": [],
            "protected_file_patterns": "",
            "unprotected_file_patterns": "",
        }
        present = self.rules(name)
        if not any(other.rule_name == rule for other in present):
            self._send("POST", self._rules(name), {"rule_name": rule, **values})
            return
        if keys_may_push:
            before = [o.priority for o in present if o.priority is not None and o.rule_name != rule]
            values |= {"priority": min(before) - 1} if before else {}
        self._send("PATCH", f"{self._rules(name)}/{quote(rule, safe='')}", values)

    def delete_rule(self, name: str, rule: str) -> None:  # noqa: D102
        self._delete(f"{self._rules(name)}/{quote(rule, safe='')}")

    def protect_tags(self, name: str) -> None:  # noqa: D102
        url = f"{self._repo(name)}/tag_protections"
        with Session(self._access) as session:
            answer = session.ask("GET", url, accept=_NO_SUCH_CALL)
            if answer.status in _NO_SUCH_CALL:
                return
            present = shapes.read(shapes.TAG_RULES, answer.body, url)
            if not any(rule.name_pattern == _ALL_TAGS for rule in present):
                # a list with nobody on it is refused, so it has those who could change the rule
                values = {"name_pattern": _ALL_TAGS, "whitelist_teams": [_OWNERS]}
                session.ask("POST", url, values)

    def _collaborators(self, session: Session, name: str) -> tuple[Collaborator, ...]:
        url = f"{self._repo(name)}/collaborators"
        found = []
        for user in Pages(session, url, shapes.USERS).read():
            place = f"{url}/{quote(user.login, safe='')}/permission"
            answer = session.ask("GET", place)
            right = shapes.read(shapes.PERMISSION, answer.body, place).permission
            found.append(Collaborator(user.login, right))
        return tuple(found)

    def teams(self) -> tuple[Team, ...]:  # noqa: D102
        with Session(self._access) as session:
            listed = Pages(session, f"{self._org}/teams", shapes.TEAMS).read()
            return tuple(
                Team(team.name, team.may_write, self._repos_of(session, team))
                for team in listed
                if team.may_read and not team.is_owners
            )

    def _repos_of(self, session: Session, team: shapes.TeamShape) -> frozenset[str] | None:
        if team.includes_all_repositories or not team.may_write:
            return None
        url = f"{self._access.remote.url}/teams/{team.id}/repos"
        return frozenset(repo.name for repo in Pages(session, url, shapes.REPOS).read())

    def has_commit(self, name: str, commit: str) -> bool:  # noqa: D102
        # no diff, signature or list of files, each of which takes the forge a git program
        url = f"{self._repo(name)}/git/commits/{commit}?stat=false&verification=false&files=false"
        with Session(self._access) as session:
            return session.ask("GET", url, accept=_NO_COMMIT).status not in _NO_COMMIT

    def head(self, name: str, branch: str) -> str | None:  # noqa: D102
        url = f"{self._repo(name)}/branches/{quote(branch, safe='')}"
        with Session(self._access) as session:
            answer = session.ask("GET", url, accept=_ABSENT)
        if answer.status in _ABSENT:
            return None
        return shapes.read(shapes.BRANCH, answer.body, url).commit.id

    def token_user(self) -> str:  # noqa: D102
        url = f"{self._access.remote.url}/user"
        try:
            with Session(self._access) as session:
                answer = session.ask("GET", url)
        except DeniedError:  # it needs a scope that nothing else here needs
            return ""
        return shapes.read(shapes.USER, answer.body, url).login

    def hooks(self) -> tuple[Hook, ...]:  # noqa: D102
        with Session(self._access) as session:
            found = Pages(session, f"{self._org}/hooks", shapes.HOOKS).read()
        return tuple(hook.value() for hook in found)

    def set_hook(self, url: str, secret: str, branch: str) -> None:  # noqa: D102
        before = [hook.id for hook in self.hooks() if hook.url == url]
        config = {"url": url, "content_type": "json", "secret": secret}
        values = {"active": True, "events": ["push"], "branch_filter": branch, "config": config}
        try:
            self._send("POST", f"{self._org}/hooks", {"type": HOOK_KINDS[0], **values})
        except RefusedError:
            self._send("POST", f"{self._org}/hooks", {"type": HOOK_KINDS[1], **values})
        for number in before:
            self._delete(f"{self._org}/hooks/{number}")

    def _send(self, method: str, url: str, values: Mapping[str, Any]) -> bytes:
        with Session(self._access) as session:
            return session.ask(method, url, values).body

    def _delete(self, url: str) -> None:
        with Session(self._access) as session:
            session.ask("DELETE", url, accept=_ABSENT)

    def _repo(self, name: str) -> str:
        return f"{self._repos}/{quote(name, safe='')}"

    def _rules(self, name: str) -> str:
        return f"{self._repo(name)}/branch_protections"


def open_forgejo(config: ForgeConfig, wait: Wait | None) -> Forgejo:
    """See `aggregator.forge.open_forge`."""
    access = Access(Remote(f"{config.url}{_API}", config.token_file), config.org, wait)
    return Forgejo(
        access,
        f"{config.url}/{config.org}",
        require_signed_commits=config.require_signed_commits,
    )
