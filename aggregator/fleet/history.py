"""Whether a repo on the forge has the history that was billed of a node.

A name, a number and a time can come to belong to another repo; a commit cannot.
"""

from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from aggregator.config.settings import Config
from aggregator.forge.interface import Forge, ForgeRepo
from aggregator.mirrors.ancestry import is_ancestor
from aggregator.mirrors.mirror import MirrorError
from aggregator.store.errors import NoDatabaseError, ledger_errors
from aggregator.store.store import open_for_reading
from gitmeter.support.errors import GitmeterError


class Kind(StrEnum):
    """What a repo on the forge has of what was billed."""

    BILLED = "billed"
    """The last billed commit."""
    OLDER = "older"
    """A head below that commit, or no commit at all: an older backup of the forge."""
    ANOTHER = "another"
    """Another history."""
    NOTHING_BILLED = "nothing billed"
    UNKNOWN = "unknown"


class History(NamedTuple):
    """The result of a look.

    Attributes:
        kind: what the repo has of what was billed.
        sentence: the same in words, with the commit.
    """

    kind: Kind
    sentence: str


class Histories:
    """What was billed of each repo, compared with what the forge has.

    Args:
        forge: the forge to ask.
        config: has the paths of the ledger and the mirrors; both are only read.
    """

    def __init__(self, forge: Forge, config: Config) -> None:
        self._forge = forge
        self._config = config

    def look(self, name: str, repo: ForgeRepo, branch: str) -> History:
        """Look for the last billed commit of a repo; one or two requests, none without one.

        Args:
            name: the repo's name in the configuration.
            repo: the repo on the forge.
            branch: the branch that is billed.

        Raises:
            ForgeError: the forge does not answer.
        """
        billed = self._billed
        if isinstance(billed, str):
            return History(Kind.UNKNOWN, f"what was billed of {name} cannot be read here: {billed}")
        commit = billed.get(name)
        if commit is None:
            return History(Kind.NOTHING_BILLED, f"nothing of {name} was billed yet")
        if not repo.empty and self._forge.has_commit(repo.name, commit):
            return History(Kind.BILLED, f"{repo.name} has {commit}, billed last of {name}")
        lacks = f"{repo.name} lacks {commit}, billed last of {name}"
        head = None if repo.empty else self._forge.head(repo.name, branch)
        if head is None:
            return History(Kind.OLDER, f"{lacks}: it is empty")
        try:
            is_older = is_ancestor(self._config.mirror_path(name), head, commit)
        except MirrorError as error:
            return History(Kind.UNKNOWN, f"{lacks}, and the mirror cannot be read: {error}")
        if is_older:
            return History(Kind.OLDER, f"{lacks}: the forge has an older state of it, {head}")
        return History(Kind.ANOTHER, f"{lacks}: it has another history")

    @cached_property
    def _billed(self) -> dict[str, str] | str:
        """The last billed commit of each repo by its name; why that cannot be read."""
        try:
            with ledger_errors(), open_for_reading(self._config.database_path) as store:
                return store.cursors.all()
        except NoDatabaseError:
            return {}
        except GitmeterError as error:
            return str(error)
