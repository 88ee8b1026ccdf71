"""The state directory: the ledger's file, the mirrors, and the lock that admits one writer."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir

import pygit2

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.known_repos import KnownRepos
from aggregator.mirrors.leftovers import sweep_locks, sweep_partial_packs
from aggregator.mirrors.mirrors import Mirrors
from gitmeter.support.errors import GitmeterError
from gitmeter.support.locks import LockedError, locked
from gitmeter.support.owner import check_owner


class StateLockedError(GitmeterError):
    """Another aggregator works on this state directory; try again when it has ended."""

    retry = True


class State:
    """The state directory, and what is in it.

    Args:
        config: has the path of the directory and the configured repos.

    Attributes:
        config: the configuration; replaced while a daemon runs.
        archives: the archived repos.
        repos: the known repos.
        mirrors: the mirrors of the known repos.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.archives = ArchivedRepos(config.state)
        self.repos = KnownRepos(config, self.archives)
        self.mirrors = Mirrors(config, self.repos, self.archives)
        self._by_name: tuple[tuple[RepoConfig, ...], Mapping[str, RepoConfig]] = (), {}
        config.mirrors_path.mkdir(parents=True, exist_ok=True)
        if not self.is_writable:
            # who may only read reads mirrors of the daemon's user; libgit2 runs nothing of them
            pygit2.settings.owner_validation = False

    @property
    def configured(self) -> Mapping[str, RepoConfig]:
        """The repos of the present configuration, by name."""
        if self._by_name[0] is not self.config.repo:
            self._by_name = self.config.repo, {repo.name: repo for repo in self.config.repo}
        return self._by_name[1]

    @property
    def is_writable(self) -> bool:
        """Whether this user may write here; one who may not can ask all questions."""
        return os.access(self.config.state, os.W_OK)

    @property
    def scratch(self) -> Path:
        """A folder for temporary files: the state directory, if it can be written."""
        return self.config.state if self.is_writable else Path(gettempdir())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer for as long as the block runs.

        Raises:
            StateLockedError: another process is the writer.
            WrongUserError: this is root, and the directory is another user's.
        """
        check_owner(self.config.state)
        with ExitStack() as held:
            try:
                held.enter_context(locked(self.config.state / "lock"))
            except LockedError:
                raise StateLockedError(
                    f"another aggregator works on {self.config.state}",
                    hint="one process writes at a time: wait for it, or stop the daemon first",
                ) from None
            for mirror in self.config.mirrors_path.glob("*.git"):
                sweep_locks(mirror)
                sweep_partial_packs(mirror)
            self.archives.sweep()
            yield
