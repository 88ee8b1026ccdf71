"""The folder in which a restore prepares the new state, within the state directory.

Everything is made and proved in `restore.new/` first. Then the mirrors are put in place and last
the database, each by one rename: a process that starts in between finds mirrors without a database
and rebuilds it from them. A former state is moved aside, never deleted.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.state import State
from aggregator.proof.rebuild import swap
from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import sync_folder

_STAGE: Final = "restore.new"


class StateNotEmptyError(GitmeterError):
    """The state directory already has a ledger or mirrors."""


class Staging:
    """The folder in which a restore works; the caller holds the lock of the state directory.

    Args:
        config: the configuration, with the state directory.
        force: whether a former state may be moved aside.

    Attributes:
        state: the new state, before it is put in place.

    Raises:
        StateNotEmptyError: there is a former state and it may not be moved.
    """

    def __init__(self, config: Config, *, force: bool) -> None:
        self._config = config
        self._folder = config.state / _STAGE
        is_unfinished = self._folder.exists() and not config.database_path.exists()
        if (there := self._there()) and not (force or is_unfinished):
            raise StateNotEmptyError(
                f"{config.state} is in use: it has {', '.join(sorted(p.name for p in there))}",
                hint="restore into an empty directory with `aggregator --state DIR`, or use --force"
                " to move aside what is there",
            )
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._folder.mkdir(mode=0o700)
        self._is_placing = False
        self.state = State(config.model_copy(update={"state": self._folder}))

    @property
    def database_path(self) -> Path:
        """The new database, before it is put in place."""
        return self.state.config.database_path

    def put_in_place(self, now: datetime) -> Path | None:
        """Move a former state aside and the new one to its place.

        Args:
            now: the time after which the folder for the former state is named.

        Returns:
            The folder with the former state; None if there was none.
        """
        config = self._config
        for folder in (self._folder, self.state.config.mirrors_path):
            sync_folder(folder)
        self._is_placing = True
        aside = self._move_aside(now)
        self.state.config.mirrors_path.replace(config.mirrors_path)
        sync_folder(config.state)
        swap(self.database_path, config.database_path)
        sync_folder(config.state)
        shutil.rmtree(self._folder)
        return aside

    def discard(self) -> None:
        """Remove the new state, unless some of it is in place already.

        In that case the next restore may move it aside without `force`.
        """
        if not self._is_placing:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _there(self) -> list[Path]:
        """The files and folders of a former state, which must not be lost."""
        folders = (self._config.mirrors_path, ArchivedRepos(self._config.state).folder)
        databases = self._config.state.glob(f"{self._config.database_path.name}*")
        return [*databases, *(each for each in folders if each.exists() and any(each.iterdir()))]

    def _move_aside(self, now: datetime) -> Path | None:
        there = self._there()
        if not there:
            return None
        aside = self._config.state / f"before-restore-{now:%Y%m%dT%H%M%S.%fZ}"
        aside.mkdir()
        for path in there:
            path.rename(aside / path.name)
        for folder in (aside, self._config.state):
            sync_folder(folder)
        return aside
