"""What each repo in a home's folder notes about itself, in its own git configuration.

From it a home is put together again after its settings were lost, or where they are too old.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import pygit2

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.libgit2 import ignore_user_settings
from gitmeter.git_remote.remote import Remote
from gitmeter.support.terminal import pasted
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.repo_place import FOLDER_DEFAULT, RepoPlace, folder_of, number_of

_URL: Final = "gitmeter.url"
_BRANCH: Final = "gitmeter.branch"
_MARKED: Final = "gitmeter.told"
_PARTIAL: Final = re.compile(r"remote\.(.+)\.(promisor|partialclonefilter)")
"""What git notes about the remote of a partial clone."""


class _KnownRepo(NamedTuple):
    """A repo in the folder of a home.

    Attributes:
        number: which repo of the home it is, from 1.
        folder: the name of its folder.
        url, branch: where it is pushed to; empty where it does not say.
    """

    number: int
    folder: str
    url: str
    branch: str


def note_place(repo: HomeRepo) -> None:
    """Note in a repo's configuration where it is pushed to, and where its missing files are."""
    config = _config(repo)
    # the address last: without one, a repo says nothing, and may be noted again
    for key, value in ((_BRANCH, repo.branch), (_URL, repo.remote.url)):
        _note(config, key, value)
    _note_partial(config, repo.remote.url)


def _note_partial(config: pygit2.Config, url: str) -> None:
    """Have git take the remote at this address for the one that has what a partial clone lacks.

    git knows that one by its address, and from any other accepts nothing that builds on files which
    are not here.
    """
    found = [match for match in (_PARTIAL.fullmatch(entry.name) for entry in config) if match]
    for key in found:
        _note(config, f"remote.{url}.{key[2]}", str(config[key[0]]))
    for key in found:
        if key[1] != url:
            del config[key[0]]


def _note(config: pygit2.Config, key: str, value: str) -> None:
    if key not in config or config[key] != value:
        config[key] = value


def note_marked(repo: HomeRepo) -> None:
    """Note in a previous repo's configuration that its remote needs no moved mark any more."""
    _config(repo)[_MARKED] = True


def note_unmarked(repo: HomeRepo) -> None:
    """Take back what `note_marked` noted: its remote is to be asked again."""
    config = _config(repo)
    if _MARKED in config:
        del config[_MARKED]


def is_marked(repo: HomeRepo) -> bool:
    """Whether `note_marked` was called for this repo."""
    return _MARKED in _config(repo)


def _config(repo: HomeRepo) -> pygit2.Config:
    ignore_user_settings()
    return pygit2.Repository(str(repo.path)).config


def restored_home(wanted: Home) -> Home:
    """A home without settings, with the repos that earlier rollovers left in its folder.

    Raises:
        HomeError: there are some, and none of them is the repo that is wanted.
    """
    place = wanted.settings.place
    known = _known_repos(wanted.path)
    if all(each.folder == FOLDER_DEFAULT and not each.url for each in known):
        return wanted  # its repo does not say where it is pushed to; its history will
    own = _pushed_to(place, known)
    if own is None:
        there = ", ".join(f"{each.url} ({each.branch})" for each in known if each.url)
        raise HomeError(
            f"{wanted.path} has repos of {there or 'another address'}, none of"
            f" {place.remote.url} ({place.branch})",
            hint="name the newest of them with --remote; if it has this new address now:"
            f" `{_renoting(wanted, known)}`, and this again; or, if the node has gone on in another"
            " one since, move these folders aside (keep them)",
        )
    earlier = [_place(each, place) for each in known if each.number < own.number and each.url]
    place = replace(place, folder=own.folder)
    return replace(wanted, settings=replace(wanted.settings, place=place, earlier=tuple(earlier)))


def _renoting(wanted: Home, known: list[_KnownRepo]) -> str:
    """The command that notes the wanted address in the newest repo."""
    folder, url = str(wanted.path / known[-1].folder), wanted.settings.place.remote.url
    return pasted("git", "-C", folder, "config", _URL, url)


def with_newer_repo(present: Home, place: RepoPlace) -> Home:
    """A home with a newer repo than its settings name; the present one becomes an earlier one.

    Args:
        present: what the settings say.
        place: the newer repo; its folder is chosen here.
    """
    settings = present.settings
    stated = (*settings.earlier, settings.place)
    known = _known_repos(present.path)
    others = [each for each in known if each.folder not in {each.folder for each in stated}]
    own = _pushed_to(place, others)
    newest = max([number_of(settings.place.folder) or 1, *(each.number for each in known)])
    folder = own.folder if own else folder_of(newest + 1)
    between = [_place(each, place) for each in others if each is not own and each.url]
    return replace(
        present,
        settings=replace(
            settings, place=replace(place, folder=folder), earlier=(*stated, *between)
        ),
    )


def _pushed_to(place: RepoPlace, known: list[_KnownRepo]) -> _KnownRepo | None:
    own = (place.remote.url, place.branch)
    return next((each for each in known if (each.url, each.branch) == own), None)


def _known_repos(home: Path) -> list[_KnownRepo]:
    """The repos in a folder, oldest first."""
    found = []
    for folder in home.glob("repo*.git"):
        number = number_of(folder.name)
        if number is not None and (folder / "config").exists():
            config = pygit2.Config(str(folder / "config"))
            url, branch = (str(config[k]) if k in config else "" for k in (_URL, _BRANCH))
            found.append(_KnownRepo(number, folder.name, url, branch))
    return sorted(found)


def _place(known: _KnownRepo, wanted: RepoPlace) -> RepoPlace:
    """An earlier repo, opened by the same files as the wanted one, where they fit its address."""
    try:
        remote = replace(wanted.remote, url=known.url)
    except RemoteConfigError:
        remote = Remote(known.url)
    return RepoPlace(remote, known.branch, known.folder)
