"""The commits of a writer: which is below which, and when each was made. Pure.

Histories are lines with few forks (a fork is a history that the operator accepted), so a commit is
found by its chain and its position on it, and no walk over commits is needed.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Spot(NamedTuple):
    """Where a commit is.

    Attributes:
        repo: its repo.
        chain: a number; commits of one chain are below each other.
        position: on the chain, ascending from the first commit of the repo.
        at_us: its time, microseconds since 1970.
    """

    repo: str
    chain: int
    position: int
    at_us: int


class Fork(NamedTuple):
    """Where a chain begins.

    Attributes:
        below: the chain that it leaves; None for one with the first commit of a repo.
        position: of the last commit there that is also below this chain.
        root_us: when the first commit of its repo was made, microseconds since 1970.
    """

    below: int | None
    position: int
    root_us: int


class Lineage:
    """The commits that matter, and how they are related.

    Args:
        spots: of each commit, by its hash.
        forks: of each chain.
    """

    def __init__(self, spots: Mapping[str, Spot], forks: Mapping[int, Fork]) -> None:
        self._spots = spots
        self._forks = forks

    def spot(self, commit: str) -> Spot | None:
        """Where a commit is; None if no repo of this writer has it."""
        return self._spots.get(commit)

    def is_within(self, spot: Spot, tip: str) -> bool:
        """Whether a commit is `tip` or one of its ancestors."""
        return spot.position <= self.last_within(spot.chain, tip)

    def is_same_root(self, chain: int, tip: str) -> bool:
        """Whether a chain has the same first commit as `tip`; a repo's name may be given again."""
        found = self._spots.get(tip)
        return found is not None and self._root(found.chain) == self._root(chain)

    def last_within(self, chain: int, tip: str) -> int:
        """The last position on a chain that is within `tip`; -1 where nothing of it is."""
        found = self._spots.get(tip)
        at, position = (None, 0) if found is None else (found.chain, found.position)
        while at is not None:
            if at == chain:
                return position
            fork = self._forks[at]
            at, position = fork.below, min(position, fork.position)
        return -1

    def began_us(self, spot: Spot) -> int:
        """When the first commit of the commit's repo was made, microseconds since 1970."""
        return self._forks[spot.chain].root_us

    def _root(self, chain: int) -> int:
        while (below := self._forks[chain].below) is not None:
            chain = below
        return chain
