"""A home: the folder that makes a node (or the operator's books) of a machine.

node.toml   who this is and where its repo is
spool.db    records that are not yet known to be on the remote
repo.git    the bare repo that is pushed
push.lock   held while something commits or pushes
"""

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from git_remote.failures import RemoteConfigError
from git_remote.remote import Remote
from node_pusher.outcomes import HomeError, NotInitialisedError
from wire_format.fields import is_node

BRANCH_DEFAULT: Final = "main"
FOLDER_MODE: Final = 0o700
_SETTINGS: Final = "node.toml"
_REMOTE_KEYS: Final = {"url", "branch", "token_file", "ssh_key_file", "known_hosts_file"}


@dataclass(frozen=True)
class Home:
    """What `node.toml` says.

    Attributes:
        path: the folder itself.
        node: the node's name.
        remote: where its repo is pushed to.
        branch: the branch that is pushed.
    """

    path: Path
    node: str
    remote: Remote
    branch: str = BRANCH_DEFAULT

    @property
    def repo_dir(self) -> Path:
        """The bare repo."""
        return self.path / "repo.git"

    @property
    def spool_file(self) -> Path:
        """The spool."""
        return spool_file(self.path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the settings of a home.

        Raises:
            NotInitialisedError: there are none.
            HomeError: they cannot be read or are wrong.
        """
        home = cls.find(path)
        if home is None:
            raise NotInitialisedError(
                f"no node lives in {path}", hint="name its folder with --home, or run `init` first"
            )
        return home

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """As `load`, but None where there are no settings."""
        file = path / _SETTINGS
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise HomeError(f"{file}: {error}") from error
        try:
            return cls._from(path, settings)
        except (KeyError, TypeError, AttributeError, RemoteConfigError) as error:
            raise HomeError(f"{file} is not what `init` writes: {error}") from error

    @classmethod
    def _from(cls, path: Path, settings: dict[str, Any]) -> Self:
        remote = settings["remote"]
        if unknown := (set(settings) - {"node", "remote"}) | (set(remote) - _REMOTE_KEYS):
            raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
        if not is_node(settings["node"]):
            raise TypeError(f"not the name of a node: {settings['node']}")
        files = {
            key: None if key not in remote else Path(remote[key])
            for key in ("token_file", "ssh_key_file", "known_hosts_file")
        }
        branch = remote.get("branch", BRANCH_DEFAULT)
        return cls(path, settings["node"], Remote(remote["url"], **files), branch)

    def write(self) -> None:
        """Write the settings, all or nothing; see `is_shared` for who may read them."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment("Written by `init`. The node and the address stay as they"))
        document.add(tomlkit.comment("are; files with tokens and keys may be changed here."))
        document["node"] = self.node
        remote: dict[str, str] = {"url": self.remote.url, "branch": self.branch}
        for key in ("token_file", "ssh_key_file", "known_hosts_file"):
            file: Path | None = getattr(self.remote, key)
            if file is not None:
                remote[key] = str(file.absolute())
        document["remote"] = remote
        mode = 0o640 if is_shared(self.path) else 0o600
        write_durably(self.path / _SETTINGS, tomlkit.dumps(document).encode(), mode)


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
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
