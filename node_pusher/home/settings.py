"""A home: the folder that makes a node (or the operator's books) of a machine.

node.toml        who this is and where its repo is, and where earlier ones are
spool.db         records that are not yet known to be on the remote
repo.git         the bare repo that is pushed; after a rollover repo.2.git, and so on
push.lock        held while something commits or pushes
signing_key      signs every commit; `signing_key.pub` is its public half
allowed_signers  whose commits this home builds on: its own keys, past ones too
"""

import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.files import write_durably
from node_pusher.home.errors import HomeError, NotInitialisedError
from node_pusher.home.repo_place import (
    BRANCH_DEFAULT,
    REPO_DEFAULT,
    RepoPlace,
    is_branch,
    read_place,
    shown_place,
)
from wire_format.fields import is_node

Role = Literal["usage", "books"]
"""What a home's repo carries: what users consumed, or money and the rule book."""

FOLDER_MODE: Final = 0o700
_SETTINGS: Final = "node.toml"
_KEYS: Final = {"node", "role", "remote", "earlier"}
_PROGRAMS: Final[dict[Role, str]] = {"usage": "node-pusher", "books": "books"}
OWNER_HINT: Final = "run it as the user who owns the home, or as one of its group"


@dataclass(frozen=True)
class Home:
    """What `node.toml` says.

    Attributes:
        path: the folder itself.
        node: the node's name.
        remote: where its repo is pushed to.
        branch: the branch that is pushed.
        role: what its repo carries.
        repo: the folder of the bare repo that is pushed there.
        earlier: the repos before it, oldest first; nothing is written to them any more.
    """

    path: Path
    node: str
    remote: Remote
    branch: str = BRANCH_DEFAULT
    role: Role = "usage"
    repo: str = REPO_DEFAULT
    earlier: tuple[RepoPlace, ...] = ()

    @property
    def repo_dir(self) -> Path:
        """The bare repo that is pushed."""
        return self.path / self.repo

    @property
    def place(self) -> RepoPlace:
        """Where the repo that is pushed is."""
        return RepoPlace(self.remote, self.branch, self.repo)

    def at(self, place: RepoPlace) -> Self:
        """The same home with another repo of the node, to look at."""
        return replace(self, remote=place.remote, branch=place.branch, repo=place.repo)

    def reread(self) -> Self:
        """The home as its settings say now: a rollover may have gone to another repo meanwhile."""
        found = self.find(self.path)
        return self if found is None or found.repo == self.repo else found

    def each_repo(self) -> Iterator[Self]:
        """The home with each of its repos, the newest first."""
        yield self
        yield from map(self.at, reversed(self.earlier))

    @property
    def spool_file(self) -> Path:
        """The spool."""
        return spool_file(self.path)

    @classmethod
    def load(cls, path: Path, role: Role | None = None) -> Self:
        """Read the settings of a home.

        Args:
            path: its folder.
            role: what it must be; None for either.

        Raises:
            NotInitialisedError: there are none.
            HomeError: they cannot be read or are wrong, or the home has another role.
        """
        home = cls.find(path)
        if home is None:
            raise NotInitialisedError(
                f"no {'books live' if role == 'books' else 'node lives'} in {path}",
                hint="name its folder with --home, or run `init` first",
            )
        if role is not None and home.role != role:
            raise wrong_role(home, role)
        return home

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """As `load`, but None where there are no settings."""
        file = path / _SETTINGS
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise HomeError(f"{file}: {error.strerror}", hint=OWNER_HINT) from error
        except (OSError, ValueError) as error:
            raise HomeError(f"{file}: {error}") from error
        try:
            return cls._from(path, settings)
        except (KeyError, TypeError, AttributeError, RemoteConfigError) as error:
            raise HomeError(f"{file} is not what `init` writes: {error}") from error

    @classmethod
    def _from(cls, path: Path, settings: dict[str, Any]) -> Self:
        if unknown := set(settings) - _KEYS:
            raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
        if not is_node(settings["node"]):
            raise TypeError(f"not the name of a node: {settings['node']}")
        if settings["role"] not in get_args(Role):
            raise TypeError(f"role must be one of {', '.join(get_args(Role))}")
        earlier = tuple(map(read_place, settings.get("earlier", ())))
        now = read_place(settings["remote"])
        if len({place.repo for place in (now, *earlier)}) <= len(earlier):
            raise TypeError("two repos have the same folder")
        return cls(
            path, settings["node"], now.remote, now.branch, settings["role"], now.repo, earlier
        )

    def write(self) -> None:
        """Write the settings, all or nothing; see `is_shared` for who may read them."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment("Written by `init`. Node and role stay as they are; files"))
        document.add(tomlkit.comment("with tokens and keys may be changed here, and the address"))
        document.add(tomlkit.comment("where the same repo was moved on the forge."))
        document["node"] = self.node
        document["role"] = self.role
        document["remote"] = shown_place(self.place)
        if self.earlier:
            document["earlier"] = [shown_place(place) for place in self.earlier]
        mode = 0o640 if is_shared(self.path) else 0o600
        write_durably(self.path / _SETTINGS, tomlkit.dumps(document).encode(), mode)


def make_folder(path: Path) -> None:
    """Make the folder of a home where there is none.

    Raises:
        HomeError: it cannot be made.
    """
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        hint = OWNER_HINT if isinstance(error, PermissionError) else ""
        raise HomeError(f"{error.filename}: {error.strerror}", hint=hint) from error


def check_node(name: str) -> None:
    """Refuse what is not the name of a node.

    Raises:
        HomeError: it is none.
    """
    if not is_node(name):
        raise HomeError(
            f"not the name of a node: {name}",
            hint="1 to 63 of a-z, 0-9 and -, beginning with a letter or digit: embedder-01",
        )


def check_names(wanted: Home) -> None:
    """Refuse names that neither the wire format nor git knows as such; looks at no disk.

    Raises:
        HomeError: the node's or the branch's name is none.
    """
    check_node(wanted.node)
    if not is_branch(wanted.branch):
        raise HomeError(
            f"not the name of a branch: {wanted.branch}",
            hint="git allows no spaces, no .. and none of ~^:?*[\\ in it: main",
        )


def wrong_role(home: Home, role: Role) -> HomeError:
    """The error of a program that was sent to the home of another one."""
    what = {"usage": "a node that records usage", "books": "the operator's books"}[home.role]
    return HomeError(
        f"{home.path} is the home of {what} ({home.node}); {_PROGRAMS[role]} has no business there",
        hint=f"use the program {_PROGRAMS[home.role]} on it, or name another folder with --home",
    )


def is_shared(folder: Path) -> bool:
    """Whether services of the folder's group record here too: its group may write to it.

    Then the spool can be written and the settings read by the group; otherwise both are this user's
    alone.
    """
    return bool(folder.stat().st_mode & stat.S_IWGRP)


def spool_file(path: Path) -> Path:
    """Where the spool of a home lies."""
    return path / "spool.db"
