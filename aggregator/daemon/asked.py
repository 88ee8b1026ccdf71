"""A person asks the daemon to look at once: an empty file for each repo, in the state directory."""

from pathlib import Path
from typing import Final

FOLDER: Final = "pull-now"
ALL: Final = "[all]"
"""The request for all repos, whose names cannot contain brackets."""

_BUSY: Final = ".busy"
_TAKEN_MAX: Final = 10_000


class AskedPulls:
    """The requests in one state directory.

    Args:
        state: the directory.
    """

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def ask(self, name: str) -> None:
        """Ask for a repo by its name, or for `ALL`; a request that waits already is the same one.

        Raises:
            OSError: the file cannot be made.
        """
        self._folder.mkdir(exist_ok=True)
        (self._folder / name).touch()

    def is_waiting(self, name: str) -> bool:
        """Whether nobody has taken the request yet."""
        return (self._folder / name).exists()

    def is_done(self, name: str) -> bool:
        """Whether the request was taken and carried out, or never made."""
        return not self.is_waiting(name) and not (self._folder / (name + _BUSY)).exists()

    def withdraw(self, name: str) -> None:
        """Take a request back that nobody has taken."""
        (self._folder / name).unlink(missing_ok=True)

    def take(self) -> frozenset[str]:
        """Take all requests that wait; asking for the same meanwhile is a new request."""
        if not self._folder.exists():
            return frozenset()
        taken: set[str] = set()
        for file in self._folder.iterdir():
            if file.suffix != _BUSY and len(taken) < _TAKEN_MAX:
                file.rename(file.with_name(file.name + _BUSY))
                taken.add(file.name)
        return frozenset(taken)

    def clear(self) -> None:
        """Mark everything that was taken as carried out, also by a daemon that is gone."""
        if self._folder.exists():
            for file in self._folder.glob(f"*{_BUSY}"):
                file.unlink(missing_ok=True)
