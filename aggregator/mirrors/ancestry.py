"""What a mirror has below a commit, without writing to it or taking it over."""

from pathlib import Path

import pygit2
from pygit2 import Oid

from aggregator.mirrors.mirror import readable


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
