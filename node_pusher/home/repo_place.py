"""Where one repo of a node is, as `node.toml` says it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gitmeter.git_remote.remote import Remote

BRANCH_DEFAULT: Final = "main"
FOLDER_DEFAULT: Final = "repo.git"
_FOLDER: Final = re.compile(r"repo(?:\.([1-9][0-9]{0,3}))?\.git")
_FILE_KEYS: Final = ("token_file", "ssh_key_file", "known_hosts_file")
_KEYS: Final = {"url", "branch", "repo", *_FILE_KEYS}
_LAST_WORD: Final = re.compile(r"[^/:]*$")
"""The name of a repo in its address: after the last slash, or after the host in `git@host:x`."""

_NOT_IN_BRANCH: Final = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[./-]|[./]$|^@$|^HEAD$"
)
"""What git allows in no branch name (`git help check-ref-format`)."""


@dataclass(frozen=True)
class RepoPlace:
    """Where one repo of a node is: the one that is pushed now, or an earlier one.

    Attributes:
        remote: where it is pushed to.
        branch: the branch that is pushed.
        folder: the name of its folder in the home.
    """

    remote: Remote
    branch: str = BRANCH_DEFAULT
    folder: str = FOLDER_DEFAULT


def read_place(stated: dict[str, Any]) -> RepoPlace:
    """Read where a repo is.

    Raises:
        KeyError, TypeError, AttributeError, RemoteConfigError: it is not what `init` writes.
    """
    if unknown := set(stated) - _KEYS:
        raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
    for key in _FILE_KEYS:
        if stated.get(key) == "":
            raise TypeError(f"{key} is empty: leave it out if there is none")
    files = {key: None if key not in stated else Path(stated[key]) for key in _FILE_KEYS}
    branch, folder = stated.get("branch", BRANCH_DEFAULT), stated.get("repo", FOLDER_DEFAULT)
    if not is_branch(branch):
        raise TypeError(f"not the name of a branch: {branch}")
    if number_of(folder) is None:
        raise TypeError(f"not the folder of a repo: {folder}")
    return RepoPlace(Remote(stated["url"], **files), branch, folder)


def shown_place(place: RepoPlace) -> dict[str, str]:
    """The settings that `read_place` reads."""
    stated = {"url": place.remote.url, "branch": place.branch}
    if place.folder != FOLDER_DEFAULT:
        stated["repo"] = place.folder
    for key in _FILE_KEYS:
        file: Path | None = getattr(place.remote, key)
        if file is not None:
            stated[key] = str(file.absolute())
    return stated


def opened_alike(present: Remote, asked: Remote) -> Remote:
    """A remote with the files that open the present one, as far as it names none itself.

    A token is for the server that it was given for: on another one it is not used.

    Raises:
        RemoteConfigError: a file cannot be used with its address.
    """
    if asked.transport is not present.transport:
        return asked
    is_same_server = urlsplit(asked.url).netloc == urlsplit(present.url).netloc
    return replace(
        asked,
        token_file=asked.token_file or (present.token_file if is_same_server else None),
        ssh_key_file=asked.ssh_key_file or present.ssh_key_file,
        known_hosts_file=asked.known_hosts_file or present.known_hosts_file,
    )


def beside(url: str, other: str) -> str:
    """The address of a repo named as the one at `other`, in the folder of the one at `url`."""
    name = _LAST_WORD.search(other.rstrip("/"))
    return _LAST_WORD.sub("", url.rstrip("/")) + (name[0] if name else "")


def number_of(folder: str) -> int | None:
    """The number of the repo in a folder of its home, from 1; None for any other folder."""
    match = _FOLDER.fullmatch(folder)
    return None if match is None else int(match[1] or 1)


def folder_of(number: int) -> str:
    """The folder of a repo of its home after the first; `number` is from 2."""
    return f"repo.{number}.git"


def next_folder(folder: str) -> str:
    """The folder of the repo after the one in this folder."""
    return folder_of((number_of(folder) or 1) + 1)


def is_branch(text: str) -> bool:
    """Whether git accepts `text` as a branch name."""
    return bool(text) and _NOT_IN_BRANCH.search(text) is None
