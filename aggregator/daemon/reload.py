"""Starting again within the process, which SIGHUP asks for."""

import signal
from collections.abc import Callable
from types import FrameType

import structlog

from aggregator.config.settings import Config
from gitmeter.support.errors import GitmeterError

_log = structlog.get_logger()


class Reload:
    """Notes SIGHUP from now on, instead of dying of it.

    Args:
        read: reads the configuration.
    """

    def __init__(self, read: Callable[[], Config]) -> None:
        self._read = read
        self._is_asked = False
        signal.signal(signal.SIGHUP, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        # no log here: its lock may be held by what the signal interrupted
        self._is_asked = True

    def is_due(self) -> bool:
        """Whether SIGHUP came since the last call, and the configuration can be used."""
        if not self._is_asked:
            return False
        self._is_asked = False
        try:
            self._read()
        except (GitmeterError, OSError) as error:
            _log.warning("configuration not reloaded", detail=str(error))
            return False
        return True
