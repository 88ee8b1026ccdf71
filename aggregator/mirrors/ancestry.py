"""What a mirror has below commits."""

from collections.abc import Container, Iterable
from pathlib import Path

import pygit2
from pygit2 import Oid

from aggregator.mirrors.mirror import Mirror, readable


def is_ancestor(path: Path, commit: str, tip: str) -> bool:
    """Whether a mirror has a commit below a tip; only reads, and also for another user.

    Raises:
        MirrorError: the mirror cannot be read, or lacks the tip.
    """
    validation = pygit2.settings.owner_validation
    pygit2.settings.owner_validation = False  # libgit2 runs nothing of it
    try:
        with readable(path):
            repository = pygit2.Repository(str(path))
            return Oid(hex=commit) in repository and repository.descendant_of(tip, commit)
    finally:
        pygit2.settings.owner_validation = validation


def reached(mirror: Mirror, tips: Iterable[str], known: Container[str] = ()) -> list[str]:
    """The commits that tips reach by first parents, each once, parents first.

    Args:
        mirror: has them.
        tips: the commits.
        known: a chain ends where it comes to one of these, which is not among them.

    Raises:
        MirrorError: a commit is not in the mirror.
    """
    found: dict[str, None] = {}
    for tip in tips:
        newest_first: list[str] = []
        for commit in mirror.chain(tip):
            if commit in found or commit in known:
                break
            newest_first.append(commit)
        found.update(dict.fromkeys(reversed(newest_first)))
    return list(found)
