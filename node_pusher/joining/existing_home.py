"""`init` in a folder that is a home already: which repo of it is meant. Pure."""

from dataclasses import replace

from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, wrong_role
from node_pusher.home.repo_place import RepoPlace, opened_alike


def same_home(present: Home, wanted: Home) -> Home:
    """The home with the files of `wanted`, which must be the same node at the same place.

    Raises:
        HomeError: it is another node or place.
    """
    if present.settings.role != wanted.settings.role:
        raise wrong_role(present, wanted.settings.role)
    here, asked = present.repo, wanted.repo.remote
    mine = (here.node, here.remote.url, here.branch)
    theirs = (wanted.node, asked.url, wanted.repo.branch)
    if present.node == wanted.node and _was_at(present, asked.url):
        raise HomeError(
            f"{present.path} has gone on from {asked.url} to {here.remote.url}",
            hint="its next repo is the one to name: the earlier one takes no records any more",
        )
    if mine != theirs:
        raise HomeError(
            f"{present.path} is the home of {mine[0]} at {mine[1]} ({mine[2]}),"
            f" not of {theirs[0]} at {theirs[1]} ({theirs[2]})",
            hint="give every node a folder of its own with --home; after a restored backup --rejoin"
            " goes on in the repo that its node went on to, `rollover` begins the next one, and"
            " `set-remote` takes the new address of the present one",
        )
    if not (asked.token_file or asked.ssh_key_file or asked.known_hosts_file):
        return present
    place = replace(here.place, remote=asked)
    return replace(present, settings=replace(present.settings, place=place))


def is_elsewhere(present: Home, wanted: Home) -> bool:
    """Whether another repo of the same node is wanted than any that its settings name."""
    is_same = (present.node, present.settings.role) == (wanted.node, wanted.settings.role)
    url = wanted.repo.remote.url
    return is_same and url != present.repo.remote.url and not _was_at(present, url)


def newer_place(present: Home, wanted: Home) -> RepoPlace:
    """The wanted repo, with the files that open the present one where it names no others."""
    remote = opened_alike(present.repo.remote, wanted.repo.remote)
    return replace(wanted.repo.place, remote=remote)


def _was_at(present: Home, url: str) -> bool:
    return any(place.remote.url == url for place in present.settings.earlier)
