"""A state directory in the making, beside the one it becomes.

Everything is made and proved in `restore.new/` first. Then the mirrors are put in place and last
the database, each by one rename: whoever starts in between finds mirrors without a database, which
is made again from them. What was there before is moved aside, never deleted.
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
    """The state directory has a ledger or mirrors already."""


class Staging:
    """The folder that a restore works in; the caller holds the lock of the state.

    Args:
        config: where the state is.
        force: whether what is in the state may be moved aside.

    Attributes:
        state: the state in the making.

    Raises:
        StateNotEmptyError: it may not, and something is there.
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
        """The database in the making."""
        return self.state.config.database_path

    def put_in_place(self, now: datetime) -> Path | None:
        """Make it the state.

        Returns:
            Where what was there has been moved, if anything was.
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
        """Remove what was made so far; once some of it is in place, the next restore goes on."""
        if not self._is_placing:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _there(self) -> list[Path]:
        """What a state directory holds that must not be lost."""
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
