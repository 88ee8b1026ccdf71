"""Forgejo's API, and Gitea's where it is the same. See `/api/swagger` on any instance."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from aggregator.config.sections import ForgeConfig
from aggregator.forge import shapes
from aggregator.forge.answers import Access, Wait, bad_answer
from aggregator.forge.interface import (
    DeployKey,
    ForgeRepo,
    Hook,
    IncompleteListingError,
    Listing,
    Protection,
    RefusedError,
)
from aggregator.forge.paging import Pages
from aggregator.forge.transport import Session
from gitmeter.git_remote.remote import Remote

HOOK_KINDS: Final = ("forgejo", "gitea")
"""Both send the same payload and signature; Gitea knows the second alone."""

_API: Final = "/api/v1"
_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND})
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

    def create_repo(self, name: str, branch: str) -> ForgeRepo:  # noqa: D102
        values = {
            "name": name,
            "private": True,
            "auto_init": False,
            "default_branch": branch,
            "object_format_name": "sha1",
        }
        url = f"{self._org}/repos"
        body = self._send("POST", url, values)
        return shapes.read(shapes.REPO, body, url).value(self._clone_root)

    def set_private(self, name: str) -> None:  # noqa: D102
        self._send("PATCH", self._repo(name), {"private": True})

    def set_archived(self, name: str, *, archived: bool) -> None:  # noqa: D102
        self._send("PATCH", self._repo(name), {"archived": archived})

    def deploy_keys(self, name: str) -> tuple[DeployKey, ...]:  # noqa: D102
        with Session(self._access) as session:
            found = Pages(session, f"{self._repo(name)}/keys", shapes.KEYS).read()
        return tuple(key.value() for key in found)

    def add_deploy_key(self, name: str, title: str, key: str) -> DeployKey:  # noqa: D102
        url = f"{self._repo(name)}/keys"
        body = self._send("POST", url, {"title": title, "key": key, "read_only": False})
        return shapes.read(shapes.KEY, body, url).value()

    def delete_deploy_key(self, name: str, key_id: int) -> None:  # noqa: D102
        self._delete(f"{self._repo(name)}/keys/{key_id}")

    def protection(self, name: str, branch: str) -> Protection | None:  # noqa: D102
        url = self._rule(name, branch)
        with Session(self._access) as session:
            answer = session.ask("GET", url, accept=_ABSENT)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return shapes.read(shapes.PROTECTION, answer.body, url).value()

    def protect(self, name: str, branch: str) -> None:  # noqa: D102
        values = {
            "enable_push": True,
            "enable_push_whitelist": True,
            "push_whitelist_deploy_keys": True,
            "push_whitelist_usernames": [],
            "push_whitelist_teams": [],
            "require_signed_commits": self._signed,
            "enable_force_push": False,  # Gitea's; Forgejo refuses forced pushes by any rule
        }
        if self.protection(name, branch) is not None:
            self._send("PATCH", self._rule(name, branch), values)
        else:
            url = f"{self._repo(name)}/branch_protections"
            self._send("POST", url, {"rule_name": branch, **values})

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

    def _rule(self, name: str, branch: str) -> str:
        return f"{self._repo(name)}/branch_protections/{quote(branch, safe='')}"


def open_forgejo(config: ForgeConfig, wait: Wait | None) -> Forgejo:
    """See `aggregator.forge.open_forge`."""
    access = Access(Remote(f"{config.url}{_API}", config.token_file), config.org, wait)
    return Forgejo(
        access,
        f"{config.url}/{config.org}",
        require_signed_commits=config.require_signed_commits,
    )
