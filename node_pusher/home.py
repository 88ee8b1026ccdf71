"""A home: the folder that makes a node (or the operator's books) of a machine.

node.toml        who this is and where its repo is
spool.db         records that are not yet known to be on the remote
repo.git         the bare repo that is pushed
push.lock        held while something commits or pushes
signing_key      signs every commit; `signing_key.pub` is its public half
allowed_signers  whose commits this home builds on: its own keys, past ones too
"""

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

from git_remote.failures import RemoteConfigError
from git_remote.remote import Remote
from node_pusher.outcomes import HomeError, NotInitialisedError
from wire_format.fields import is_node

Role = Literal["usage", "books"]
"""What a home's repo carries: what users consumed, or money and the rule book."""

BRANCH_DEFAULT: Final = "main"
FOLDER_MODE: Final = 0o700
_SETTINGS: Final = "node.toml"
_FILE_KEYS: Final = ("token_file", "ssh_key_file", "known_hosts_file")
_REMOTE_KEYS: Final = {"url", "branch", *_FILE_KEYS}
_PROGRAMS: Final[dict[Role, str]] = {"usage": "node-pusher", "books": "books"}
_NOT_IN_BRANCH: Final = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[./-]|[./]$|^@$|^HEAD$"
)
"""What git takes in no name of a branch (`git help check-ref-format`)."""

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
    """

    path: Path
    node: str
    remote: Remote
    branch: str = BRANCH_DEFAULT
    role: Role = "usage"

    @property
    def repo_dir(self) -> Path:
        """The bare repo."""
        return self.path / "repo.git"

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
                f"no node lives in {path}", hint="name its folder with --home, or run `init` first"
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
        remote = settings["remote"]
        if unknown := (set(settings) - {"node", "role", "remote"}) | (set(remote) - _REMOTE_KEYS):
            raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
        if not is_node(settings["node"]):
            raise TypeError(f"not the name of a node: {settings['node']}")
        if settings["role"] not in get_args(Role):
            raise TypeError(f"role must be one of {', '.join(get_args(Role))}")
        for key in _FILE_KEYS:
            if remote.get(key) == "":
                raise TypeError(f"{key} is empty: leave it out if there is none")
        files = {key: None if key not in remote else Path(remote[key]) for key in _FILE_KEYS}
        branch = remote.get("branch", BRANCH_DEFAULT)
        if not is_branch(branch):
            raise TypeError(f"not the name of a branch: {branch}")
        address = Remote(remote["url"], **files)
        return cls(path, settings["node"], address, branch, settings["role"])

    def write(self) -> None:
        """Write the settings, all or nothing; see `is_shared` for who may read them."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment("Written by `init`. Node, role and address stay as they"))
        document.add(tomlkit.comment("are; files with tokens and keys may be changed here."))
        document["node"] = self.node
        document["role"] = self.role
        remote: dict[str, str] = {"url": self.remote.url, "branch": self.branch}
        for key in _FILE_KEYS:
            file: Path | None = getattr(self.remote, key)
            if file is not None:
                remote[key] = str(file.absolute())
        document["remote"] = remote
        mode = 0o640 if is_shared(self.path) else 0o600
        write_durably(self.path / _SETTINGS, tomlkit.dumps(document).encode(), mode)


def check_names(wanted: Home) -> None:
    """Refuse names that neither the wire format nor git knows as such; looks at no disk.

    Raises:
        HomeError: the node's or the branch's name is none.
    """
    if not is_node(wanted.node):
        raise HomeError(
            f"not the name of a node: {wanted.node}",
            hint="1 to 63 of a-z, 0-9 and -, beginning with a letter or digit: embedder-01",
        )
    if not is_branch(wanted.branch):
        raise HomeError(
            f"not the name of a branch: {wanted.branch}",
            hint="git allows no spaces, no .. and none of ~^:?*[\\ in it: main",
        )


def is_branch(text: str) -> bool:
    """Whether git would take `text` as the name of a branch."""
    return bool(text) and _NOT_IN_BRANCH.search(text) is None


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


def write_durably(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file so that after a crash it is either the old or the new one, on disk."""
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)  # of a process that died; or a link that somebody left there
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    sync_folder(file.parent)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on disk."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
