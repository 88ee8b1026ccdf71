"""A home as a value: the folder that makes a machine a node, and what its settings say."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitmeter.git_remote.remote import Remote
from gitmeter.roles.role import PROGRAMS, WRITERS, Role
from node_pusher.home.errors import HomeError
from node_pusher.home.layout import spool_file
from node_pusher.home.repo_place import BRANCH_DEFAULT, RepoPlace
from node_pusher.home.settings import Settings


@dataclass(frozen=True)
class HomeRepo:
    """A repo of a home: the one in use, or an earlier one.

    Attributes:
        home: the folder of the home.
        node: the node that writes to it.
        place: where it is, in the home and on its remote.
        role: what it carries.
    """

    home: Path
    node: str
    place: RepoPlace
    role: Role

    @property
    def path(self) -> Path:
        """The bare repo in the home."""
        return self.home / self.place.folder

    @property
    def remote(self) -> Remote:
        """Where it is pushed to."""
        return self.place.remote

    @property
    def branch(self) -> str:
        """The branch that is pushed."""
        return self.place.branch


@dataclass(frozen=True)
class Home:
    """A home, or one that is still to be made.

    Attributes:
        path: its folder.
        settings: what its `node.toml` says, or will say.
    """

    path: Path
    settings: Settings

    @property
    def node(self) -> str:
        """The node's name."""
        return self.settings.node

    @property
    def spool_file(self) -> Path:
        """The spool."""
        return spool_file(self.path)

    @property
    def repo(self) -> HomeRepo:
        """The repo in use."""
        return self._repo_at(self.settings.place)

    @property
    def earlier_repos(self) -> list[HomeRepo]:
        """The repos before it, oldest first."""
        return [self._repo_at(place) for place in self.settings.earlier]

    @property
    def repos(self) -> Iterator[HomeRepo]:
        """All of them, the newest first."""
        yield self.repo
        yield from reversed(self.earlier_repos)

    def _repo_at(self, place: RepoPlace) -> HomeRepo:
        return HomeRepo(self.path, self.node, place, self.settings.role)


def new_home(
    path: Path, node: str, remote: Remote, branch: str = BRANCH_DEFAULT, role: Role = "usage"
) -> Home:
    """A home for `init` to make, with its first repo.

    Args:
        path: the folder.
        node: the node's name.
        remote: where its repo is pushed to.
        branch: the branch that is pushed.
        role: what its repo carries.
    """
    return Home(path, Settings(node, RepoPlace(remote, branch), role))


def wrong_role(home: Home, role: Role) -> HomeError:
    """The error of a program that was pointed at the home of another one."""
    own = home.settings.role
    return HomeError(
        f"{home.path} is the home of {WRITERS[own]} ({home.node}); {PROGRAMS[role]} has no business"
        " there",
        hint=f"use the program {PROGRAMS[own]} on it, or name another folder with --home",
    )
