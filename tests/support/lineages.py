"""The lineage of whole histories, as the ledger's database would have it."""

from collections.abc import Iterable
from typing import NamedTuple

from gitmeter.money.lineage import Fork, Lineage, Spot


class GraphCommit(NamedTuple):
    """A commit as git states it.

    Attributes:
        id: its hash.
        repo: its repo.
        parent: the first parent; None of a first commit.
        at_us: its time, microseconds since 1970.
    """

    id: str
    repo: str
    parent: str | None
    at_us: int


def lineage_of(commits: Iterable[GraphCommit]) -> Lineage:
    """The lineage of whole histories, parents before their children or not."""
    known = {commit.id: commit for commit in commits}
    spots: dict[str, Spot] = {}
    forks: dict[int, Fork] = {}
    newest: dict[int, int] = {}
    for start in known:
        path = [start]
        while path[-1] not in spots and (parent := known[path[-1]].parent) is not None:
            path.append(parent)
        for commit in reversed([each for each in path if each not in spots]):
            spots[commit] = _next_spot(known[commit], spots, forks, newest)
    return Lineage(spots, forks)


def _next_spot(
    commit: GraphCommit, spots: dict[str, Spot], forks: dict[int, Fork], newest: dict[int, int]
) -> Spot:
    below = spots[commit.parent] if commit.parent is not None else None
    if below is None:
        chain, position = len(forks), 0
        forks[chain] = Fork(None, 0, commit.at_us)
    elif newest[below.chain] == below.position:
        chain, position = below.chain, below.position + 1
    else:
        chain, position = len(forks), below.position + 1
        forks[chain] = Fork(below.chain, below.position, forks[below.chain].root_us)
    newest[chain] = position
    return Spot(commit.repo, chain, position, commit.at_us)
