"""The organisation of a test forge: its repos by id and by name, and who may do what in them."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from tests.support.forge.disk import Disk
from tests.support.forge.records import (
    NOT_FOUND,
    ApiError,
    Flavour,
    Hook,
    Repo,
    Right,
    Team,
    Token,
)

_UNITS = ("repo.code", "repo.issues", "repo.pulls", "repo.releases", "repo.wiki")
_GIVEN = {"read": Right.READ, "write": Right.WRITE, "admin": Right.ADMIN}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Organisation:
    """Everything the forge holds; take `lock` around what reads and then writes.

    Args:
        name: of the organisation.
        disk: where its repos are.
        clock: the forge's own.
        flavour: which forge it is.

    Attributes:
        former_names: of the organisation, in lower case.
        repos: by id.
        hooks: of the organisation, by id.
        teams: the owners first.
        members_create: whether those who write may make repos.
        next_number: what the next repo gets as its id; None is one that was never given before.
        inactive_users: accounts that were deactivated or may not sign in.
        tokens: by secret.
        user_keys: signing keys of the forge's users, by e-mail address.
        on_keys: called when keys, names or repos changed.
    """

    def __init__(
        self,
        name: str,
        disk: Disk,
        clock: Callable[[], datetime],
        flavour: Flavour = "forgejo",
    ) -> None:
        self.name = name
        self.flavour = flavour
        self.disk = disk
        self.clock = clock
        self.lock = threading.RLock()
        self.repos: dict[int, Repo] = {}
        self.hooks: dict[int, Hook] = {}
        self.former_names: set[str] = set()
        self.teams = [
            Team(
                1, "Owners", "owner", dict.fromkeys(_UNITS, "owner"), includes_all_repositories=True
            )
        ]
        self.members_create = False
        self.next_number: int | None = None
        self.inactive_users: set[str] = set()
        self.tokens: dict[str, Token] = {}
        self.user_keys: dict[str, str] = {}
        self.on_keys: Callable[[], None] = lambda: None
        self._names: dict[str, int] = {}
        self._moved: dict[str, int] = {}
        self._last_id = 0

    def now(self) -> datetime:
        """The forge's time, in whole seconds."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def next_id(self) -> int:
        """A number that was never given before."""
        with self.lock:
            self._last_id += 1
            while self._last_id in self.repos:
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

    def old_names(self) -> dict[str, str]:
        """The new name of every repo by its old one, in lower case."""
        return {old: self.repos[id_].name for old, id_ in self._moved.items() if id_ in self.repos}

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
            ApiError: the name is taken or cannot be one, or `next_number` is another repo's.
        """
        with self.lock:
            self._check_name(name)
            if self.next_number in self.repos:
                raise ApiError(500, f"{self.next_number} is the number of another repo")
            now = self.now()
            number, self.next_number = self.next_number, None
            repo = Repo(
                self.next_id() if number is None else number,
                name,
                now,
                now,
                private=private,
                default_branch=branch,
                description=description,
            )
            self.disk.make(repo)
            self.repos[repo.id] = repo
            self._sort()
            self._names[name.lower()] = repo.id
            self._moved.pop(name.lower(), None)
            self.on_keys()
            return repo

    def renumber(self, repo: Repo, number: int) -> None:
        """Give a repo another id; a repo that has it gets a new one."""
        with self.lock:
            other = self.repos.get(number)
            if other is not None and other is not repo:
                self.renumber(other, self.next_id())
            before, repo.id = repo.id, number
            self.repos[number] = self.repos.pop(before)
            for names in (self._names, self._moved):
                for name in [name for name, id_ in names.items() if id_ == before]:
                    names[name] = number
            self._sort()

    def rename_org(self, name: str) -> None:
        """Give the organisation another name; the old one leads to it."""
        with self.lock:
            self.disk.rename_org(name)
            self.former_names.add(self.name.lower())
            self.former_names.discard(name.lower())
            self.name = name
            self.on_keys()

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
            for team in self.teams:
                if repo.name in team.repos:
                    team.repos = team.repos - {repo.name} | {name}
            repo.name = name
            self.changed(repo)

    def delete(self, repo: Repo) -> None:
        """Take a repo away for good; its id is used again by `next_number` alone."""
        with self.lock:
            self.disk.delete(repo.name)
            for team in self.teams:
                team.repos.discard(repo.name)
            del self.repos[repo.id]
            del self._names[repo.name.lower()]
            self.on_keys()

    def changed(self, repo: Repo) -> None:
        """Note that something about a repo was set."""
        with self.lock:
            repo.updated_at = self.now()
            self.disk.note(repo)
            self.on_keys()

    def _sort(self) -> None:
        self.repos = dict(sorted(self.repos.items()))

    def _check_name(self, name: str) -> None:
        if _NAME.fullmatch(name) is None or name.endswith((".git", ".wiki")) or name in {".", ".."}:
            raise ApiError(422, f"[Name]: invalid name {name!r}")
        if self.find(name) is not None:
            raise ApiError(409, "The repository with the same name already exists.")


def sees(token: Token | None, repo: Repo) -> bool:
    """Whether that user knows of the repo."""
    if token is None:
        return not repo.private
    return token.sees is None or repo.name in token.sees or token.user in repo.collaborators


def right_in(token: Token | None, repo: Repo) -> Right:
    """What that user may do in the repo: as a member of the organisation, or as a collaborator."""
    if token is None:
        return Right.READ
    given = repo.collaborators.get(token.user)
    return token.right if given is None else max(token.right, _GIVEN[given])
