"""Which repos stand in the folder of a home whose settings were lost, or are too old."""

from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import pygit2

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote
from node_pusher.home.errors import HomeError
from node_pusher.home.repo_place import REPO_DEFAULT, RepoPlace, number_of
from node_pusher.home.settings import Home

_URL: Final = "gitmeter.url"
_BRANCH: Final = "gitmeter.branch"
_TOLD: Final = "gitmeter.told"


class _Standing(NamedTuple):
    number: int
    folder: str
    url: str
    branch: str


def remember(home: Home) -> None:
    """Note in a repo's own configuration where it is pushed to."""
    config = pygit2.Repository(str(home.repo_dir)).config
    for key, value in ((_URL, home.remote.url), (_BRANCH, home.branch)):
        if key not in config or config[key] != value:
            config[key] = value


def note_told(home: Home) -> None:
    """Note of a repo that was left that there is nothing more to tell it."""
    pygit2.Repository(str(home.repo_dir)).config[_TOLD] = True


def is_told(home: Home) -> bool:
    """Whether that was noted."""
    return _TOLD in pygit2.Repository(str(home.repo_dir)).config


def found_again(wanted: Home) -> Home:
    """A home without settings, with the repos that a rollover left in its folder.

    Raises:
        HomeError: there are some, and none of them is the repo that is wanted.
    """
    standing = _standing(wanted.path)
    if all(each.folder == REPO_DEFAULT and not each.url for each in standing):
        return wanted  # whose it is was never noted: its history will tell
    mine = _of(standing, wanted)
    if mine is None:
        there = ", ".join(f"{each.url} ({each.branch})" for each in standing if each.url)
        raise HomeError(
            f"{wanted.path} has repos of {there or 'another address'}, none of"
            f" {wanted.remote.url} ({wanted.branch})",
            hint="name the newest of them with --remote; or, if the node has gone on in another one"
            " since, move these folders aside (keep them)",
        )
    earlier = [_place(each, wanted) for each in standing if each.number < mine.number and each.url]
    return replace(wanted, repo=mine.folder, earlier=tuple(earlier))


def next_home(present: Home, wanted: Home) -> Home:
    """A home that goes on in a repo that its settings do not know, and has left all that they do.

    Args:
        present: what the settings say.
        wanted: the same node with the repo to go on in.
    """
    known = (*present.earlier, present.place)
    standing = _standing(present.path)
    others = [each for each in standing if each.folder not in {place.repo for place in known}]
    mine = _of(others, wanted)
    numbers = [number_of(folder) or 1 for folder in (present.repo, *(s.folder for s in standing))]
    folder = mine.folder if mine else f"repo.{max(numbers) + 1}.git"
    between = [_place(each, wanted) for each in others if each is not mine and each.url]
    return replace(wanted, repo=folder, earlier=(*known, *between))


def _of(standing: list[_Standing], wanted: Home) -> _Standing | None:
    """The one that is pushed to where `wanted` is."""
    own = (wanted.remote.url, wanted.branch)
    return next((each for each in standing if (each.url, each.branch) == own), None)


def _standing(path: Path) -> list[_Standing]:
    """The repos in a folder, oldest first."""
    found = []
    for folder in path.glob("repo*.git"):
        number = number_of(folder.name)
        if number is not None and (folder / "config").exists():
            config = pygit2.Config(str(folder / "config"))
            url, branch = (str(config[k]) if k in config else "" for k in (_URL, _BRANCH))
            found.append(_Standing(number, folder.name, url, branch))
    return sorted(found)


def _place(standing: _Standing, wanted: Home) -> RepoPlace:
    """An earlier repo, opened by the same files as the one that is wanted, where they go."""
    try:
        remote = replace(wanted.remote, url=standing.url)
    except RemoteConfigError:
        remote = Remote(standing.url)
    return RepoPlace(remote, standing.branch, standing.folder)
