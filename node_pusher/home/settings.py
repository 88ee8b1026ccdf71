"""The settings of a home, as `node.toml` states them. Pure; `settings_file` reads and writes it."""

import tomllib
from dataclasses import dataclass
from typing import Final

from gitmeter.roles.role import ROLES, Role
from node_pusher.home.errors import HomeError
from node_pusher.home.repo_place import RepoPlace, is_branch, read_place, shown_place
from wire_format.fields import is_node

_KEYS: Final = {"node", "role", "remote", "earlier"}


@dataclass(frozen=True)
class Settings:
    """What `node.toml` says.

    Attributes:
        node: the node's name.
        place: where the repo in use is.
        role: what its repos carry.
        earlier: where the repos before it are, oldest first; nothing is written to them any more.
    """

    node: str
    place: RepoPlace
    role: Role = "usage"
    earlier: tuple[RepoPlace, ...] = ()


def parse_settings(text: str) -> Settings:
    """Read the text of a `node.toml`.

    Raises:
        ValueError: it is not TOML.
        KeyError, TypeError, AttributeError, RemoteConfigError: it is not what `init` writes.
    """
    stated = tomllib.loads(text)
    if unknown := set(stated) - _KEYS:
        raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
    if not is_node(stated["node"]):
        raise TypeError(f"not the name of a node: {stated['node']}")
    if stated["role"] not in ROLES:
        raise TypeError(f"role must be one of {', '.join(ROLES)}")
    earlier = tuple(map(read_place, stated.get("earlier", ())))
    place = read_place(stated["remote"])
    if len({each.folder for each in (place, *earlier)}) <= len(earlier):
        raise TypeError("two repos have the same folder")
    return Settings(stated["node"], place, stated["role"], earlier)


def settings_text(settings: Settings) -> str:
    """The `node.toml` that `parse_settings` reads."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `init`. Node and role stay as they are; files with"))
    document.add(tomlkit.comment("tokens and keys may be changed here. Where the same repo has"))
    document.add(tomlkit.comment("another address now, `set-remote` takes it."))
    document["node"] = settings.node
    document["role"] = settings.role
    document["remote"] = shown_place(settings.place)
    if settings.earlier:
        document["earlier"] = [shown_place(place) for place in settings.earlier]
    return tomlkit.dumps(document)


def check_node(name: str) -> None:
    """Refuse what is not the name of a node.

    Raises:
        HomeError: it is not valid.
    """
    if not is_node(name):
        raise HomeError(
            f"not the name of a node: {name}",
            hint="1 to 63 of a-z, 0-9 and -, beginning with a letter or digit: embedder-01",
        )


def check_names(wanted: Settings) -> None:
    """Refuse names that the wire format or git does not allow.

    Raises:
        HomeError: the node's or the branch's name is not valid.
    """
    check_node(wanted.node)
    if not is_branch(wanted.place.branch):
        raise HomeError(
            f"not the name of a branch: {wanted.place.branch}",
            hint="git allows no spaces, no .. and none of ~^:?*[\\ in it: main",
        )
