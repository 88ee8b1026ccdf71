"""The organisation of a test forge: its repos by id and by name, and who may see them."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from tests.support.forge.disk import Disk
from tests.support.forge.records import NOT_FOUND, ApiError, Hook, Repo, Team, Token

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Organisation:
    """Everything the forge holds; take `lock` around what reads and then writes.

    Args:
        name: of the organisation.
        disk: where its repos are.
        clock: the forge's own.

    Attributes:
        repos: by id, in the order they were made.
        hooks: by id.
        tokens: by secret.
        user_keys: signing keys of the forge's users, by e-mail address.
        teams: by id; the owners are the first.
        on_keys: called when keys, names or repos changed.
        is_gitea: whether it behaves as Gitea 1.25 where that differs from Forgejo 7.
        next_number: the number of the next repo, as a restored database gives them again.
        former_names: names that the organisation had before.
        members_create: whether those who may write may also make repos.
        creation_limit: how many repos there may be.
        inactive_users: those whose account is closed.
        is_two_factor_enforced: whether repos are shown only to users with a second factor.
    """

    def __init__(
        self, name: str, disk: Disk, clock: Callable[[], datetime], *, is_gitea: bool = False
    ) -> None:
        self.name = name
        self.disk = disk
        self.clock = clock
        self.lock = threading.RLock()
        self.repos: dict[int, Repo] = {}
        self.hooks: dict[int, Hook] = {}
        self.tokens: dict[str, Token] = {}
        self.user_keys: dict[str, str] = {}
        self.on_keys: Callable[[], None] = lambda: None
        self.is_gitea = is_gitea
        self.next_number: int | None = None
        self.former_names: set[str] = set()
        self.members_create = False
        self.creation_limit: int | None = None
        self.inactive_users: set[str] = set()
        self.is_two_factor_enforced = False
        self._names: dict[str, int] = {}
        self._moved: dict[str, int] = {}
        self._last_id = 0
        self.teams = {0: Team(0, "Owners", "owner", includes_all_repositories=True)}

    def now(self) -> datetime:
        """The forge's time, in whole seconds."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def next_id(self) -> int:
        """A number that was never given before."""
        with self.lock:
            self._last_id += 1
            return self._last_id

    def find(self, name: str) -> Repo | None:
        """The repo of that name; upper and lower case are one."""
        id_ = self._names.get(name.lower())
        return None if id_ is None else self.repos[id_]

    def moved_to(self, name: str) -> str | None:
        """The new name of a repo that had this one; None while another repo has it."""
        id_ = self._moved.get(name.lower())
        if id_ is None or id_ not in self.repos:
            return None
        return self.repos[id_].name

    def ssh_moves(self) -> list[tuple[str, str]]:
        """Old and new paths of what was renamed, where ssh leads on: on Gitea alone."""
        if not self.is_gitea:
            return []
        repos = [
            (f"{self.name}/{old}", self.repos[n].name)
            for old, n in self._moved.items()
            if n in self.repos
        ]
        found = [(old, f"{self.name}/{new}") for old, new in repos]
        return found + [
            (f"{former}/{repo.name}", f"{self.name}/{repo.name}")
            for former in self.former_names
            for repo in self.repos.values()
        ]

    def visible(self, name: str, token: Token | None) -> Repo:
        """The repo of that name, if the token's user may see it.

        Raises:
            ApiError: there is none, or the user may not know of it.
        """
        repo = self.find(name)
        if repo is None or not sees(token, repo):
            raise ApiError(404, NOT_FOUND)
        return repo

    def create(
        self,
        name: str,
        *,
        branch: str = "main",
        private: bool = True,
        description: str = "",
    ) -> Repo:
        """Make an empty repo.

        Raises:
            ApiError: the name is taken or cannot be one.
        """
        with self.lock:
            self._check_name(name)
            now = self.now()
            number, self.next_number = self.next_number or self.next_id(), None
            if number in self.repos:
                raise ApiError(500, f"number {number} is taken")
            repo = Repo(
                number,
                name,
                now,
                now,
                private=private,
                default_branch=branch,
                description=description,
            )
            self.disk.make(repo)
            self.repos[repo.id] = repo
            self._names[name.lower()] = repo.id
            self._moved.pop(name.lower(), None)
            return repo

    def rename(self, repo: Repo, name: str) -> None:
        """Give a repo another name; the old one leads to it until it is used again.

        Raises:
            ApiError: the name is taken or cannot be one.
        """
        with self.lock:
            self._check_name(name)
            self.disk.move(repo.name, name)
            del self._names[repo.name.lower()]
            self._moved[repo.name.lower()] = repo.id
            self._moved.pop(name.lower(), None)
            self._names[name.lower()] = repo.id
            repo.name = name
            self.changed(repo)

    def renumber(self, repo: Repo, number: int) -> None:
        """Give a repo another number."""
        with self.lock:
            if number in self.repos:
                raise ApiError(500, f"number {number} is taken")
            del self.repos[repo.id]
            repo.id = number
            self.repos[number] = repo
            self._names[repo.name.lower()] = number

    def is_called(self, name: str) -> bool:
        """Whether this is its name, in any letter case."""
        return name.lower() == self.name.lower()

    def delete(self, repo: Repo) -> None:
        """Take a repo away for good; its id is never used again."""
        with self.lock:
            self.disk.delete(repo.name)
            del self.repos[repo.id]
            del self._names[repo.name.lower()]
            self.on_keys()

    def changed(self, repo: Repo) -> None:
        """Note that something about a repo was set."""
        with self.lock:
            repo.updated_at = self.now()
            self.disk.note(repo)
            self.on_keys()

    def _check_name(self, name: str) -> None:
        if _NAME.fullmatch(name) is None or name.endswith((".git", ".wiki")) or name in {".", ".."}:
            raise ApiError(422, f"[Name]: invalid name {name!r}")
        if self.find(name) is not None:
            raise ApiError(409, "The repository with the same name already exists.")


def sees(token: Token | None, repo: Repo) -> bool:
    """Whether that user knows of the repo."""
    if token is None:
        return not repo.private
    return token.sees is None or repo.name in token.sees
