"""Which repo on the forge is a registered one. Pure.

A number alone is no identity: a forge whose database was restored from a backup gives the numbers
of lost repos again, and a new server counts from 1. Number, creation time and name must agree.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from aggregator.config.naming import ForgeIdentity
from aggregator.forge.interface import ForgeRepo


class FoundAs(StrEnum):
    """How a registered repo is found on the forge."""

    OURS = "there"
    """Number, creation time and name agree."""
    RENAMED = "renamed"
    """Another name; a person must confirm that it is the same repo."""
    RENUMBERED = "renumbered"
    """Name and creation time agree, under another number: a restored or copied forge."""
    GONE = "missing"


class Found(NamedTuple):
    """A registered repo on the forge.

    Attributes:
        standing: how it is found.
        repo: the repo; None if it is gone.
        namesake: another repo that has its name now; None if there is none.
        is_number_reused: whether the forge gave its number to another repo.
    """

    standing: FoundAs
    repo: ForgeRepo | None
    namesake: ForgeRepo | None = None
    is_number_reused: bool = False


class Listed:
    """The repos of a listing, by number and by name.

    Args:
        repos: all repos of the organisation.
    """

    def __init__(self, repos: Iterable[ForgeRepo]) -> None:
        self._repos = {repo.id: repo for repo in repos}
        self._names = {repo.name.lower(): repo for repo in self._repos.values()}

    def named(self, name: str) -> ForgeRepo | None:
        """The repo of a name, in any letter case."""
        return self._names.get(name.lower())

    def find(self, registered: ForgeIdentity) -> Found:
        """Find a registered repo."""
        same_number = self._repos.get(registered.number)
        same_name = self.named(registered.name)
        if same_number is not None and agrees(registered, same_number):
            if same_number.name == registered.name:
                return Found(FoundAs.OURS, same_number)
            namesake = None if same_name is same_number else same_name  # other letter case
            return Found(FoundAs.RENAMED, same_number, namesake)
        is_reused = same_number is not None
        if same_name is not None and registered.created_at == same_name.created_at:
            return Found(FoundAs.RENUMBERED, same_name, is_number_reused=is_reused)
        return Found(FoundAs.GONE, None, same_name, is_number_reused=is_reused)

    def find_named(self, name: str) -> Found:
        """Find a repo that is known by its name alone."""
        repo = self.named(name)
        return Found(FoundAs.GONE if repo is None else FoundAs.OURS, repo)


def agrees(registered: ForgeIdentity, repo: ForgeRepo) -> bool:
    """Whether number and creation time are those that were registered.

    A registration of an earlier version has no creation time; then the number has to do.
    """
    return repo.id == registered.number and registered.created_at in {None, repo.created_at}
